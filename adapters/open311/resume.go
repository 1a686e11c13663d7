package open311

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/open311/georeport"
	"github.com/amtsbote/amtsbote/hub"
)

// resume finds out what became of a report whose sending was cut off: by a crash, a
// timeout, an answer that nobody can read. found means that it is filed, or that
// somebody has to look; otherwise it can be sent again.
func (s *sink) resume(ctx context.Context, id string, f *forward) (found bool, err error) {
	if s.set.Details.Lookup == lookupNone {
		return true, hub.Permanent(unknownOutcome,
			"whether the report %s arrived is not known, and this server's reports cannot be looked through (details.lookup): look there. To send it anew, remove its record (%s.json in the folder forwarded) and hand it over again", id, id)
	}
	// What is not visible within that time did not arrive: asked before, nothing would follow.
	asked := s.now()
	other, err := s.lookUp(ctx, strings.TrimSpace(mark(id)), f)
	switch {
	case err != nil:
		return true, err
	case other != "":
		s.log.Info("open311: a report whose sending was cut off had arrived", zap.String("weiterleitung", id))
		f.Phase, f.At, f.ID = filed, s.now().UTC(), other
		return true, s.book.put(id, f)
	}
	if wait := s.set.VisibleAfter - asked.Sub(f.At); wait > 0 {
		return true, &hub.Fault{
			Code: notYet, Later: true, After: min(wait, time.Minute),
			Err: fmt.Errorf("whether the report arrived is not known; it may still appear within %s (setting visible-after)", s.set.VisibleAfter),
		}
	}
	if f.tries() >= mostTries {
		return true, hub.Permanent(unknownOutcome,
			"the report %s was sent and the server took it without an id, or it was sent %d times without a clear answer, and the server does not show it: look there. To send it anew, remove its record (%s.json in the folder forwarded) and hand it over again", id, mostTries, id)
	}
	return false, nil
}

// clocks is how much the server's clock may differ from ours.
const clocks = day

// lookUp finds the report with a mark among those of the time when it was sent. With
// more than one, an earlier attempt was shown later than visible-after: the first counts.
func (s *sink) lookUp(ctx context.Context, mark string, f *forward) (id string, err error) {
	r := &run{source: &source{set: s.set, client: s.client, log: s.log, now: s.now, most: maxQuestions}}
	w := window{from: f.At.Add(-clocks), to: s.now().Add(clocks), names: byRequested}
	_, err = r.read(ctx, w, func(_ context.Context, e georeport.Entry) error {
		given := e.Fields["service_request_id"]
		if id == "" && strings.Contains(e.Fields["description"], mark) && given != "" && answerID(given) {
			id = given
		}
		return nil
	})
	return id, err
}

// servicesKept is how long the list of services is believed.
const servicesKept = time.Hour

// serviceKnown looks whether the server has the service, and whether it can be filed
// without attributes, before anything is sent.
func (s *sink) serviceKnown(ctx context.Context, rep *outgoing) error {
	known, err := s.hasService(ctx, rep.code)
	if err != nil {
		return err
	}
	if !known {
		return hub.Permanent(unknownService,
			"the server has no service_code for the event's /meldung/kategorie; name the one it has (setting services), then hand the event over again")
	}
	return nil
}

func (s *sink) hasService(ctx context.Context, code string) (bool, error) {
	s.mu.Lock()
	_, known := s.services[code]
	known = known && s.now().Sub(s.readAt) < servicesKept
	s.mu.Unlock()
	if known {
		return true, nil
	}
	list, err := services(ctx, s.client)
	if err != nil {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.services, s.readAt = list, s.now()
	_, known = list[code]
	return known, nil
}

// forgetServices has the list read again.
func (s *sink) forgetServices() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.services = nil
}

// blackbox tells whether the server never gives an id for a service.
func (s *sink) blackbox(code string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.services[code]
}

// services reads the service list: each code, and whether its type is blackbox.
func services(ctx context.Context, c *georeport.Client) (map[string]bool, error) {
	a, err := c.Get(ctx, url.Values{}, "services")
	if err != nil {
		return nil, georeport.ErrorOf(err).Fault("read the service list")
	}
	list := map[string]bool{}
	for _, e := range a.Entries {
		if code := e.Fields["service_code"]; code != "" {
			list[code] = e.Fields["type"] == "blackbox"
		}
	}
	if len(list) == 0 { // a server that is half up, or another page
		return nil, hub.Retryable(georeport.Unreadable, "read the service list: it has no service_code")
	}
	return list, nil
}

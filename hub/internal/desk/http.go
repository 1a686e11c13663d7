package desk

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/httpapi"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// Door answers what applications ask of their desks by HTTP.
type Door struct {
	// Desk gives the desk of an application, by id; nil: it has none.
	Desk func(application string) *Desk
}

// Limits and defaults of a request.
const (
	maxEvents    = 100
	maxWait      = 60
	defaultLease = 60
	defaultSSE   = 10 // events at a time
	maxBody      = 1 << 20
	heartbeat    = 15 * time.Second
	writeTime    = 30 * time.Second
	retryAfter   = 5 * time.Second // when too many wait already
	checked      = time.Second     // who was let in so long ago is asked again
	// lingers are how long a request waits for the first event at least, and for more
	// once it has one: what lies ready needs a moment to be read.
	firstLinger = 250 * time.Millisecond
	moreLinger  = 25 * time.Millisecond
)

// leaseRequest is the body of a lease; all members can be left out.
type leaseRequest struct {
	Max   int  `json:"max"`
	Wait  int  `json:"wait"`
	Lease *int `json:"lease"`
}

// leased is an event in a client's hand, as it is written.
type leased struct {
	Token       string          `json:"token"`
	Delivery    string          `json:"delivery"`
	Attempt     int             `json:"attempt"`
	Redelivered bool            `json:"redelivered"`
	Agreement   string          `json:"agreement"`
	Until       time.Time       `json:"until"`
	Event       json.RawMessage `json:"event"`
}

func (l *Lease) written() (*leased, error) {
	e, err := l.Delivery.Event.MarshalJSON()
	if err != nil {
		return nil, err
	}
	return &leased{
		Token: l.Token, Delivery: l.Delivery.ID, Attempt: l.Delivery.Attempt, Redelivered: l.Delivery.Attempt > 1,
		Agreement: l.Delivery.Agreement, Until: l.Until.UTC(), Event: e,
	}, nil
}

// mine finds the desk that a request is about. Another's, one that is none, and a
// mailbox of another mode are not told apart.
func (h *Door) mine(r *http.Request, p *httpapi.Principal) (*Desk, error) {
	if app := r.PathValue("app"); app == p.Application.ID {
		if d := h.Desk(app); d != nil {
			return d, nil
		}
	}
	return nil, httpapi.NewProblem(http.StatusNotFound, refusal.NotFound)
}

func (h *Door) lease(w http.ResponseWriter, r *http.Request, p *httpapi.Principal) error {
	d, err := h.mine(r, p)
	if err != nil {
		return err
	}
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	req, err := readLease(body)
	if err != nil {
		return invalid(err)
	}
	if !d.enter() {
		return tooMany()
	}
	defer d.leave()
	calm(w)
	c := d.Ask(req.Max, time.Duration(*req.Lease)*time.Second, false)
	got := d.gather(r, c, time.Duration(req.Wait)*time.Second)
	problem := p.Again(r)
	c.Close(problem != nil || r.Context().Err() != nil)
	if problem != nil {
		return problem
	}
	for len(c.C) > 0 { // what came at the last moment
		got = append(got, <-c.C)
	}
	return handOver(w, got)
}

// handOver answers with what was leased and is not lost again.
func handOver(w http.ResponseWriter, got []*Lease) error {
	out := struct {
		Events []*leased `json:"events"`
	}{[]*leased{}}
	for _, l := range got {
		if l.over() {
			continue
		}
		one, err := l.written()
		if err != nil {
			return err
		}
		out.Events = append(out.Events, one)
	}
	answer(w, out)
	return nil
}

// readLease reads the body of a lease request.
func readLease(body []byte) (req leaseRequest, err error) {
	req = leaseRequest{Max: 1}
	if len(bytes.TrimSpace(body)) > 0 {
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&req); err != nil {
			return req, Mistake{De: "kein JSON-Objekt {max, wait, lease}", En: "not a JSON object {max, wait, lease}"}
		}
		if _, err := dec.Token(); !errors.Is(err, io.EOF) {
			return req, Mistake{De: "hinter dem Objekt steht noch etwas", En: "something follows the object"}
		}
	}
	if req.Lease == nil {
		seconds := defaultLease
		req.Lease = &seconds
	}
	switch {
	case req.Max < 1 || req.Max > maxEvents:
		return req, Mistake{De: "max ist 1 bis 100 Ereignisse", En: "max is 1 to 100 events"}
	case req.Wait < 0:
		return req, Mistake{De: "wait ist 0 bis 60 Sekunden", En: "wait is 0 to 60 seconds"}
	case *req.Lease < 1 || *req.Lease > maxLease:
		return req, Mistake{De: "lease ist 1 bis 3600 Sekunden", En: "lease is 1 to 3600 seconds"}
	}
	req.Wait = min(req.Wait, maxWait)
	return req, nil
}

// gather waits for the first event, and takes what comes right behind it.
func (d *Desk) gather(r *http.Request, c *Client, wait time.Duration) (got []*Lease) {
	t := time.NewTimer(max(wait, firstLinger))
	defer t.Stop()
	for len(got) < cap(c.C) {
		select {
		case l := <-c.C:
			got = append(got, l)
			t.Reset(moreLinger)
		case <-t.C:
			return got
		case <-d.stopped:
			return got
		case <-r.Context().Done():
			return got
		}
	}
	return got
}

func (h *Door) settle(w http.ResponseWriter, r *http.Request, p *httpapi.Principal) error {
	d, err := h.mine(r, p)
	if err != nil {
		return err
	}
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	items, err := ReadItems(body)
	if err != nil {
		return invalid(err)
	}
	calm(w)
	answer(w, d.Settle(r.Context(), items))
	return nil
}

// answer writes; who does not read for long is let go.
func answer(w http.ResponseWriter, body any) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTime))
	httpapi.WriteJSON(w, http.StatusOK, body)
}

func tooMany() error {
	return &httpapi.Problem{Status: http.StatusTooManyRequests, Code: refusal.RateLimit, RetryAfter: retryAfter}
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		return body, nil
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, httpapi.NewProblem(http.StatusRequestEntityTooLarge, refusal.TooLarge)
	}
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
		return nil, httpapi.NewProblem(http.StatusRequestTimeout, refusal.Timeout)
	}
	return nil, httpapi.NewProblem(http.StatusBadRequest, refusal.Smuggling)
}

func invalid(err error) error {
	p := httpapi.NewProblem(http.StatusBadRequest, refusal.RequestInvalid)
	if m, ok := errors.AsType[Mistake](err); ok {
		p.Detail = finding.Message(m)
	}
	return p
}

// calm lifts the time limit for reading, which is over while a request waits: the
// server would take it for the client's end.
func calm(w http.ResponseWriter) { _ = http.NewResponseController(w).SetReadDeadline(time.Time{}) }

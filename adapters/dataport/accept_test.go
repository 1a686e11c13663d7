package dataport_test

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fitsim"
	"github.com/amtsbote/amtsbote/hub"
)

// TestAcceptOnlyForAnApplication goes through the ends that an event can have.
func TestAcceptOnlyForAnApplication(t *testing.T) {
	t.Parallel()
	ref := done(id(1)).EventRef
	foreign := ref
	foreign.Source = "urn:fremd"
	for _, c := range []struct {
		name     string
		end      hub.Settlement
		accepted bool
	}{
		{"all have it", hub.Settlement{EventRef: ref, Outcome: hub.Routed, Copies: 2, Done: 2}, true},
		{"one has it, one not", hub.Settlement{EventRef: ref, Outcome: hub.Routed, Copies: 2, Done: 1}, false},
		{"routed, nothing is known", hub.Settlement{EventRef: ref, Outcome: hub.Routed, Copies: 1}, false},
		{"routed to nobody", hub.Settlement{EventRef: ref, Outcome: hub.Routed}, false},
		{"no agreement", hub.Settlement{EventRef: ref, Outcome: hub.Unrouted}, false},
		{"quarantine", hub.Settlement{EventRef: ref, Outcome: hub.Quarantined, Copies: 1, Done: 1}, false},
		{"a duplicate", hub.Settlement{EventRef: ref, Outcome: hub.Suppressed}, false},
		{"another's event", hub.Settlement{EventRef: foreign, Outcome: hub.Routed, Copies: 1, Done: 1}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, in := newService(t), adaptertest.NewIntake()
			s.put(t, application(1))
			source := s.source(t, "")
			settled, lists := false, 0
			until(t, source, in, func() bool {
				if len(in.Events()) == 0 {
					return false
				}
				if !settled {
					if err := settle(t.Context(), t, source, c.end); err != nil {
						t.Fatal(err)
					}
					settled, lists = true, s.Calls("list")
				}
				return s.Calls("list") > lists+2 // polls that could accept
			})
			if got := s.Ended(id(1)) == fit.AcceptSubmission; got != c.accepted {
				t.Errorf("accepted %v", got)
			}
		})
	}
}

// TestAcceptStored: where the hub is the authority's receipt; forward, where it is
// enabled, comes before.
func TestAcceptStored(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.put(t, application(1))
	until(t, s.source(t, ", accept: stored"), adaptertest.NewIntake(), func() bool { return s.Ended(id(1)) != "" })
	if log := s.Log(id(1)); !slices.Equal(log, []string{"create-submission", "submit-submission", "notify-submission", "accept-submission"}) {
		t.Errorf("the event log is %q", log)
	}
	s.put(t, application(2))
	source, in := s.source(t, ", forward: true"), adaptertest.NewIntake()
	until(t, source, in, func() bool { return slices.Contains(s.Log(id(2)), fit.ForwardSubmission) && s.Calls("list") > 10 })
	until(t, source, in, func() bool {
		if err := settle(t.Context(), t, source, done(id(2))); err != nil {
			t.Fatal(err)
		}
		return s.Ended(id(2)) != ""
	})
	if log := s.Log(id(2)); !slices.Equal(log[3:], []string{"forward-submission", "accept-submission"}) {
		t.Errorf("the event log is %q", log)
	}
}

// TestApproval: a person accepts by a file what no settlement comes for.
func TestApproval(t *testing.T) {
	t.Parallel()
	s, in := newService(t), adaptertest.NewIntake()
	s.put(t, application(1))
	source := s.source(t, "")
	file := filepath.Join(s.dir, "fit", "annehmen", id(1))
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, source, in, func() bool {
		_, err := os.Lstat(file) // is taken away when it has been followed
		return s.Ended(id(1)) == fit.AcceptSubmission && os.IsNotExist(err)
	})
}

// TestDeadlines: people are warned and then alarmed, and told when the service has
// ended a submission itself. A day of the service is short here.
func TestDeadlines(t *testing.T) {
	t.Parallel()
	s := newService(t, func(o *fitsim.Options) { o.Day = 300 * time.Millisecond })
	s.put(t, application(1))
	in := adaptertest.NewIntake()
	until(t, s.source(t, ", warnen: 1s, eskalieren: 1500ms"), in, func() bool {
		return s.logs.FilterMessageSnippet("the service has ended a submission").Len() == 1
	})
	if s.Ended(id(1)) != fit.RejectSubmission || len(in.Events()) != 1 {
		t.Errorf("ended %q, %d events", s.Ended(id(1)), len(in.Events()))
	}
	if s.logs.FilterMessageSnippet("ALARM").Len() > 1 || s.logs.FilterMessageSnippet("ESCALATION").Len() != 1 {
		t.Errorf("%d alarms, %d escalations", s.logs.FilterMessageSnippet("ALARM").Len(), s.logs.FilterMessageSnippet("ESCALATION").Len())
	}
}

// TestCallback: a callback wakes the poll, once; what is not authentic, stale, or a
// repetition does not.
func TestCallback(t *testing.T) {
	t.Parallel()
	address := freeAddress(t)
	s := newService(t)
	in := adaptertest.NewIntake()
	send := func(at time.Time, secret string) int {
		stamp := strconv.FormatInt(at.Unix(), 10)
		return post(t, address, stamp, fit.CallbackMAC([]byte(secret), stamp, []byte(callbackBody)))
	}
	woken := time.Now()
	stamp := strconv.FormatInt(woken.Unix(), 10)
	phase := 0
	source, err := dataportSource(s, strings.Replace(string(s.settings(", callback: {listen: '"+address+"', geheimnis: rückruf}")), "poll: 1ms", "poll: 1h", 1))
	if err != nil {
		t.Fatal(err)
	}
	until(t, source, in, func() bool {
		switch {
		case phase == 0 && s.Calls("list") == 1:
			s.put(t, application(1))
			for name, status := range map[string]int{
				"another secret": send(woken, "fremd"), "stale": send(woken.Add(-6*time.Minute), "rückruf"), "of the future": send(woken.Add(6*time.Minute), "rückruf"),
				"no authentication": post(t, address, stamp, ""),
			} {
				if status != http.StatusUnauthorized {
					t.Errorf("%s: status %d", name, status)
				}
			}
			if s.Calls("list") != 1 {
				t.Error("a false callback woke the poll")
			}
			if status := send(woken, "rückruf"); status != http.StatusOK {
				t.Errorf("status %d", status)
			}
			phase = 1
		case phase == 1 && len(in.Events()) == 1 && s.Calls("list") == 2:
			if status := send(woken, "rückruf"); status != http.StatusOK {
				t.Errorf("a repetition: status %d", status)
			}
			if status := send(woken.Add(time.Second), "rückruf"); status != http.StatusOK { // wakes once more
				t.Errorf("status %d", status)
			}
			phase = 2
		}
		return phase == 2 && s.Calls("list") == 3
	})
	if s.Calls("list") != 3 {
		t.Errorf("the list was read %d times", s.Calls("list"))
	}
}

const callbackBody = `{"type":"` + fit.NewSubmissions + `","submissions":[{"destinationId":"` + destination + `"}]}`

func post(t *testing.T, address, stamp, mac string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/callbacks/fit-connect", bytes.NewReader([]byte(callbackBody)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set(fit.CallbackTimestamp, stamp)
	req.Header.Set(fit.CallbackAuthentication, mac)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

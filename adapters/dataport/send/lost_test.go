package send_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fitsim"
	"github.com/amtsbote/amtsbote/hub"
)

func (s *service) record(t testing.TB, id string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(s.dir, "fit", "out", id+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestGone: that the service does not know a case is believed after days, and then
// told; until then it is asked again.
func TestGone(t *testing.T) {
	t.Parallel()
	s, in := newService(t), adaptertest.NewIntake()
	if err := deliver(t, s.sink(t, ""), delivery("id", dog(1)), 1); err != nil {
		t.Fatal(err)
	}
	s.wrap(instead(isEvents, says(http.StatusNotFound, "case-not-found")))
	until(t, s.follow(t, ""), in, func() bool { return strings.Contains(s.record(t, "id"), `"missing":"`) })
	first := s.record(t, "id")
	if !strings.Contains(first, `"state":"sent"`) || len(in.Events()) != 0 {
		t.Fatal("it was given up:", first)
	}
	s.wrap(nil)
	until(t, s.follow(t, ""), in, func() bool { return len(in.Events()) == 3 })
	if strings.Contains(s.record(t, "id"), `"missing"`) {
		t.Error("it is held to be gone")
	}
	before, rest, _ := strings.Cut(s.record(t, "id"), `"state":`)
	s.write(t, "fit/out/id.json", []byte(before+`"missing":"2026-01-01T00:00:00Z","state":`+rest))
	s.wrap(instead(isEvents, says(http.StatusNotFound, "case-not-found")))
	until(t, s.follow(t, ""), in, func() bool { return strings.Contains(s.record(t, "id"), `"state":"done"`) })
	all := in.Events()
	if len(all) != 4 || all[3].Type() != "de.nachricht.gescheitert.v1" || field(all[3], "grund", "code") != "fit-case-gone" || field(all[3], "endgueltig") != "true" {
		t.Error(all)
	}
	valid(t, all)
}

// TestAlarm: a submission that nobody accepts is told of once, also while its event
// log cannot be read; the service's own rejection ends it.
func TestAlarm(t *testing.T) {
	t.Parallel()
	s, in := newService(t), adaptertest.NewIntake()
	if err := deliver(t, s.sink(t, ""), delivery("id", dog(1)), 1); err != nil {
		t.Fatal(err)
	}
	about := s.SETs(s.only(t, receiver))[0]
	reject, err := fit.SET{
		Schema: fit.DefaultSetSchema, Issuer: about.Issuer, Subject: about.Subject, Case: about.Case, Event: fit.RejectSubmission,
		Payload: fit.Payload{Problems: []fit.Problem{{Type: fit.ProblemPrefix + "timeout", Title: "Frist", Detail: "automatisch", Instance: "submission"}}},
	}.Sign(keys()[2])
	if err != nil {
		t.Fatal(err)
	}
	s.wrap(instead(isEvents, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "", http.StatusInternalServerError) }))
	rejected := false
	until(t, s.follow(t, ", warnen: 1ms"), in, func() bool {
		if !rejected && s.logs.FilterMessageSnippet("ALARM").Len() > 0 && s.logs.FilterMessageSnippet("could not be followed").Len() > 2 {
			rejected = true
			s.answering("/events", func(body map[string]any) {
				log, _ := body["eventLog"].([]any)
				body["eventLog"] = append(log, reject)
			})
		}
		all := in.Events()
		return len(all) > 0 && all[len(all)-1].Type() == "de.nachricht.gescheitert.v1"
	})
	if n := s.logs.FilterMessageSnippet("ALARM").Len(); n != 1 {
		t.Errorf("%d alarms, want 1", n)
	}
	valid(t, in.Events())
}

// TestAlarmAside: what was set aside is warned of too.
func TestAlarmAside(t *testing.T) {
	t.Parallel()
	s, in := newService(t), adaptertest.NewIntake()
	if err := deliver(t, s.sink(t, ""), delivery("id", dog(1)), 1); err != nil {
		t.Fatal(err)
	}
	in.Follow(func(context.Context, int, hub.Event, func() error) error { return hub.Permanent("not-yours", "no") })
	aside := filepath.Join(s.dir, "fit", "error", "id.json")
	until(t, s.follow(t, ""), in, func() bool { _, err := os.Stat(aside); return err == nil })
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(aside), ".tmp-*")); err != nil || len(left) > 0 {
		t.Error(left, err)
	}
	s.age(t, "id")
	until(t, s.follow(t, ""), in, func() bool { return s.logs.FilterMessageSnippet("ALARM").Len() == 1 })
}

// TestStarve: where the service lets only one call through at a time, all have their turn.
func TestStarve(t *testing.T) {
	t.Parallel()
	s, in := newService(t), adaptertest.NewIntake()
	for n := range 2 {
		id := fmt.Sprintf("id-%d", n)
		if err := deliver(t, s.sink(t, ""), delivery(id, dog(n)), 1); err != nil {
			t.Fatal(err)
		}
	}
	s.order(t, fitsim.Order{On: "events", Do: fitsim.Slow, Skip: 1}) // the second is asked to wait
	var mu sync.Mutex
	calls, first := 0, ""
	s.wrap(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !isEvents(r) {
				next.ServeHTTP(w, r)
				return
			}
			mu.Lock()
			switch calls++; calls {
			case 2:
				first = r.URL.Path
			case 3:
				if r.URL.Path != first {
					t.Error("who had to wait was passed over")
				}
			}
			mu.Unlock()
			next.ServeHTTP(w, r)
		})
	})
	until(t, s.follow(t, ""), in, func() bool { return len(in.Events()) == 6 })
}

// TestSameToken: two entries are two events, even if their tokens have one id.
func TestSameToken(t *testing.T) {
	t.Parallel()
	s, in := newService(t), adaptertest.NewIntake()
	if err := deliver(t, s.sink(t, ""), delivery("id", dog(1)), 1); err != nil {
		t.Fatal(err)
	}
	id := s.only(t, receiver)
	about := s.SETs(id)[0]
	tags := s.SETs(id)[1].Payload.Tags
	sign := func(issuer, event string, tags *fit.Tags, by fit.PrivateKey) string {
		set := fit.SET{ID: "ein-und-dieselbe", Issuer: issuer, Subject: about.Subject, Case: about.Case, Event: event}
		if tags != nil {
			set.Schema, set.Payload.Tags = fit.DefaultSetSchema, tags
		}
		compact, err := set.Sign(by)
		if err != nil {
			t.Fatal(err)
		}
		return compact
	}
	s.answering("/events", func(body map[string]any) {
		if body["eventLog"] != nil {
			body["eventLog"] = []string{
				sign(about.Issuer, fit.SubmitSubmission, tags, keys()[2]), sign(receiver, fit.ForwardSubmission, nil, keys()[1]),
				sign(receiver, fit.AcceptSubmission, tags, keys()[1]),
			}
		}
	})
	until(t, s.follow(t, ""), in, func() bool { return strings.Contains(s.record(t, "id"), `"state":"done"`) })
	if got := fmt.Sprint(types(in.Events())); got != "[stand-gemeldet stand-gemeldet zugestellt]" {
		t.Error(got)
	}
}

func isEvents(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/events") }

// isPut holds for the completion of a submission.
func isPut(r *http.Request) bool {
	return r.Method == http.MethodPut && !strings.Contains(r.URL.Path, "/attachments/")
}

// instead answers some calls in the service's place.
func instead(which func(*http.Request) bool, answer http.HandlerFunc) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if which(r) {
				answer(w, r)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// says is a problem of the service's own.
func says(status int, name string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"type":"https://schema.fitko.de/fit-connect/submission-api/problems/%s"}`, name)
	}
}

// both is one wrapping in another.
func both(one, other func(http.Handler) http.Handler) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler { return one(other(next)) }
}

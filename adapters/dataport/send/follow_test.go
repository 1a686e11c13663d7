package send_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fitsim"
	"github.com/amtsbote/amtsbote/adapters/dataport/send"
	"github.com/amtsbote/amtsbote/hub"
)

// TestFollowDisturbed: whatever happens to the calls of the source, each entry is
// told once in the end.
func TestFollowDisturbed(t *testing.T) {
	t.Parallel()
	for _, on := range []string{"token", "events", "keys"} {
		for _, do := range []fitsim.Effect{"500", "404", "403", fitsim.Drop, fitsim.Lost, fitsim.Garbage, fitsim.Expired} {
			t.Run(on+" "+string(do), func(t *testing.T) {
				t.Parallel()
				s, in := newService(t), adaptertest.NewIntake()
				if err := deliver(t, s.sink(t, ""), delivery("id", dog(1)), 1); err != nil {
					t.Fatal(err)
				}
				if err := s.Receiver(s.only(t, receiver), fit.AcceptSubmission, nil, keys()[1]); err != nil {
					t.Fatal(err)
				}
				s.order(t, fitsim.Order{On: on, Do: do, Times: 3})
				until(t, s.follow(t, ""), in, func() bool { return len(in.Events()) == 4 })
				if err := in.Breaches(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestOthersGoOn: one submission whose log cannot be read holds up no other.
func TestOthersGoOn(t *testing.T) {
	t.Parallel()
	s, in := newService(t), adaptertest.NewIntake()
	for n := range 2 {
		if err := deliver(t, s.sink(t, ""), delivery(fmt.Sprintf("id-%d", n), dog(n)), 1); err != nil {
			t.Fatal(err)
		}
	}
	first := s.SETs(s.Waiting(receiver)[0])[0].Case
	s.wrap(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, first) {
				http.Error(w, "", http.StatusInternalServerError)
				return
			}
			next.ServeHTTP(w, r)
		})
	})
	until(t, s.follow(t, ""), in, func() bool { return len(in.Events()) == 3 })
	s.wrap(nil)
	until(t, s.follow(t, ""), in, func() bool { return len(in.Events()) == 6 })
}

// TestStranger: what somebody else signs about a submission is not believed, and
// neither is what the destination may not say.
func TestStranger(t *testing.T) {
	t.Parallel()
	s, in := newService(t), adaptertest.NewIntake()
	if err := deliver(t, s.sink(t, ""), delivery("id", dog(1)), 1); err != nil {
		t.Fatal(err)
	}
	id := s.only(t, receiver)
	about := s.SETs(id)[0]
	said := func(issuer, event string, by fit.PrivateKey) string {
		compact, err := fit.SET{Issuer: issuer, Subject: about.Subject, Case: about.Case, Event: event}.Sign(by)
		if err != nil {
			t.Fatal(err)
		}
		return compact
	}
	foreign := []any{
		said(receiver, fit.AcceptSubmission, keys()[3]),                // another key under the destination's name
		said(mailbox, fit.AcceptSubmission, keys()[1]),                 // another destination
		said(receiver, fit.DeleteSubmission, keys()[1]),                // not for it to say
		said(s.url+"/submission-api", fit.AcceptSubmission, keys()[2]), // not for the service
		"x",
	}
	s.answering("/events", func(body map[string]any) {
		log, _ := body["eventLog"].([]any)
		body["eventLog"] = append(foreign, log...)
	})
	until(t, s.follow(t, ""), in, func() bool {
		return len(in.Events()) == 3 && s.logs.FilterMessageSnippet("tokens that are not valid").Len() > 0
	})
	if got := fmt.Sprint(types(in.Events())); got != "[stand-gemeldet stand-gemeldet stand-gemeldet]" {
		t.Error(got)
	}
}

// TestHubRefuses: what the hub refuses is set aside with ids alone, and told when the
// report was taken away.
func TestHubRefuses(t *testing.T) {
	t.Parallel()
	s, in := newService(t), adaptertest.NewIntake()
	if err := deliver(t, s.sink(t, ""), delivery("..", dog(1)), 1); err != nil { // an id may be so
		t.Fatal(err)
	}
	in.Follow(func(context.Context, int, hub.Event, func() error) error { return hub.Permanent("not-yours", "no") })
	report := filepath.Join(s.dir, "fit", "error", "...json.fehler.json")
	until(t, s.follow(t, ""), in, func() bool { _, err := os.Stat(report); return err == nil })
	in.Follow(nil)
	if err := os.Remove(strings.TrimSuffix(report, ".fehler.json")); err != nil {
		t.Fatal(err)
	}
	until(t, s.follow(t, ""), in, func() bool { return len(in.Events()) == 3 })
}

// TestOldRecords: what was done long ago is forgotten, and with it what was left of it.
func TestOldRecords(t *testing.T) {
	t.Parallel()
	s := newService(t)
	out := filepath.Join(s.dir, "fit", "out")
	for _, dir := range []string{out, filepath.Join(s.dir, "fit", "work", "xb"), filepath.Join(s.dir, "fit", "work", "xc"), filepath.Join(s.dir, "fit", "work", "xwaise")} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-48 * time.Hour)
		if err := os.Chtimes(dir, old, old); err != nil {
			t.Fatal(err)
		}
	}
	for id, state := range map[string]string{"a": "done", "b": "packed", "c": "submitting", "d": "sent"} {
		s.write(t, "fit/out/"+id+".json", fmt.Appendf(nil, `{"state":%q,"since":"2026-01-01T00:00:00Z","sealed":"2026-01-01T00:00:00Z"}`, state))
	}
	s.write(t, "fit/out/e.json", []byte("{"))
	x, err := send.Kind().Sink(s.env(), s.settings(""))
	if err != nil {
		t.Fatal(err)
	}
	if err := deliver(t, x, delivery("neu", dog(1)), 1); err != nil {
		t.Fatal(err)
	}
	worker, _ := x.(hub.Worker)
	done, stop := context.WithCancel(t.Context())
	stop()
	if err := worker.Work(done); err != nil { // once, at least
		t.Fatal(err)
	}
	names := func(dir string) string {
		files, err := os.ReadDir(filepath.Join(s.dir, "fit", dir))
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, f := range files {
			all = append(all, f.Name())
		}
		return fmt.Sprint(all)
	}
	if got := names("out"); got != "[c.json d.json e.json neu.json]" {
		t.Error(got)
	}
	if got := names("work"); got != "[]" {
		t.Error(got)
	}
	if f := hub.FaultOf(x.Deliver(t.Context(), delivery("e", dog(2)))); f == nil || !f.Permanent || f.Code != "fit-record" {
		t.Error(f)
	}
}

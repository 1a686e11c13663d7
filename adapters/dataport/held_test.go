package dataport_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fitsim"
	"github.com/amtsbote/amtsbote/hub"
)

const waits = "a submission waits"

func (s *service) told(text string) int { return s.logs.FilterMessageSnippet(text).Len() }

func (s *service) order(t testing.TB, orders ...fitsim.Order) {
	t.Helper()
	for _, o := range orders {
		if err := s.Order(o); err != nil {
			t.Fatal(err)
		}
	}
}

// fetched changes what the service answers when a submission is fetched, for as long
// as on says so.
func (s *service) fetched(submission string, on *atomic.Bool, change func(http.ResponseWriter, map[string]any)) {
	s.around = func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !on.Load() || !strings.HasSuffix(r.URL.Path, "/submissions/"+submission) {
				next.ServeHTTP(w, r)
				return
			}
			answer, body := httptest.NewRecorder(), map[string]any{}
			next.ServeHTTP(answer, r)
			if json.Unmarshal(answer.Body.Bytes(), &body) == nil {
				change(w, body)
			}
		})
	}
}

// TestAnnouncedOtherwise: what nobody has signed is held against nobody.
func TestAnnouncedOtherwise(t *testing.T) {
	t.Parallel()
	s, in := newService(t), adaptertest.NewIntake()
	var on atomic.Bool
	on.Store(true)
	s.fetched(id(1), &on, func(w http.ResponseWriter, body map[string]any) {
		body["attachments"] = []string{stranger}
		_ = json.NewEncoder(w).Encode(body)
	})
	s.put(t, application(1))
	until(t, s.source(t, ""), in, func() bool {
		if s.told(waits) > 4 {
			on.Store(false)
		}
		return len(in.Events()) == 1
	})
	if all, err := s.reports(); err != nil || len(all) != 0 || s.Ended(id(1)) != "" {
		t.Error(all, err, s.Ended(id(1)))
	}
}

// TestDifferentFailures: a part that is not what was submitted is believed after three
// fetches in a row, and not when something else failed between.
func TestDifferentFailures(t *testing.T) {
	t.Parallel()
	s, in := newService(t), adaptertest.NewIntake()
	s.order(t, fitsim.Order{On: "attachment", Do: fitsim.Garbage, Times: 2}, fitsim.Order{On: "attachment", Do: "500"},
		fitsim.Order{On: "attachment", Do: fitsim.Garbage, Times: 2})
	s.put(t, application(1))
	until(t, s.source(t, ""), in, func() bool { return len(in.Events()) == 1 || s.Ended(id(1)) != "" })
	if s.Ended(id(1)) != "" || s.told(waits) != 5 {
		t.Errorf("ended %q, waited %d times", s.Ended(id(1)), s.told(waits))
	}
}

// TestChangedSettings: the hub has the event, and its answer was lost. What is set
// otherwise since then neither rejects the submission nor makes another event of it.
func TestChangedSettings(t *testing.T) {
	t.Parallel()
	s, in := newService(t), adaptertest.NewIntake()
	s.put(t, application(1))
	in.Follow(func(_ context.Context, _ int, _ hub.Event, store func() error) error {
		return errors.Join(store(), errors.New("the answer was lost"))
	})
	until(t, s.source(t, ", ags: '02000000'"), in, func() bool { return s.told(waits) > 0 })
	in.Follow(nil)
	source := s.source(t, otherSettings)
	until(t, source, in, func() bool {
		if err := settle(t.Context(), t, source, done(id(1))); err != nil {
			t.Fatal(err)
		}
		return s.Ended(id(1)) != ""
	})
	until(t, s.source(t, otherSettings), in, func() bool { return len(s.Waiting(destination)) == 0 })
	if s.Ended(id(1)) != fit.AcceptSubmission || len(in.Events()) != 1 || in.Breaches() != nil {
		t.Error(s.Ended(id(1)), len(in.Events()), in.Breaches())
	}
	// the same without a settlement: it is published again, and is the same
	s.put(t, application(2))
	in.Follow(func(_ context.Context, _ int, _ hub.Event, store func() error) error {
		return errors.Join(store(), errors.New("the answer was lost"))
	})
	before := s.told(waits)
	until(t, s.source(t, ""), in, func() bool { return s.told(waits) > before })
	var again atomic.Bool
	in.Follow(func(_ context.Context, _ int, _ hub.Event, store func() error) error {
		again.Store(true)
		return store()
	})
	until(t, s.source(t, otherSettings), in, func() bool { return again.Load() || s.Ended(id(2)) != "" })
	if s.Ended(id(2)) != "" || in.Breaches() != nil {
		t.Error(s.Ended(id(2)), in.Breaches())
	}
}

// otherSettings would refuse, or compose otherwise, every application of the tests.
const otherSettings = ", ags: '09162000', leistungen: ['99107001017001'], nur-bekannte: true, anlagen-typen: [text/plain], max-anlage: 5, max-daten: 5, max-gesamt: 5, " +
	"fachdaten: [{schema: 'urn:x'}]"

// TestNeverBack: what an application has acknowledged is not rejected, whatever is
// found in what the service has then.
func TestNeverBack(t *testing.T) {
	t.Parallel()
	s, in := newService(t), adaptertest.NewIntake()
	source, settled := s.source(t, ""), false
	until(t, source, in, func() bool {
		if !settled {
			if err := settle(t.Context(), t, source, done(id(1))); err != nil {
				t.Fatal(err)
			}
			s.order(t, fitsim.Order{On: "submit", Do: fitsim.WrongHash})
			s.put(t, application(1))
			settled = true
		}
		return s.told(waits) > 4 || s.Ended(id(1)) != ""
	})
	if s.Ended(id(1)) != "" {
		t.Errorf("ended %q", s.Ended(id(1)))
	}
}

// TestOneForItself: a submission that the service does not give, one that the hub does
// not take, and a forward that is refused, hold up nobody else.
func TestOneForItself(t *testing.T) {
	t.Parallel()
	s, in := newService(t), adaptertest.NewIntake()
	var on atomic.Bool
	on.Store(true)
	s.fetched(id(1), &on, func(w http.ResponseWriter, _ map[string]any) { w.WriteHeader(http.StatusForbidden) })
	in.Follow(func(_ context.Context, _ int, e hub.Event, store func() error) error {
		if e.ID() == id(2) {
			return errors.New("not this one")
		}
		return store()
	})
	s.order(t, fitsim.Order{On: "post", Do: "422", Times: -1})
	for n := range 6 {
		app := application(n + 1)
		if n > 2 {
			app.Case = caseOf(3)
		}
		s.put(t, app)
	}
	until(t, s.source(t, ", forward: true"), in, func() bool { return len(in.Events()) == 4 })
}

// TestListAway: people are alarmed also while the list cannot be had.
func TestListAway(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.put(t, application(1))
	s.order(t, fitsim.Order{On: "list", Do: "500", Skip: 1, Times: -1})
	until(t, s.source(t, ", warnen: 1s, eskalieren: 2s"), adaptertest.NewIntake(), func() bool { return s.told("ESCALATION") > 0 })
	until(t, s.source(t, ", warnen: 1s, eskalieren: 2s"), adaptertest.NewIntake(), func() bool { return s.told("will try again") > 0 })
}

// TestEndedMeanwhile: what the service has ended while nobody was there is told, also
// when it cannot be looked up at first.
func TestEndedMeanwhile(t *testing.T) {
	t.Parallel()
	s, in := newService(t, func(o *fitsim.Options) { o.Day = 30 * time.Millisecond }), adaptertest.NewIntake()
	s.put(t, application(1))
	until(t, s.source(t, ""), in, func() bool { return len(in.Events()) == 1 })
	for s.Ended(id(1)) == "" {
		if t.Context().Err() != nil {
			t.Fatal("it is not ended")
		}
	}
	s.order(t, fitsim.Order{On: "events", Do: "500", Times: 2}, fitsim.Order{On: "events", Do: "404"}) // the latter not in the service's words
	lists := 0
	until(t, s.source(t, ""), in, func() bool { // it tells, and then notes that: the next list comes after both
		if s.told("the service has ended a submission") > 0 && lists == 0 {
			lists = s.Calls("list")
		}
		return lists > 0 && s.Calls("list") > lists
	})
	lists = s.Calls("list")
	until(t, s.source(t, ""), in, func() bool { return s.Calls("list") > lists+3 })
	if n := s.told("the service has ended a submission"); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// TestAskedToWait: while the service asks to wait nothing wakes the poll.
func TestAskedToWait(t *testing.T) {
	t.Parallel()
	s, in := newService(t), adaptertest.NewIntake()
	s.order(t, fitsim.Order{On: "list", Do: fitsim.Slow})
	source := s.source(t, "")
	began := time.Now()
	until(t, source, in, func() bool {
		if s.Calls("list") < 2 {
			if err := settle(t.Context(), t, source, done(id(1))); err != nil {
				t.Fatal(err)
			}
		}
		return s.Calls("list") > 1
	})
	if waited := time.Since(began); waited < time.Second {
		t.Errorf("it waited %s", waited)
	}
}

// meddler writes into the work directory when the first blob is stored.
type meddler struct {
	hub.Intake
	dir  string
	done *atomic.Bool
}

func (m meddler) Blobs() hub.Blobs { return meddling{m.Intake.Blobs(), m} }

type meddling struct {
	hub.Blobs
	m meddler
}

func (b meddling) Put(ctx context.Context, r io.Reader) (hub.BlobRef, error) {
	if b.m.done.CompareAndSwap(false, true) {
		parts, err := filepath.Glob(filepath.Join(b.m.dir, "*.part"))
		for _, p := range parts {
			raw, err2 := os.ReadFile(p)
			raw[len(raw)-40] ^= 1 // of the ciphertext
			err = errors.Join(err, err2, os.WriteFile(p, raw, 0o600))
		}
		if err != nil {
			return hub.BlobRef{}, err
		}
	}
	return b.Blobs.Put(ctx, r)
}

// TestStoredIsChecked: what the hub is given is what was found good.
func TestStoredIsChecked(t *testing.T) {
	t.Parallel()
	s, in := newService(t), adaptertest.NewIntake()
	app := application(1)
	s.put(t, app)
	var done atomic.Bool
	until(t, s.source(t, ""), meddler{in, filepath.Join(s.dir, "fit", "work"), &done}, func() bool { return len(in.Events()) > 0 })
	b := valid(t, in.Events()[0])
	if !done.Load() || s.told(waits) != 1 || content(t, in, b.Anlagen[0].Dokument.Ref) != string(app.Attachments[0].Content) {
		t.Errorf("waited %d times", s.told(waits))
	}
}

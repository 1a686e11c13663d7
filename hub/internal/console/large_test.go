package console

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/explain"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/parked"
	"github.com/amtsbote/amtsbote/hub/internal/quarantine"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// largeHub is the directory and the search index of a large federation; what its streams
// say is short.
type largeHub struct {
	known
	index *search.Index
}

func (h largeHub) Search() *search.Index { return h.index }

func (largeHub) Refused(context.Context, string) (map[string]uint64, error) { return nil, nil }
func (largeHub) Parked(context.Context) ([]parked.Entry, error)             { return nil, nil }
func (largeHub) Streams(context.Context) ([]bus.Usage, error)               { return nil, nil }
func (largeHub) Mailboxes() []Mailbox                                       { return nil }
func (largeHub) Credentials() []Credential                                  { return nil }
func (largeHub) Adapters() []Adapter                                        { return nil }
func (largeHub) Tokens(context.Context) ([]Credential, error)               { return nil, nil }
func (largeHub) Paused() (mailboxes, adapters map[string]*Pause)            { return nil, nil }

func (largeHub) Runs(string) []quarantine.Progress { return nil }

func (largeHub) Work(context.Context, string) (quarantine.Work, error) {
	return quarantine.Work{}, nil
}

func (largeHub) Explain(_ context.Context, id string) (*explain.Answer, error) {
	return &explain.Answer{ID: id}, nil
}

// TestLarge asks for every page in a federation of many organisations, with events of all
// of them. AMTSBOTE_LARGE=1 takes one of the size of Germany (300 organisations, 11 000
// authorities, 30 000 agreements), and holds each page to 300 ms.
func TestLarge(t *testing.T) {
	size, events := hubtest.Ten, 500
	whole := os.Getenv("AMTSBOTE_LARGE") != ""
	if whole {
		size, events = hubtest.Large, 200_000
	}
	dir := t.TempDir()
	hubtest.WriteLarge(t, dir, size)
	fed := hubtest.Story(t, dir)
	x, err := search.Open(filepath.Join(t.TempDir(), "search"), time.Now(), 0, search.Options{Key: []byte("key")})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = x.Close() }()
	fill(t, x, fed, events)
	s, err := Start(Config{Listen: "127.0.0.1:0", Person: "test", Hub: largeHub{known{fed: fed}, x}, Now: time.Now, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	_, cookie := s.sessions.begin("test", nil, true)
	for _, path := range []string{
		"/", "/?org=org1", "/search", "/search?org=org2", "/search?app=org3.ewo&type=none", "/search?q=nothing", "/case?id=nothing", "/quarantine", "/parked",
		"/streams", "/streams?org=org4", "/streams/in?org=org2", "/tail", "/tail?app=org3.ewo", "/catalogue", "/agreements", "/agreements?find=regel-999", "/agreements?org=org5", "/catalogue/" + hubtest.LargeType, "/acts",
		"/agreements/" + fed.Agreements[0].ID, "/matrix", "/matrix?org=org5", "/organisations", "/organisations?find=org1", "/organisations/org5",
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody)
		req.Host = s.base.Host
		req.AddCookie(&http.Cookie{Name: s.sessionCookie(), Value: cookie})
		w := httptest.NewRecorder()
		began := time.Now()
		s.http.Handler.ServeHTTP(w, req)
		took := time.Since(began)
		if w.Code != http.StatusOK {
			t.Errorf("%s: %d", path, w.Code)
		}
		if whole {
			t.Logf("%-40s %8s  %d bytes", path, took.Round(time.Millisecond), w.Body.Len())
		}
		if whole && took > 300*time.Millisecond {
			t.Errorf("%s took %s", path, took)
		}
	}
}

// fill has applications of all organisations send events to each other.
func fill(t *testing.T, x *search.Index, fed *federation.Federation, events int) {
	t.Helper()
	now, seq := time.Now().UTC(), uint64(0)
	apps := fed.Applications()
	for i := 0; i < events; i += 500 {
		var ds []*decision.Decision
		for k := i; k < min(i+500, events); k++ {
			app := apps[k%len(apps)]
			ds = append(ds, &decision.Decision{
				In: bus.InStream(app.Organisation), Seq: uint64(k + 1), ID: app.ID + app.Title, Case: app.ID, Type: hubtest.LargeType, Application: app.ID,
				Outcome: hub.Routed, Stored: now, Decided: now, Receivers: []decision.Receiver{{Application: apps[(k*7+1)%len(apps)].ID}},
			})
		}
		groups, err := trail.Groups(ds)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range groups {
			seq++
			m := g.Message
			m.Seq = seq
			if err := x.Apply(&m); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := x.Flush(); err != nil {
		t.Fatal(err)
	}
}

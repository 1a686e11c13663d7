package akdb_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/xtasim"
	"github.com/amtsbote/amtsbote/hub"
)

// broker is a simulated XTA server, and a hub's directory beside it.
type broker struct {
	*xtasim.Server
	url, dir string
	down     atomic.Bool
	around   func(http.Handler) http.Handler // set before the first call
}

func newBroker(t testing.TB, opt xtasim.Options) *broker {
	opt.Dir = t.TempDir()
	b := &broker{Server: xtasim.New(opt), dir: t.TempDir()}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case b.down.Load():
			panic(http.ErrAbortHandler)
		case b.around != nil:
			b.around(b.Server).ServeHTTP(w, r)
		default:
			b.ServeHTTP(w, r)
		}
	}))
	b.url = web.URL
	t.Cleanup(func() { b.Stop(); web.Close() })
	return b
}

// settings for a register, or portal, with further ones.
func (b *broker) settings(kennung, further string) adaptertest.Settings {
	return adaptertest.Settings(fmt.Sprintf("{url: '%s', dir: ., poll: 1ms, page: 3, source: 'urn:de:dvdv:', "+
		"account: {kennung: '%s', name: Probe, category: Meldebehörde}, leser: ['ags:09162000', 'mbp:020000019999'], services: {'*': 'urn:dienst'}, "+
		"kopf: {autor: {kennung: 'mbp:020000019999', name: Meldeportal Probstadt, email: portal@example.org, "+
		"anschrift: {strasse: Am Sande, hausnummer: '3', plz: '20095', ort: Probstadt}}, leser: {kennung: 'ags:09162000', name: Meldebehörde Isarstadt}}%s}",
		b.url, kennung, further))
}

func (b *broker) source(t testing.TB, further string) hub.Source {
	t.Helper()
	s, err := akdb.XTA().Source(adaptertest.Env(b.dir), b.settings(registerKey, further))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (b *broker) sink(t testing.TB, further string) hub.Sink {
	t.Helper()
	s, err := akdb.XTA().Sink(adaptertest.Env(b.dir), b.settings(portalKey, further))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func to(content string) xtasim.Letter {
	return xtasim.Letter{
		Author: wire.Party{Type: "xoev", Kennung: portalKey}, Reader: wire.Party{Type: "xoev", Kennung: registerKey},
		Message: xtasim.Document{Bytes: []byte(content)},
	}
}

// mail is the nth message, all read by the register.
func mail(t testing.TB, n int) (content, eventType, autor string) {
	if n%2 == 0 {
		return application(t, n), xmeld.TypeEingegangen, portalKey
	}
	return generic(n), "de.xoev.nachricht.v1", "ags:09999001"
}

// until runs a source until ready says so.
func until(t *testing.T, s hub.Source, in hub.Intake, ready func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	end := make(chan error, 1)
	go func() { end <- s.Run(ctx, in) }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ready() {
		select {
		case <-tick.C:
		case err := <-end:
			t.Fatal("Run ended:", err)
		case <-ctx.Done():
			t.Fatal("it did not come to that")
		}
	}
	cancel()
	if err := <-end; err != nil {
		t.Fatal(err)
	}
}

// idle are the connections that a client keeps for the next call, for a minute.
var idle = []goleak.Option{
	goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"), goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"),
}

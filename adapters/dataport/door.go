package dataport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
)

// door is where callbacks come in.
type door struct {
	server *http.Server
	end    chan error
}

func (s *source) openDoor(ctx context.Context) (*door, error) {
	c := s.set.Callback
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("callback: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+c.Pfad, s.hear)
	d := &door{end: make(chan error, 1), server: &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, ErrorLog: zap.NewStdLog(s.log),
		BaseContext: func(net.Listener) context.Context { return ctx },
	}}
	s.log.Info("fit-connect: callbacks come in", zap.String("address", l.Addr().String()))
	go func() {
		if c.Zertifikat != "" {
			d.end <- d.server.ServeTLS(l, c.Zertifikat, c.Schluessel)
			return
		}
		d.end <- d.server.Serve(l)
	}()
	return d, nil
}

func (d *door) close() error {
	err := d.server.Close()
	if served := <-d.end; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

const maxCallback = 1 << 20

// hear takes a callback as a hint to look at once. What it says is not believed
// beyond that; one that comes again has no effect, and is answered as well, since
// the service repeats what it has no answer to.
func (s *source) hear(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCallback))
	if err != nil {
		http.Error(w, "", http.StatusBadRequest)
		return
	}
	c, err := fit.ReadCallback(r.Header, body, s.callback, time.Now())
	switch {
	case errors.Is(err, fit.ErrCallbackMAC), errors.Is(err, fit.ErrCallbackStale):
		s.log.Warn("fit-connect: a callback is not believed", zap.Error(err))
		http.Error(w, "", http.StatusUnauthorized)
		return
	case err != nil:
		http.Error(w, "", http.StatusBadRequest)
		return
	}
	if strings.HasPrefix(c.Type, fit.CallbackPrefix) && s.seen.first(r.Header.Get(fit.CallbackAuthentication), time.Now()) {
		s.nudge()
	}
	w.WriteHeader(http.StatusOK)
}

// nudge wakes the poll.
func (s *source) nudge() {
	select {
	case s.wake <- struct{}{}:
	default: // it looks soon anyway
	}
}

// replays remembers the callbacks for as long as they count as fresh.
type replays struct {
	mu    sync.Mutex
	known map[string]time.Time
}

const maxReplays = 10_000

// first says whether a callback comes for the first time.
func (p *replays) first(mac string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil || len(p.known) >= maxReplays {
		p.known = map[string]time.Time{}
	}
	for m, at := range p.known {
		if now.Sub(at) > 2*fit.Fresh {
			delete(p.known, m)
		}
	}
	mac = strings.ToLower(mac)
	_, again := p.known[mac]
	p.known[mac] = now
	return !again
}

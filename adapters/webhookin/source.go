package webhookin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/mapping"
	"github.com/amtsbote/amtsbote/hub"
)

// source listens for webhooks. It keeps nothing itself: what it has not answered
// with 2xx is still the sender's.
type source struct {
	set  settings
	maps mapping.Set
	log  *zap.Logger
}

var (
	_ hub.Source = (*source)(nil)
	_ hub.Placed = (*source)(nil)
)

// Places implements hub.Placed.
func (s *source) Places() hub.Places {
	scheme := "http://"
	if s.set.TLS.Cert != "" {
		scheme = "https://"
	}
	return hub.Places{In: scheme + s.set.Listen + s.set.Path}
}

// goodbye is how long requests under way may take when the adapter stops.
const goodbye = time.Second

// Run implements hub.Source.
func (s *source) Run(ctx context.Context, in hub.Intake) error {
	key, err := mapping.CaseKey(ctx, in.State())
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	listener, err := s.listen(ctx)
	if err != nil {
		return err
	}
	requests, cancel := context.WithCancel(ctx)
	defer cancel()
	door := newDoor(s, in, key)
	server := &http.Server{
		Handler: door, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: s.set.Timeout, WriteTimeout: 2 * s.set.Timeout,
		IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10, ErrorLog: stdlog.New(io.Discard, "", 0),
		BaseContext: func(net.Listener) context.Context { return requests },
	}
	end := make(chan error, 1)
	go func() { end <- server.Serve(listener) }()
	select {
	case err = <-end:
		return errors.Join(fmt.Errorf("listen for webhooks: %w", err), server.Close())
	case <-ctx.Done():
	}
	// ctx has ended the calls of Publish that are under way: they answer 503.
	leaving, stop := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer stop()
	if server.Shutdown(leaving) != nil {
		_ = server.Close()
	}
	if err := <-end; !errors.Is(err, http.ErrServerClosed) {
		s.log.Warn("webhook: listening ended", zap.Error(err))
	}
	door.wait()
	return nil
}

func (s *source) listen(ctx context.Context) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.set.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen for webhooks: %w", err)
	}
	if s.set.TLS.Cert == "" {
		return listener, nil
	}
	// The certificate is read at each handshake, so that it can be replaced.
	return tls.NewListener(listener, &tls.Config{
		MinVersion: tls.VersionTLS12, // senders choose their own time to go to 1.3
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			cert, err := tls.LoadX509KeyPair(s.set.TLS.Cert, s.set.TLS.Key)
			return &cert, err
		},
	}), nil
}

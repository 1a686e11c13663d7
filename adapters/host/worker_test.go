package host

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

// works is a sink that works between deliveries, and fails the first time.
type works struct {
	hub.Sink
	called chan int
	calls  int
}

func (w *works) Work(ctx context.Context) error {
	w.calls++
	w.called <- w.calls
	if w.calls == 1 {
		return errors.New("away")
	}
	<-ctx.Done()
	return nil
}

// TestWorker: what a sink does between deliveries is done in its own process too, and
// begun again when it fails.
func TestWorker(t *testing.T) {
	hubAway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	defer hubAway.Close()
	file := write(t, "application: lhm.kfz\nkind: works\nhub: {url: \""+hubAway.URL+"\", token-file: token}\n")
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "token"), []byte("t"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w := &works{called: make(chan int, 2)}
	kind := hub.Kind{Name: "works", Sink: func(hub.Env, hub.Settings) (hub.Sink, error) { return w, nil }}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Run(ctx, f, t.TempDir(), zap.NewNop(), kind) }()
	for range 2 {
		<-w.called
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

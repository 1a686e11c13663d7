package adaptertest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/host"
	"github.com/amtsbote/amtsbote/hub"
)

// The suite runs every kind a second time as it would run in its own process
// (adapters/host): between adapter and suite stands HTTP, as between adapter and hub.

// farIntake is in for a source that reaches it by HTTP.
func farIntake(t testing.TB, in *Intake) hub.Intake {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("POST /events", func(w http.ResponseWriter, r *http.Request) {
		e, err := readBinary(r)
		if err == nil {
			err = in.Publish(r.Context(), e)
		}
		answer(w, http.StatusAccepted, struct{}{}, err)
	})
	mux.HandleFunc("POST /blobs", func(w http.ResponseWriter, r *http.Request) {
		ref, err := in.Blobs().Put(r.Context(), r.Body)
		answer(w, http.StatusCreated, map[string]any{"ref": ref.Ref, "sha256": ref.SHA256, "size": ref.Size}, err)
	})
	return &host.Intake{Client: farClient(t, mux), Dir: filepath.Join(t.TempDir(), "state")}
}

func farClient(t testing.TB, h http.Handler) *host.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return &host.Client{URL: s.URL, HTTP: s.Client(), Token: func() (string, error) { return "test", nil }}
}

// answer is as the hub's: a Permanent Fault is the sender's move, any other error not.
func answer(w http.ResponseWriter, status int, body any, err error) {
	kind := "application/json"
	if err != nil {
		f := hub.FaultOf(err)
		kind = "application/problem+json"
		status, body = http.StatusServiceUnavailable, map[string]string{"code": f.Code}
		if f.Permanent {
			status = http.StatusForbidden
		}
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

// readBinary reads an event in the binary mode of the HTTP binding.
func readBinary(r *http.Request) (hub.Event, error) {
	e := cloudevents.New()
	var errs []error
	for name := range r.Header {
		attribute, ok := strings.CutPrefix(strings.ToLower(name), "ce-")
		if !ok {
			continue
		}
		value, err := url.PathUnescape(r.Header.Get(name))
		errs = append(errs, err)
		switch attribute {
		case "specversion":
		case "id":
			e.SetID(value)
		case "source":
			e.SetSource(value)
		case "type":
			e.SetType(value)
		case "subject":
			e.SetSubject(value)
		case "dataschema":
			e.SetDataSchema(value)
		case "time":
			at, err := time.Parse(time.RFC3339Nano, value)
			errs = append(errs, err)
			e.SetTime(at)
		default:
			e.SetExtension(attribute, value)
		}
	}
	data, err := io.ReadAll(r.Body)
	errs = append(errs, err)
	e.SetDataContentType(r.Header.Get("Content-Type"))
	e.DataEncoded = data
	if err := errors.Join(errs...); err != nil {
		return e, hub.Permanent("not-acceptable", "read the event: %w", err)
	}
	return e, nil
}

// farSink hands each delivery to a sink that gets it by HTTP.
type farSink struct {
	t    testing.TB
	sink hub.Sink
}

// Deliver implements hub.Sink.
func (s farSink) Deliver(ctx context.Context, d hub.Delivery) error {
	raw, err := json.Marshal(d.Event)
	if err != nil { // as broken as no hub hands it out
		return s.sink.Deliver(ctx, d)
	}
	settled, leased := make(chan error, 1), make(chan struct{}, 1)
	leased <- struct{}{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /mailboxes/test.fach/lease", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server see the client's end
		select {
		case <-leased:
			answer(w, http.StatusOK, map[string]any{"events": []any{map[string]any{
				"token": "t", "delivery": d.ID, "attempt": d.Attempt, "agreement": d.Agreement, "event": json.RawMessage(raw),
			}}}, nil)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /mailboxes/test.fach/settle", func(w http.ResponseWriter, r *http.Request) { settle(w, r, settled) })
	mux.HandleFunc("GET /mailboxes/test.fach/blobs/{ref}", func(w http.ResponseWriter, r *http.Request) {
		in, err := d.Blobs.Open(r.Context(), r.PathValue("ref"))
		if err != nil {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"code":"NOT_FOUND"}`)
			return
		}
		_, _ = io.Copy(w, in)
		_ = in.Close()
	})
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan struct{})
	box := &host.Mailbox{Client: farClient(s.t, mux), Application: "test.fach", Sink: s.sink, Lease: time.Minute, AtOnce: 1, Log: zap.NewNop()}
	go func() { defer close(ended); _ = box.Run(running) }()
	defer func() { stop(); <-ended }()
	select {
	case err := <-settled:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settle tells how the one delivery ended.
func settle(w http.ResponseWriter, r *http.Request, settled chan<- error) {
	var items []struct {
		Outcome, Reason string
		After           int
		Untried         bool
	}
	if err := json.NewDecoder(r.Body).Decode(&items); err != nil || len(items) != 1 {
		answer(w, 0, nil, hub.Permanent("request-invalid", "no item"))
		return
	}
	answer(w, http.StatusOK, []any{map[string]string{"token": "t", "result": "done"}}, nil)
	switch one := items[0]; one.Outcome {
	case "done":
		settled <- nil
	case "refuse":
		settled <- hub.Permanent(one.Reason, "the adapter refuses it")
	case "later":
		settled <- &hub.Fault{
			Code: one.Reason, After: time.Duration(one.After) * time.Second, Later: one.Untried,
			Err: errors.New("the adapter wants it later"),
		}
	}
}

package httpapi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// start serves routes, for which everybody is alpha.app.
func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	fed := hubtest.Federation(t)
	cfg.Listen, cfg.Log, cfg.Federation = "127.0.0.1:0", zap.NewNop(), func() *federation.Federation { return fed }
	cfg.Authenticators = []Authenticator{everybody{}}
	s, err := Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type everybody struct{}

// Authenticate implements Authenticator.
func (everybody) Authenticate(_ *http.Request, fed *federation.Federation) (*Principal, error) {
	app, _ := fed.Application("alpha.app")
	return &Principal{Application: app}, nil
}

func get(t *testing.T, s *Server, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func route(path string, h Handler) Route {
	return Route{Method: http.MethodGet, Path: path, Handle: h, Operation: Operation{ID: path[1:], Answers: []Answer{{Status: http.StatusOK}}}}
}

// TestServerAnswersForHandlers: a handler that panics, fails, or answers what is not
// described costs itself only.
func TestServerAnswersForHandlers(t *testing.T) {
	var undescribed atomic.Int32
	ready := &Operator{Log: zap.NewNop(), Ready: func(context.Context) error { return errors.New("a secret") }}
	s := start(t, Config{
		Undescribed: func(*Route, int) { undescribed.Add(1) },
		Routes: append(ready.Routes(),
			route("/panics", func(http.ResponseWriter, *http.Request, *Principal) error { panic("a secret") }),
			route("/fails", func(http.ResponseWriter, *http.Request, *Principal) error { return errors.New("a secret") }),
			route("/refuses", func(http.ResponseWriter, *http.Request, *Principal) error { return NewProblem(http.StatusTeapot, "X") }),
			route("/works", func(w http.ResponseWriter, _ *http.Request, p *Principal) error {
				WriteJSON(w, http.StatusOK, p.Application.ID+p.Federation.Name)
				return nil
			})),
	})
	for path, want := range map[string]string{
		"/panics": `500 "code":"INTERNAL"`, "/fails": `500 "code":"INTERNAL"`, "/refuses": `418 "code":"X"`, "/works": `200 "alpha.appTest"`, "/readyz": `503 "not ready"`,
	} {
		status, body := get(t, s, path)
		if got := fmt.Sprint(status, " ", body); !strings.HasPrefix(got, want[:3]) || !strings.Contains(got, want[4:]) || strings.Contains(got, "secret") {
			t.Errorf("%s is answered %s, want %s", path, got, want)
		}
	}
	if err := s.Close(); err != nil || undescribed.Load() != 1 {
		t.Errorf("%d answers are not described, want 1; closed: %v", undescribed.Load(), err)
	}
	if _, err := Start(Config{Listen: "127.0.0.1:0", Log: zap.NewNop(), Routes: []Route{route("/x", nil), route("/x", nil)}}); err == nil {
		t.Error("a route may be there twice")
	}
}

// TestCloseEndsStreams: what streams has no deadline, and ends when the server does.
func TestCloseEndsStreams(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	begun, ended := make(chan struct{}), make(chan struct{})
	r := route("/stream", func(w http.ResponseWriter, r *http.Request, _ *Principal) error {
		defer close(ended)
		w.WriteHeader(http.StatusOK)
		if err := http.NewResponseController(w).Flush(); err != nil {
			return err
		}
		close(begun)
		<-r.Context().Done()
		return nil
	})
	r.Stream = true
	s := start(t, Config{Routes: []Route{r}, ReadTimeout: time.Second})
	nc, err := net.Dial("tcp", s.listen.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = nc.Close() }()
	fmt.Fprint(nc, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n")
	<-begun
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	<-ended
}

// TestAmbiguousRequest: a request that says twice where it ends is refused, also as
// the second one of a connection; each way alone is fine.
func TestAmbiguousRequest(t *testing.T) {
	r := route("/x", func(w http.ResponseWriter, r *http.Request, _ *Principal) error {
		body, refused := readBody(w, r, 10)
		if refused != nil {
			return &Problem{Status: statusOf(refused.Code), Code: refused.Code}
		}
		WriteJSON(w, http.StatusOK, string(body))
		return nil
	})
	r.Method = http.MethodPost
	s := start(t, Config{Routes: []Route{r}})
	defer func() { _ = s.Close() }()
	nc, err := net.Dial("tcp", s.listen.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = nc.Close() }()
	in := bufio.NewReader(nc)
	for _, step := range []struct {
		header, body string
		want         int
	}{
		{"Content-Length: 2", "ab", http.StatusOK},
		{"Transfer-Encoding: chunked", "2\r\nab\r\n0\r\n\r\n", http.StatusOK},
		{"transfer-encoding: chunked\r\nCONTENT-LENGTH: 12", "2\r\nab\r\n0\r\n\r\n", http.StatusBadRequest},
	} {
		fmt.Fprintf(nc, "POST /x HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n%s", step.header, step.body)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != step.want {
			t.Errorf("%q is answered %d %s, want %d", step.header, resp.StatusCode, body, step.want)
		}
	}
}

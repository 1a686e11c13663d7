package eai_test

import (
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/adapters/internal/simhttp"
)

func ask(t *testing.T, url string) error {
	t.Helper()
	conf := eai.Defaults()
	conf.URL = url
	c, err := conf.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Do(t.Context(), eai.Request{Method: http.MethodPost, Path: []string{"x"}, AnyStatus: true})
	return err
}

// No error of a connection names an address or quotes what came.
func TestBrokenConnections(t *testing.T) {
	var faults simhttp.Faults
	fine := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }
	server := httptest.NewServer(faults.Befall(fine))
	defer server.Close()
	secure := httptest.NewTLSServer(http.HandlerFunc(fine))
	defer secure.Close()
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + l.Addr().String()
	_ = l.Close()
	for _, c := range []struct{ url, art, want string }{
		{server.URL, "kein-http", "the connection broke"},
		{server.URL, "verloren", "the connection ended"},
		{nobody, "", "the connection is refused"},
		{secure.URL, "", "unknown authority"},
		{strings.Replace(server.URL, "http:", "https:", 1), "", "TLS"},
	} {
		if c.art != "" {
			if err := faults.Order(simhttp.Fault{Art: c.art}); err != nil {
				t.Fatal(err)
			}
		}
		err := ask(t, c.url)
		if err == nil || !eai.IsBlocking(err) || eai.Code(err) != eai.Away || !strings.Contains(err.Error(), c.want) ||
			strings.Contains(err.Error(), "Zaunk") || strings.Contains(err.Error(), "4711") || strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%s %s: %v", c.art, c.want, err)
		}
	}
}

// Another 2xx is no refusal: something may have been done. A refusal is one only in the
// form of the system behind the gateway.
func TestStatus(t *testing.T) {
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	defer server.Close()
	for _, status = range []int{201, 202, 204, 206} {
		if err := ask(t, server.URL); !eai.IsBlocking(err) || eai.Code(err) != eai.Unreadable {
			t.Errorf("%d: %v", status, err)
		}
	}
	for _, status = range []int{400, 405, 411, 413, 451} {
		err := ask(t, server.URL)
		if err == nil || eai.IsBlocking(err) || eai.Code(err) != eai.Refused {
			t.Errorf("%d: %v", status, err)
		}
		if foreign := eai.Foreign(err); !eai.IsBlocking(foreign) || eai.Code(foreign) != eai.Refused || eai.IsBlocking(err) {
			t.Errorf("%d: %v", status, foreign)
		}
	}
	if other := errors.New("x"); !errors.Is(eai.Foreign(other), other) || eai.Foreign(nil) != nil {
		t.Error("another error is changed")
	}
}

// No whole answer in time is a timeout, whatever had come of it.
func TestTimeout(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}))
	defer server.Close()
	conf := eai.Defaults()
	conf.URL, conf.Frist = server.URL, 20*time.Millisecond
	c, err := conf.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Do(t.Context(), eai.Request{Method: http.MethodGet}); eai.Code(err) != eai.Timeout || !eai.IsBlocking(err) {
		t.Error(err)
	}
}

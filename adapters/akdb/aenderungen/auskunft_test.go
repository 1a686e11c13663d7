package aenderungen_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb/ewo"
	"github.com/amtsbote/amtsbote/adapters/akdb/ewosim"
)

// Who has the event and a right of its own reads the person by the subject; the
// way back holds no Ordnungsmerkmal that can be read, and ends with the matter.
func TestAuskunft(t *testing.T) {
	c := newCity(t, true)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	inner := adaptertest.NewIntake()
	in := &watched{inner, &memory{State: inner.State()}}
	src, err := c.source(strings.Replace(c.settings("keine"), "versuche: 3", fmt.Sprintf("versuche: 3, vorgang-dauer: 1ns, auskunft: {listen: '%s'}", address), 1))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() { end <- src.Run(ctx, in) }()
	put(t, c, resident(1, "Nußbaumweg", ""))
	e := events(t, inner, 1)[0]

	transport := &http.Transport{DisableKeepAlives: true}
	ask := func(subject, password string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/person/"+subject+"?benutzerId=9", nil)
		if err != nil {
			t.Fatal(err)
		}
		if password != "" {
			req.SetBasicAuth("amtsbote", password)
		}
		res, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	status, body := ask(e.Subject(), "probe")
	if p, err := ewo.Read([]byte(body)); status != 200 || err != nil || p.Familienname() != "Zaunkönig" {
		t.Errorf("%d %s", status, body)
	}
	for _, a := range []struct {
		subject, password string
		status            int
	}{
		{e.Subject(), "", 401},
		{e.Subject(), "falsch", 401},
		{"psn:AAAAAAAAAAAAAAAAAAAAAAAAAA", "probe", 404},
		{om(1), "probe", 404},
	} {
		if status, body := ask(a.subject, a.password); status != a.status || strings.Contains(body, "Zaunk") {
			t.Errorf("%+v: %d %s", a, status, body)
		}
	}
	order(t, c, ewosim.Fault{Art: "500"})
	if status, _ := ask(e.Subject(), "probe"); status != 502 {
		t.Errorf("the gateway is broken: %d", status)
	}
	for n := 2; ; n++ { // vorgang-dauer: 1ns
		put(t, c, resident(1, "Nußbaumweg", ""))
		if next := events(t, inner, n)[n-1]; next.Subject() != e.Subject() {
			if status, _ := ask(next.Subject(), "probe"); status != 200 {
				t.Errorf("the new matter: %d", status)
			}
			break
		}
	}
	if status, _ := ask(e.Subject(), "probe"); status != 404 {
		t.Errorf("a matter that is over: %d", status)
	}
	if seen := strings.Join(in.memory.seen, "\n"); strings.Contains(seen, om(1)) || !strings.Contains(seen, "v.") {
		t.Errorf("remembered: %s", seen)
	}
	cancel()
	if err := <-end; err != nil {
		t.Error(err)
	}
}

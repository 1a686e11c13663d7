package egress

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/hubtest/corpus"
)

// TestCorpus judges every URL of the corpus of bad inputs.
func TestCorpus(t *testing.T) {
	urls := 0
	for _, in := range corpus.Read(t, "webhook") {
		if in.Expect == "scenario" {
			continue // package webhook
		}
		urls++
		var file struct{ URL string }
		if err := json.Unmarshal(in.Data, &file); err != nil {
			t.Fatal(err)
		}
		u, err := New(Allow{}).URL(file.URL)
		if (err == nil) != (in.Expect == "url-accept") {
			t.Errorf("%s (%s): %v", in.File, in.Expect, err)
		}
		if u != nil && strings.ContainsAny(u.String(), "\r\n\u00e4") {
			t.Errorf("%s became %q", in.File, u)
		}
	}
	if urls == 0 {
		t.Error("no URL was judged")
	}
}

func TestURL(t *testing.T) {
	intern, err := ParseAllow([]string{"hook.intern.example:8443", "http://127.0.0.1:8080", "10.1.0.0/16", "localhost", "[::1]:9443", "169.254.169.254"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		url   string
		plain error // without exceptions
		with  error // with them
		want  string
	}{
		{"https://Hook.Example.ORG/a%2fb?x=%0d", nil, nil, "https://hook.example.org/a%2fb?x=%0d"},
		{"https://hook.example.org:443/", nil, nil, "https://hook.example.org:443/"},
		{"https://hook.intern.example:8443/", ErrPort, nil, "https://hook.intern.example:8443/"},
		{"https://hook.intern.example:8444/", ErrPort, ErrPort, ""},
		{"http://127.0.0.1:8080/", ErrScheme, nil, "http://127.0.0.1:8080/"},
		{"http://127.0.0.1:8081/", ErrScheme, ErrScheme, ""},
		{"http://hook.example.org/", ErrScheme, ErrScheme, ""},
		{"https://10.1.2.3/", ErrLocal, nil, "https://10.1.2.3/"},
		{"https://10.2.2.3/", ErrLocal, ErrLocal, ""},
		{"https://localhost/", ErrLocal, nil, "https://localhost/"},
		{"https://a.localhost/", ErrLocal, ErrLocal, ""},
		{"https://[::1]:9443/", ErrPort, nil, "https://[::1]:9443/"},
		{"https://169.254.169.254/", ErrLocal, nil, "https://169.254.169.254/"},
		{"https://169.254.169.253/", ErrLocal, ErrLocal, ""},
		{"https://[fe80::1%25eth0]/", ErrHost, ErrHost, ""},
		{"https://0x7f.1/", ErrHost, ErrHost, ""},
		{"https://a@hook.example.org/", ErrUserinfo, ErrUserinfo, ""},
		{"https://hook.example.org/?ACCESS_TOKEN=1", ErrToken, ErrToken, ""},
		{"https://hook.example.org/#", ErrFragment, ErrFragment, ""},
		{"https:hook.example.org", ErrURL, ErrURL, ""},
		{"//hook.example.org/", ErrURL, ErrURL, ""},
		{"https:///x", ErrHost, ErrHost, ""},
		{"https://hook.example.org/a b", ErrURL, ErrURL, ""},
		{"https://hook.example.org/" + strings.Repeat("a", 2048), ErrURL, ErrURL, ""},
		{"https://empfänger.example./", nil, nil, "https://xn--empfnger-3za.example/"},
	} {
		if _, err := New(Allow{}).URL(c.url); !errors.Is(err, c.plain) {
			t.Errorf("%.60s without exceptions: %v, want %v", c.url, err, c.plain)
		}
		u, err := New(intern).URL(c.url)
		if !errors.Is(err, c.with) || err == nil && u.String() != c.want {
			t.Errorf("%.60s with exceptions: %v, %v, want %s, %v", c.url, u, err, c.want, c.with)
		}
	}
}

func TestParseAllow(t *testing.T) {
	for _, bad := range []string{"", "a b", "https://x.example", "x.example:0", "x.example:70000", "http://x.example", "10.0.0.0/33", "127.1", "*.example", "user@x.example", "x.example/a"} {
		if _, err := ParseAllow([]string{bad}); err == nil {
			t.Errorf("%q is an exception", bad)
		}
	}
}

// TestAddresses: what a name leads to, by what is allowed for it.
func TestAddresses(t *testing.T) {
	named, _ := ParseAllow([]string{"hook.example", "192.0.2.0/24"})
	for address, want := range map[string][2]bool{ // as anybody's, as hook.example's
		"93.184.216.34": {true, true}, "2606:2800:220:1::1": {true, true},
		"10.0.0.5": {false, true}, "172.31.0.1": {false, true}, "192.168.1.1": {false, true}, "100.64.0.1": {false, true},
		"127.0.0.1": {false, true}, "::1": {false, true}, "::ffff:127.0.0.1": {false, true}, "fd00::1": {false, true},
		"169.254.169.254": {false, false}, "::ffff:169.254.169.254": {false, false}, "fe80::1": {false, false},
		"64:ff9b::7f00:1": {false, false}, "64:ff9b:1::7f00:1": {false, false}, "2002:7f00:1::": {false, false},
		"::7f00:1": {false, false}, "::": {false, false}, "0.0.0.0": {false, false}, "224.0.0.1": {false, false},
		"255.255.255.255": {false, false}, "198.18.0.1": {false, false}, "2001:db8::1": {false, false}, "ff02::1": {false, false},
		"192.0.2.7": {true, true},
	} {
		g := New(named)
		at := netip.MustParseAddr(address)
		for i, host := range []string{"other.example", "hook.example"} {
			if got := g.address(at, named.rule(host, "443")) == nil; got != want[i] {
				t.Errorf("%s may lead to %s: %v", host, address, got)
			}
		}
	}
}

// TestConnect: a name that leads to loopback is stopped when the connection is
// made, also after it was judged by its text; a redirect is not followed.
func TestConnect(t *testing.T) {
	inside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/inside", http.StatusFound)
	}))
	defer inside.Close()
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(inside.URL, "http://"))
	dial := func(g *Guard, address string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		c, err := g.Dial(ctx, "tcp", address)
		if err == nil {
			_ = c.Close()
		}
		return err
	}
	if err := dial(New(Allow{}), "localhost:443"); !errors.Is(err, ErrLocal) {
		t.Errorf("connected to localhost: %v", err)
	}
	if err := dial(New(Allow{}), "localhost:"+port); !errors.Is(err, ErrPort) {
		t.Errorf("connected to another port: %v", err)
	}
	allow, err := ParseAllow([]string{"http://localhost:" + port})
	if err != nil {
		t.Fatal(err)
	}
	g := New(allow)
	if err := dial(g, "localhost:"+port); err != nil {
		t.Errorf("not connected to what is allowed: %v", err)
	}
	if transport := g.Transport(); transport.Proxy != nil {
		t.Error("a proxy would connect in our stead")
	}
	transport := g.Transport()
	defer transport.CloseIdleConnections()
	resp, err := g.Client(transport, 5*time.Second).Get("http://localhost:" + port + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusFound {
		t.Errorf("the redirect was followed: %d", resp.StatusCode)
	}
	_, err = New(Allow{}).Client(New(Allow{}).Transport(), 5*time.Second).Get("https://localhost/?secret=x")
	if reason := Reason(err); reason == nil || strings.Contains(reason.Error(), "secret") {
		t.Errorf("the reason is %v", reason)
	}
}

// FuzzURL: what passes is https to a host at port 443, and passes again as it was
// written.
func FuzzURL(f *testing.F) {
	for _, in := range corpus.Seeds(f, "webhook") {
		var file struct{ URL string }
		_ = json.Unmarshal(in, &file)
		f.Add(file.URL)
	}
	f.Add("https://hook.example.org/a?b=c")
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := New(Allow{}).URL(raw)
		if err != nil {
			return
		}
		again, err := New(Allow{}).URL(u.String())
		if err != nil || again.String() != u.String() {
			t.Fatalf("%q became %q, then %v, %v", raw, u, again, err)
		}
		plain, err := url.Parse(u.String())
		if err != nil || plain.Scheme != "https" || plain.User != nil || plain.Hostname() == "" || plain.Port() != "" && plain.Port() != "443" {
			t.Fatalf("%q became %q", raw, u)
		}
		if at, err := netip.ParseAddr(plain.Hostname()); err == nil && special(at.Unmap()) {
			t.Fatalf("%q leads to %s", raw, at)
		}
	})
}

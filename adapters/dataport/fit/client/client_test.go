package client_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit/client"
)

const destination = "d12caea8-f372-4eb1-b102-b0a228253a11"

// dial makes a client of a service that answers so; its tokens last for lasts.
func dial(t *testing.T, lasts int, answer http.HandlerFunc) (*client.Client, *atomic.Int32) {
	t.Helper()
	logins := &atomic.Int32{}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.UserAgent() != "Amtsbote" {
			t.Errorf("%s: User-Agent %q", r.URL.Path, r.UserAgent())
		}
		if r.URL.Path != "/token" {
			answer(w, r)
			return
		}
		want := url.Values{"grant_type": {"client_credentials"}, "client_id": {"ich"}, "client_secret": {"ge heim"}}
		if err := r.ParseForm(); err != nil || r.PostForm.Encode() != want.Encode() || r.Header.Get("Authorization") != "" {
			t.Errorf("asked for a token with %v, %v", r.PostForm, err)
		}
		fmt.Fprintf(w, `{"access_token":"t%d","token_type":"Bearer","expires_in":%d}`, logins.Add(1), lasts)
	}))
	t.Cleanup(web.Close)
	return client.New(client.Config{
		TokenURL: web.URL + "/token", BaseURL: web.URL + "/api/", Version: "v2", Destination: destination, ClientID: "ich",
		Secret: func() (string, error) { return "ge heim", nil }, MinBits: 2048, Timeout: 5 * time.Second, UserAgent: "Amtsbote", MaxData: 1000, Dir: t.TempDir(),
	}), logins
}

// TestErrors: what each answer means, and that nothing of it but the problem's name
// is told.
func TestErrors(t *testing.T) {
	t.Parallel()
	const problem = "Content-Type: application/problem+json"
	for _, c := range []struct {
		status int
		header string
		body   string
		class  client.Class
		after  time.Duration
		says   string
	}{
		{http.StatusInternalServerError, "", "Mustermann", client.Retry, 0, "500"},
		{http.StatusInternalServerError, "Retry-After: 7", "", client.Retry, 0, "500"},
		{http.StatusNotFound, "Retry-After: 7", "", client.Retry, 0, "404"},
		{http.StatusNotFound, problem, `{"type":"https://schema.fitko.de/fit-connect/submission-api/problems/submission-not-found"}`, client.Gone, 0, "(submission-not-found)"},
		{http.StatusNotFound, "", `{"type":"https://schema.fitko.de/fit-connect/submission-api/problems/submission-not-found"}`, client.Retry, 0, "404"},
		{http.StatusNotFound, problem, `{"type":"about:blank"}`, client.Retry, 0, "404"},
		{http.StatusNotFound, problem, "<html>", client.Retry, 0, "404"},
		{http.StatusBadRequest, problem, `{"type":"https://schema.fitko.de/fit-connect/submission-api/problems/x"}`, client.Refused, 0, "(x)"},
		{http.StatusRequestEntityTooLarge, "Content-Type: text/html", "<html>", client.Retry, 0, "413"},
		{http.StatusServiceUnavailable, "Retry-After: 7", "", client.Retry, 7 * time.Second, "503"},
		{http.StatusServiceUnavailable, "Retry-After: 86401", "", client.Retry, time.Hour, "503"},
		{http.StatusServiceUnavailable, "Retry-After: -1", "", client.Retry, 0, "503"},
		{http.StatusTooManyRequests, "RateLimit-Reset: 3", "", client.Retry, 0, "429"},
		{http.StatusTooManyRequests, "RateLimit-Remaining: 0\nRateLimit-Reset: 3", "", client.Retry, 3 * time.Second, "429"},
		{http.StatusUnauthorized, "", "", client.Login, 0, "401"},
		{http.StatusForbidden, "", `{"type":"https://x/y/nicht-verbunden","detail":"Mustermann"}`, client.Unlinked, 0, "(nicht-verbunden)"},
		{http.StatusNotFound, "", `{"type":"https://x/y/Max Mustermann"}`, client.Retry, 0, "404"},
		{http.StatusUnprocessableEntity, "", `{"type":`, client.Retry, 0, "422"},
		{http.StatusFound, "Location: https://example.org/", "", client.Retry, 0, "302"},
		{http.StatusOK, "", "<html>Mustermann</html>", client.Retry, 0, "not what was asked for"},
		{http.StatusOK, "", `{"encryptedData":"` + strings.Repeat("x", 2000) + `"}`, client.TooLarge, 0, "larger"},
	} {
		cl, _ := dial(t, 1800, func(w http.ResponseWriter, _ *http.Request) {
			for line := range strings.Lines(c.header) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
				w.Header().Set(name, value)
			}
			w.WriteHeader(c.status)
			fmt.Fprint(w, c.body)
		})
		_, err := cl.Fetch(t.Context(), destination)
		e, is := errors.AsType[*client.Error](err)
		if !is || e.Class != c.class || e.After != c.after || !strings.Contains(e.Error(), c.says) || strings.Contains(e.Error(), "Mustermann") {
			t.Errorf("status %d, %q: %+v", c.status, c.header, err)
		}
	}
}

// TestToken: one token for many calls, another before it ends, another when it is
// refused, and no third try.
func TestToken(t *testing.T) {
	t.Parallel()
	var refused atomic.Int32
	answer := func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer t1" && refused.Load() > 0 {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		fmt.Fprint(w, `{"totalCount":0,"submissions":[]}`)
	}
	list := func(c *client.Client) error { _, err := c.List(t.Context(), 0, 10); return err }
	lasting, logins := dial(t, 1800, answer)
	for range 3 {
		if err := list(lasting); err != nil || logins.Load() != 1 {
			t.Fatal(err, logins.Load())
		}
	}
	refused.Store(1)
	if err := list(lasting); err != nil || logins.Load() != 2 {
		t.Error(err, logins.Load())
	}
	refused.Store(0)
	short, logins := dial(t, 0, answer)
	for n := range int32(3) {
		if err := list(short); err != nil || logins.Load() != n+1 {
			t.Error(err, logins.Load())
		}
	}
	never, logins := dial(t, 1800, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	if err := list(never); client.ClassOf(err) != client.Login || logins.Load() != 2 {
		t.Error(err, logins.Load())
	}
}

// TestKeys: nobody but the service and the destination is asked about; an unknown
// name does not have the keys read again and again.
func TestKeys(t *testing.T) {
	t.Parallel()
	var base string
	calls := map[string]int{}
	cl, _ := dial(t, 1800, func(w http.ResponseWriter, r *http.Request) {
		calls[r.URL.Path]++
		if r.URL.Path == "/api/.well-known/jwks.json" {
			fmt.Fprint(w, `{"keys":[{"kty":"RSA","kid":"kurz","n":"AQAB","e":"AQAB"},{"kty":"EC"}]}`)
			return
		}
		base = "http://" + r.Host + "/api"
		w.Header().Set("Content-Type", "application/problem+json")
		defer fmt.Fprint(w, `{"type":"https://schema.fitko.de/fit-connect/submission-api/problems/key-not-found"}`)
		w.WriteHeader(http.StatusNotFound)
	})
	key := func(issuer, id string) {
		t.Helper()
		if _, err := cl.Key(t.Context(), issuer, id); !errors.Is(err, fit.ErrSET) {
			t.Errorf("%s, %s: %v", issuer, id, err)
		}
	}
	key(destination, "eins")
	key(destination, "eins")
	key(base, "kurz") // too short to be believed
	key(base, "fremd")
	key("https://example.org", "eins")
	key("0b799252-deb9-42b0-98d3-c50d24bbafe0", "eins")
	key(base, "")
	if want := fmt.Sprint(map[string]int{"/api/.well-known/jwks.json": 1, "/api/v2/destinations/" + destination + "/keys/eins": 1}); fmt.Sprint(calls) != want {
		t.Errorf("asked %v", calls)
	}
}

// TestNoKeys: keys that cannot be read say nothing about the case, whatever the answer.
func TestNoKeys(t *testing.T) {
	t.Parallel()
	base := ""
	cl, _ := dial(t, 1800, func(w http.ResponseWriter, r *http.Request) {
		base = "http://" + r.Host + "/api"
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"type":"https://schema.fitko.de/fit-connect/submission-api/problems/case-not-found"}`)
	})
	_, err := cl.Events(t.Context(), destination)
	if !client.IsMissing(err) {
		t.Error(err)
	}
	if _, err := cl.Key(t.Context(), base, "eins"); err == nil || client.ClassOf(err) != client.Retry || client.IsMissing(err) || errors.Is(err, fit.ErrSET) {
		t.Error(err)
	}
}

// TestAttachment: what breaks off, or is too large, leaves no file.
func TestAttachment(t *testing.T) {
	t.Parallel()
	cl, _ := dial(t, 1800, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/cut") {
			w.Header().Set("Content-Length", "100")
		}
		fmt.Fprint(w, "0123456789")
	})
	p, err := cl.Attachment(t.Context(), destination, "good", 10)
	if err != nil || p.Size != 10 {
		t.Fatal(err)
	}
	for range 2 { // opened again after it was released
		if raw, err := io.ReadAll(io.NewSectionReader(p, 0, p.Size)); err != nil || string(raw) != "0123456789" {
			t.Errorf("%q, %v", raw, err)
		}
		p.Release()
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if _, err := p.ReadAt(make([]byte, 1), 0); !errors.Is(err, os.ErrNotExist) {
		t.Error("the file stays", err)
	}
	if _, err := cl.Attachment(t.Context(), destination, "good", 9); client.ClassOf(err) != client.TooLarge {
		t.Error(err)
	}
	if _, err := cl.Attachment(t.Context(), destination, "cut", 1000); err == nil || client.ClassOf(err) != client.Retry {
		t.Error(err)
	}
}

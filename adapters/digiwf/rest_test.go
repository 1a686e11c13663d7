package digiwf_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2/event"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/digiwf"
	"github.com/amtsbote/amtsbote/hub"
)

// restDesk is DigiWF's REST side as the facts have it: tokens by client credentials,
// and bodies that are kept.
type restDesk struct {
	dir    string
	server *httptest.Server
	status atomic.Int32 // instead of an answer; 0 for none
	media  atomic.Value // of that answer; else JSON
	after  atomic.Value // its Retry-After
	calls  atomic.Int32
	tokens atomic.Int32 // issued

	mu     sync.Mutex
	valid  string
	bodies map[string][]string
}

func newDesk(t testing.TB) *restDesk {
	t.Helper()
	d := &restDesk{dir: t.TempDir(), bodies: map[string][]string{}}
	d.server = httptest.NewServer(d)
	t.Cleanup(d.server.Close)
	if err := os.WriteFile(filepath.Join(d.dir, "secret"), []byte("geheim:+%\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *restDesk) env() hub.Env { return adaptertest.Env(d.dir) }

func (d *restDesk) settings(form string) string {
	return fmt.Sprintf(`{dir: memory, %s, rest: {url: '%s/', token-url: '%s/token', client-id: 'amts bote',
 client-secret-file: secret, scope: dwf, form: %s, timeout: 20s}}`, outRules, d.server.URL, d.server.URL, form)
}

func (d *restDesk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/token" {
		d.issue(w, r)
		return
	}
	d.calls.Add(1)
	d.mu.Lock()
	defer d.mu.Unlock()
	if r.Header.Get("Authorization") != "Bearer "+d.valid || d.valid == "" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if status := d.status.Load(); status != 0 {
		media, _ := d.media.Load().(string)
		w.Header().Set("Content-Type", cmp.Or(media, "application/problem+json"))
		if after, _ := d.after.Load().(string); after != "" {
			w.Header().Set("Retry-After", after)
		}
		w.WriteHeader(int(status))
		return
	}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		d.bodies[r.URL.Path] = append(d.bodies[r.URL.Path], string(body))
	}
}

func (d *restDesk) issue(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if id != "amts+bote" || secret != "geheim%3A%2B%25" || r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "dwf" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.valid = fmt.Sprintf("token-%d", d.tokens.Add(1))
	fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":300}`, d.valid)
}

// revoke makes the tokens that were issued invalid.
func (d *restDesk) revoke() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.valid = ""
}

func (d *restDesk) taken(path string) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.bodies[path])
}

func paid(correlation string) hub.Event {
	e := cloudevents.New()
	e.SetID("zahlung-1")
	e.SetSource("urn:de:ags:09162000:system:epayment")
	e.SetType("de.gebuehr.bezahlt.v1")
	e.SetExtension(hub.AttrCorrelationID, correlation)
	_ = e.SetData("application/json", []byte(`{"cent":3000}`))
	return e
}

func deliver(t testing.TB, sink hub.Sink, id string, e hub.Event) error {
	t.Helper()
	return sink.Deliver(t.Context(), hub.Delivery{ID: id, Attempt: 1, Agreement: "test", Event: e})
}

func TestRESTBodies(t *testing.T) {
	t.Parallel()
	for form, want := range map[string][2]string{
		"connector": {"/rest/message", `{"processInstanceId":"` + instanceID + `","messageName":"gebuehrBezahlt","businessKey":"` + instanceID + `",`},
		"engine":    {"/rest/input/message/send/message", `{"instanceId":"` + instanceID + `","message":"gebuehrBezahlt"}`},
	} {
		d := newDesk(t)
		sink, err := digiwf.Kind().Sink(d.env(), adaptertest.Settings(d.settings(form)))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(deliver(t, sink, "d1", paid(instanceID)), deliver(t, sink, "d2", application(1))); err != nil {
			t.Fatal(err)
		}
		if got := d.taken(want[0]); len(got) != 1 || !strings.HasPrefix(got[0], want[1]) {
			t.Errorf("%s: %q", form, got)
		}
		var start struct {
			Key       string
			Variables map[string]json.RawMessage
		}
		if got := d.taken("/rest/service/definition"); len(got) != 1 || json.Unmarshal([]byte(got[0]), &start) != nil ||
			start.Key != "parkausweis" || string(start.Variables["antrag"]) != `{"kennzeichen":"M AB 123"}` || string(start.Variables["ceId"]) != `"antrag-1"` {
			t.Errorf("%s: start %q", form, got)
		}
		if n := d.tokens.Load(); n != 1 {
			t.Errorf("%s: %d tokens for two calls", form, n)
		}
	}
}

// A status that says that the message is wrong sends it to quarantine; all others are
// tried again, after the time that is asked for; a revoked token is got anew.
func TestRESTFaults(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	sink, err := digiwf.Kind().Sink(d.env(), adaptertest.Settings(d.settings("connector")))
	if err != nil {
		t.Fatal(err)
	}
	for status, permanent := range map[int]bool{400: true, 404: true, 409: true, 422: true, 413: true, 403: false, 500: false, 503: false, 302: false} {
		d.status.Store(int32(status))
		f := hub.FaultOf(deliver(t, sink, fmt.Sprint("d", status), application(1)))
		if f == nil || f.Permanent != permanent {
			t.Errorf("status %d: %v", status, f)
		}
	}
	d.status.Store(0)
	d.revoke()
	if err := deliver(t, sink, "d1", application(1)); err != nil {
		t.Errorf("after the token was revoked: %v", err)
	}
	d.revoke()
	if err := os.WriteFile(filepath.Join(d.dir, "secret"), []byte("falsch"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := hub.FaultOf(deliver(t, sink, "d2", application(2)))
	if f == nil || f.Permanent || f.Code != "no-token" || strings.Contains(f.Error(), "falsch") {
		t.Errorf("with a wrong secret: %v", f)
	}
}

// What stands in front of DigiWF says nothing of the message: its pages are neither
// refusals nor receipts.
func TestForeignPages(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	sink, err := digiwf.Kind().Sink(d.env(), adaptertest.Settings(d.settings("connector")))
	if err != nil {
		t.Fatal(err)
	}
	d.media.Store("text/html; charset=utf-8")
	for _, status := range []int32{200, 400, 404, 409, 413, 422} {
		d.status.Store(status)
		if f := hub.FaultOf(deliver(t, sink, fmt.Sprint("d", status), application(1))); f == nil || f.Permanent || f.Code != "not-digiwf" {
			t.Errorf("a page with status %d: %v", status, f)
		}
	}
}

// A server that asks to wait is left alone for that time, whatever is to be sent: no
// attempt counts.
func TestRESTAsksToWait(t *testing.T) {
	t.Parallel()
	for after, least := range map[string]time.Duration{
		"": 500 * time.Millisecond, "700": 10 * time.Minute,
		time.Now().Add(30 * time.Minute).UTC().Format(http.TimeFormat): 20 * time.Minute,
	} {
		d := newDesk(t)
		sink, err := digiwf.Kind().Sink(d.env(), adaptertest.Settings(d.settings("connector")))
		if err != nil {
			t.Fatal(err)
		}
		d.status.Store(http.StatusTooManyRequests)
		d.after.Store(after)
		f := hub.FaultOf(deliver(t, sink, "d1", application(1)))
		if f == nil || f.Permanent || !f.Later || f.After < least {
			t.Errorf("Retry-After %q became %+v", after, f)
		}
		if after == "" {
			continue
		}
		d.status.Store(0)
		if f := hub.FaultOf(deliver(t, sink, "d2", application(2))); f == nil || !f.Later || f.After < least || d.calls.Load() != 1 {
			t.Errorf("Retry-After %q: the next was %+v, %d calls", after, f, d.calls.Load())
		}
	}
}

// A sink that is alone forgets what it handed over long ago: nobody else does.
func TestSinkForgets(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	sink, err := digiwf.Kind().Sink(d.env(), adaptertest.Settings(d.settings("connector")))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(deliver(t, sink, "d1", application(1)), deliver(t, sink, "d2", application(2))); err != nil {
		t.Fatal(err)
	}
	marks := func() []string {
		all, err := filepath.Glob(filepath.Join(d.dir, "memory", "sent", "*.json"))
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if len(marks()) != 2 {
		t.Fatalf("%d marks", len(marks()))
	}
	past := time.Now().Add(-61 * 24 * time.Hour)
	if err := os.Chtimes(marks()[0], past, past); err != nil {
		t.Fatal(err)
	}
	worker, ok := sink.(hub.Worker)
	if !ok {
		t.Fatal("the sink is no worker")
	}
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() { end <- worker.Work(ctx) }()
	eventually(t, func() error {
		if n := len(marks()); n != 1 {
			return fmt.Errorf("%d marks, want the young one", n)
		}
		return nil
	})
	cancel()
	if err := <-end; err != nil {
		t.Error(err)
	}
}

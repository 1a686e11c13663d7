package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/corpus"
)

// notBuilt are codes of the corpus that this version does not give: it checks no
// signatures of requests. The kinds sign and console are not built either.
var notBuilt = map[string]bool{"SIG_STALE": true}

// otherwiseHTTP lists inputs whose verdict is not the index's, and why.
var otherwiseHTTP = map[string]struct{ expect, code string }{
	// events without data: here every event is held to the schema of its type, whose
	// root is an object
	"ce/ok-minimal.json":        {"quarantine", "SCHEMA_INVALID"},
	"ce/ok-null-attribute.json": {"quarantine", "SCHEMA_INVALID"},
}

// corpusDoor is a hub with the corpus's federation.
type corpusDoor struct {
	*asker
	issuer *issuer
}

// TestCorpusHTTP hands in every event, payload, batch and request of the corpus by
// HTTP: each is answered with the verdict and the code of the index.
func TestCorpusHTTP(t *testing.T) {
	corpus.Read(t, "ce", "payload", "batch", "http")
	dir := t.TempDir()
	hubtest.WriteCorpusFederation(t, dir)
	door := &corpusDoor{issuer: newIssuer(t)}
	door.asker = startHTTP(t, app.Config{Directory: dir, Log: zap.NewNop(), HTTP: &app.HTTP{
		ReadTimeout: 500 * time.Millisecond,
		OIDC:        app.OIDC{Issuer: door.issuer.name, Audience: "amtsbote", JWKS: door.issuer.file},
	}}, "stadt-a.meldewesen")
	n := 0
	corpus.Each(t, func(t *testing.T, in corpus.Input) {
		if notBuilt[in.Code] {
			t.Logf("not built: %s", in.Code)
			return
		}
		n++
		door.try(t, in, n)
	}, "ce", "payload", "batch", "http")
}

// try compares the answer to an input with the verdict of the index.
func (d *corpusDoor) try(t *testing.T, in corpus.Input, n int) {
	t.Helper()
	expect, code := in.Expect, in.Code
	if other, ok := otherwiseHTTP[in.File]; ok {
		expect, code = other.expect, other.code
	}
	before := d.stored(t, "stadt-a")
	got := d.request(t, in, n)
	if got.status >= 400 && (got.text("code") != code || !strings.Contains(got.text("title"), " ")) {
		t.Errorf("answered %d %s, want %s: %s", got.status, got.body["code"], code, got.raw)
	}
	kept := d.stored(t, "stadt-a") - before
	switch {
	case strings.HasPrefix(expect, "reject-"):
		if want := strings.TrimPrefix(expect, "reject-"); strconv.Itoa(got.status) != want || kept != 0 {
			t.Errorf("answered %d and kept %d, want %s and nothing", got.status, kept, want)
		}
	case expect == "quarantine":
		d.quarantined(t, got, code, kept)
	case expect == "partial":
		d.partial(t, got, code, kept)
	default:
		accepted(t, in, got, kept)
	}
}

func accepted(t *testing.T, in corpus.Input, got *answered, kept uint64) {
	t.Helper()
	want, events := http.StatusAccepted, uint64(1)
	if in.Kind == "batch" {
		var list []any
		must(t, json.Unmarshal(in.Data, &list))
		want, events = http.StatusMultiStatus, uint64(len(list))
		if events == 0 {
			want = http.StatusOK
		}
	}
	if got.status != want || kept != events {
		t.Errorf("answered %d and kept %d, want %d and %d: %s", got.status, kept, want, events, got.raw)
	}
}

// quarantined: it is kept, every violation is told, and the sender finds it there with
// the same code.
func (d *corpusDoor) quarantined(t *testing.T, got *answered, code string, kept uint64) {
	t.Helper()
	violations, _ := got.body["violations"].([]any)
	if got.status != http.StatusUnprocessableEntity || kept != 1 || len(violations) == 0 {
		t.Fatalf("answered %d and kept %d: %s", got.status, kept, got.raw)
	}
	at := d.settled(t, got.text("quarantine"))
	if at.text("state") != "quarantined" || at.text("code") != code {
		t.Errorf("at %s lies %s", got.text("quarantine"), at.raw)
	}
}

// settled asks for an event in quarantine until it is decided.
func (d *asker) settled(t *testing.T, path string) *answered {
	t.Helper()
	for end := time.Now().Add(hubtest.Patience); ; {
		got := d.ask(t, http.MethodGet, path, nil)
		if got.status != http.StatusOK || got.text("state") != "waiting" || time.Now().After(end) {
			return got
		}
	}
}

func (d *corpusDoor) partial(t *testing.T, got *answered, code string, kept uint64) {
	t.Helper()
	results, _ := got.body["results"].([]any)
	if got.status != http.StatusMultiStatus || kept != 1 || len(results) != 2 {
		t.Fatalf("answered %d and kept %d: %s", got.status, kept, got.raw)
	}
	second, _ := results[1].(map[string]any)
	if second["code"] != code || second["duplicate"] != true || second["stored"] == nil {
		t.Errorf("the second is %v", second)
	}
}

// request sends an input; its ids are made its own, so that no input repeats another.
func (d *corpusDoor) request(t *testing.T, in corpus.Input, n int) *answered {
	t.Helper()
	data := bytes.ReplaceAll(in.Data, []byte("urn:schema:umzug:v1"), []byte(hubtest.CorpusSchema))
	for _, id := range []string{"e-1", "h-1", "b-1", "b-2", "e-2", "e-3", "e-ü", "e-64k"} {
		for _, quote := range []string{`"`, `\"`} {
			data = bytes.ReplaceAll(data, []byte(quote+id+quote), fmt.Appendf(nil, "%s%s-%d%s", quote, id, n, quote))
		}
	}
	switch in.Kind {
	case "ce":
		return d.event(t, string(data))
	case "batch":
		return d.ask(t, http.MethodPost, "/events", data, "Content-Type", "application/cloudevents-batch+json")
	case "payload":
		return d.ask(t, http.MethodPost, "/events", data, "ce-specversion", "1.0", "ce-id", fmt.Sprint("p-", n),
			"ce-source", "urn:de:behoerde:stadt-a:x", "ce-type", hubtest.CorpusType, "Content-Type", "application/json")
	}
	return d.whole(t, filepath.Base(in.File), data)
}

// whole sends a request of the kind http.
func (d *corpusDoor) whole(t *testing.T, name string, data []byte) *answered {
	t.Helper()
	var in struct {
		Method, Path, Body string
		Headers            [][2]string
	}
	must(t, json.Unmarshal(data, &in))
	var lines []string
	from := *d.asker
	sized := false
	for _, h := range in.Headers {
		if strings.EqualFold(h[0], "authorization") { // it says in words what the token is
			from.token, h = d.issuer.token(t, map[string]any{"aud": "other-hub", "azp": "x"}), [2]string{"x-said", "y"}
		}
		sized = sized || strings.EqualFold(h[0], "content-length")
		lines = append(lines, h[0], h[1])
	}
	path := strings.TrimPrefix(in.Path, "/v1")
	if name == "slowloris.json" {
		return from.slow(t, in.Method, path, lines)
	}
	head := from.head(in.Method, path, lines...)
	if !sized {
		head += "Content-Length: " + strconv.Itoa(len(in.Body)) + "\r\n"
	}
	return from.send(t, []byte(head+"\r\n"+in.Body))
}

// slow begins a body and sends no more of it.
func (d *asker) slow(t *testing.T, method, path string, lines []string) *answered {
	t.Helper()
	nc, err := net.Dial("tcp", d.host)
	must(t, err)
	defer func() { _ = nc.Close() }()
	must(t, nc.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = nc.Write([]byte(d.head(method, path, lines...) + "Content-Length: 100\r\n\r\n{"))
	must(t, err)
	return read(t, nc)
}

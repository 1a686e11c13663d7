package webhookin_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
	"github.com/amtsbote/amtsbote/adapters/webhookin"
	"github.com/amtsbote/amtsbote/hub"
)

// run runs the house's source until the test ends, and waits until it answers.
func (h *house) run(t *testing.T, in hub.Intake) *http.Client {
	t.Helper()
	source, err := h.source()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() { end <- source.Run(ctx, in) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	t.Cleanup(func() {
		cancel()
		if err := <-end; err != nil {
			t.Error(err)
		}
	})
	for range 1000 {
		if resp, err := client.Get("http://" + h.address + "/"); err == nil { //nolint:noctx // a test's own server
			_ = resp.Body.Close()
			return client
		}
		select {
		case err := <-end:
			t.Fatal(err)
		case <-time.After(2 * time.Millisecond):
		}
	}
	t.Fatal("the adapter does not answer")
	return nil
}

const body = `{"nr":1,"vorgang":"A","betrag":12.50}`

func TestAnswers(t *testing.T) {
	h := newHouse(t, github)
	in := adaptertest.NewIntake()
	client := h.run(t, in)
	for _, tc := range []struct {
		name    string
		method  string
		path    string
		body    string
		headers map[string]string
		status  int
		code    string
	}{
		{"good", "POST", "/meldung", body, nil, 200, ""},
		{"good, charset", "POST", "/meldung", body, map[string]string{"Content-Type": "application/cloudevents+json; charset=UTF-8"}, 200, ""},
		{"GET", "GET", "/meldung", "", nil, 405, "method"},
		{"another path", "POST", "/meldung/x", body, nil, 404, "not-found"},
		{"no type", "POST", "/meldung", body, map[string]string{"Content-Type": ""}, 415, "media-type"},
		{"XML", "POST", "/meldung", body, map[string]string{"Content-Type": "application/xml"}, 415, "media-type"},
		{"latin", "POST", "/meldung", body, map[string]string{"Content-Type": "application/json; charset=iso-8859-1"}, 415, "media-type"},
		{"packed", "POST", "/meldung", body, map[string]string{"Content-Encoding": "gzip"}, 415, "media-type"},
		{"too large", "POST", "/meldung", strings.Repeat(" ", 3000), nil, 413, "too-large"},
		{"no signature", "POST", "/meldung", body, map[string]string{"X-Hub-Signature-256": ""}, 401, "signature-missing"},
		{"wrong signature", "POST", "/meldung", body, map[string]string{"X-Hub-Signature-256": sign256("x")}, 401, "signature-wrong"},
		{"another prefix", "POST", "/meldung", body, map[string]string{"X-Hub-Signature-256": strings.TrimPrefix(sign256(body), "sha256=")}, 401, "signature-wrong"},
		{"no JSON, and unsigned", "POST", "/meldung", `{"nr":`, map[string]string{"X-Hub-Signature-256": sign256("x")}, 401, "signature-wrong"},
		{"no JSON", "POST", "/meldung", `{"nr":`, nil, 400, "not-json"},
		{"a bad value", "POST", "/meldung", `{"nr":1,"vorgang":"A","betrag":"Mustermann"}`, nil, 422, "bad-number"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tc.method, "http://"+h.address+tc.path, strings.NewReader(tc.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Hub-Signature-256", sign256(tc.body))
		for name, value := range tc.headers {
			r.Header.Del(name)
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		resp, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		var answer struct{ Code, Detail, ID string }
		_ = json.NewDecoder(resp.Body).Decode(&answer)
		_ = resp.Body.Close()
		if resp.StatusCode != tc.status || answer.Code != tc.code || (answer.ID != "") != (tc.status == 200) || strings.Contains(answer.Detail, "Mustermann") {
			t.Errorf("%s: %d %+v, want %d %s", tc.name, resp.StatusCode, answer, tc.status, tc.code)
		}
		if tc.code != "" && resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %s", tc.name, resp.Header.Get("Content-Type"))
		}
	}
	if n := len(in.Events()); n != 1 {
		t.Errorf("%d events", n)
	}
}

// TestNotBeforeStored: no 2xx without Publish; what could not be stored is sent
// again and taken; what was, comes again without a second call.
func TestNotBeforeStored(t *testing.T) {
	h := newHouse(t, github)
	in := adaptertest.NewIntake()
	calls := 0
	answers := []error{hub.Retryable("away", "publish: no answer"), errors.New("connection lost"), hub.Permanent("too-large", "publish: too large"), nil}
	in.Follow(func(_ context.Context, call int, _ hub.Event, store func() error) error {
		calls++
		if err := answers[min(call-1, len(answers)-1)]; err != nil {
			return err
		}
		return store()
	})
	client := h.run(t, in)
	for i, want := range []int{503, 503, 422, 200, 200, 200} {
		status, _, err := post(t.Context(), client, h.url(), body, map[string]string{"X-Hub-Signature-256": sign256(body)})
		if err != nil || status != want {
			t.Errorf("try %d: %d (%v), want %d", i+1, status, err, want)
		}
	}
	if calls != 4 || len(in.Events()) != 1 {
		t.Errorf("%d calls, %d events", calls, len(in.Events()))
	}
}

func TestSecretsAreChanged(t *testing.T) {
	h := newHouse(t, "secret-files: [geheim/a, geheim/b]\nsignature: {style: github}\n")
	client := h.run(t, adaptertest.NewIntake())
	try := func() int {
		t.Helper()
		status, _, err := post(t.Context(), client, h.url(), body, map[string]string{"X-Hub-Signature-256": sign256(body)})
		if err != nil {
			t.Fatal(err)
		}
		return status
	}
	if got := try(); got != 200 {
		t.Errorf("with the first alone: %d", got)
	}
	h.write(t, "geheim/b", secret)
	h.write(t, "geheim/a", "ein-neues-geheimnis-ebenfalls-lang")
	if got := try(); got != 200 {
		t.Errorf("during the change: %d", got)
	}
	if err := os.Remove(filepath.Join(h.dir, "geheim/b")); err != nil {
		t.Fatal(err)
	}
	if got := try(); got != 401 {
		t.Errorf("after the change: %d", got)
	}
	if err := os.Remove(filepath.Join(h.dir, "geheim/a")); err != nil {
		t.Fatal(err)
	}
	if got := try(); got != 503 {
		t.Errorf("without a secret: %d", got)
	}
}

func TestStyles(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	key := []byte(secret)
	mac := func(message string) []byte {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(message))
		return m.Sum(nil)
	}
	big := hmac.New(sha512.New, key)
	big.Write([]byte("1800000000." + body))
	std := "v1," + base64.StdEncoding.EncodeToString(mac("msg_1.1800000000."+body))
	standard := func(signature, id, timestamp string) http.Header {
		return http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {timestamp}, "Webhook-Signature": {signature}}
	}
	fit := func(timestamp string) http.Header {
		return http.Header{"Callback-Timestamp": {timestamp}, "Callback-Authentication": {hex.EncodeToString(big.Sum(nil))}}
	}
	twice := standard(std, "msg_1", "1800000000")
	twice["Webhook-Timestamp"] = []string{"1800000000", "1800000000"}
	for _, tc := range []struct {
		name, style string
		h           http.Header
		at          time.Time
		want        string
	}{
		{"standard", "standard-webhooks", standard(std, "msg_1", "1800000000"), now, ""},
		{"standard, one of several", "standard-webhooks", standard("v1,AAAA v1a,x "+std, "msg_1", "1800000000"), now, ""},
		{"standard, another id", "standard-webhooks", standard(std, "msg_2", "1800000000"), now, "signature-wrong"},
		{"standard, no id", "standard-webhooks", standard(std, "", "1800000000"), now, "signature-wrong"},
		{"standard, another time", "standard-webhooks", standard(std, "msg_1", "1800000001"), now, "signature-wrong"},
		{"standard, too late", "standard-webhooks", standard(std, "msg_1", "1800000000"), now.Add(301 * time.Second), "signature-stale"},
		{"standard, too early", "standard-webhooks", standard(std, "msg_1", "1800000000"), now.Add(-301 * time.Second), "signature-stale"},
		{"standard, just in time", "standard-webhooks", standard(std, "msg_1", "1800000000"), now.Add(300 * time.Second), ""},
		{"standard, a header twice", "standard-webhooks", twice, now, "signature-missing"},
		{"standard, too many", "standard-webhooks", standard(strings.Repeat("v1,AAAA ", 9)+std, "msg_1", "1800000000"), now, "signature-missing"},
		{"fit-connect", "fit-connect", fit("1800000000"), now, ""},
		{"fit-connect, another time", "fit-connect", fit("1800000002"), now, "signature-wrong"},
		{"fit-connect, too late", "fit-connect", fit("1800000000"), now.Add(time.Hour), "signature-stale"},
		{"fit-connect, no time", "fit-connect", http.Header{"Callback-Authentication": {"00"}}, now, "signature-missing"},
		{"github", "github", http.Header{"X-Hub-Signature-256": {sign256(body)}}, now.Add(time.Hour), ""},
	} {
		err := webhookin.Verify(tc.style, tc.h, []byte(body), tc.at, []byte("another-secret-of-16-bytes"), key)
		if got := fmt.Sprint(err); got != tc.want && (err != nil || tc.want != "") {
			t.Errorf("%s: %s, want %q", tc.name, got, tc.want)
		}
	}
}

// TestFITConnectVectors: the HMACs printed in FITKO's documentation.
func TestFITConnectVectors(t *testing.T) {
	raw, err := os.ReadFile(interop.Path(t, "data", "fit-connect", "samples", "docs-examples", "callback-hmac-vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var in struct{ Vectors []map[string]string }
	if err := json.Unmarshal(raw, &in); err != nil || len(in.Vectors) == 0 {
		t.Fatal("no vectors", err)
	}
	for i, v := range in.Vectors {
		seconds, err := strconv.ParseInt(v["callback-timestamp"], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		h := http.Header{"Callback-Timestamp": {v["callback-timestamp"]}, "Callback-Authentication": {v["callback-authentication"]}}
		at := time.Unix(seconds, 0)
		if err := webhookin.Verify("fit-connect", h, []byte(v["body"]), at, []byte(v["secret"])); err != nil {
			t.Errorf("vector %d: %v", i, err)
		}
		if err := webhookin.Verify("fit-connect", h, []byte(v["body"]+" "), at, []byte(v["secret"])); err == nil {
			t.Errorf("vector %d: another body passes", i)
		}
	}
}

// TestStandardWebhooksVector is the example of the specification's reference
// implementations.
func TestStandardWebhooksVector(t *testing.T) {
	key, err := webhookin.ParseSecret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n", "base64")
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{
		"Webhook-Id": {"msg_p5jXN8AQM9LWM0D4loKWxJek"}, "Webhook-Timestamp": {"1614265330"},
		"Webhook-Signature": {"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
	}
	if err := webhookin.Verify("standard-webhooks", h, []byte(`{"test": 2432232314}`), time.Unix(1614265330, 0), key); err != nil {
		t.Error(err)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	h := newHouse(t, "")
	h.write(t, "mappings/kopf.yaml", strings.Replace(mappingText, "{from: /nr}", "{meta: X-GitHub-Delivery}", 1))
	h.write(t, "mappings/liste.yaml", "format: csv\ntype: de.a.b.v1\ndata: {/a: b}\nbeispiele: [{input: x, refused: y}]\n")
	h.write(t, "mappings/falsch.yaml", strings.Replace(mappingText, "12.50", "13", 1))
	base := h.settings
	for more, want := range map[string]string{
		"":                           "secret-files",
		"secret-files: [a, b, c]\n":  "secret-files",
		"secret-files: [geheim/a]\n": "signature.header",
		"secret-files: [geheim/a]\nsignature: {style: gitlab}\n":                               "signature.style",
		"secret-files: [geheim/a]\nsignature: {style: github, farbe: rot}\n":                   "farbe",
		"secret-files: [geheim/a]\nsignature: {header: X-S, signed: \"{timestamp}.{body}\"}\n": "signature.signed",
		"secret-files: [geheim/a]\nsignature: {header: X-S, timestamp-header: X-T}\n":          "signature.signed",
		"secret-files: [geheim/fehlt]\nsignature: {style: github}\n":                           "secret-files",
		"secret-files: [geheim/a]\nsignature: {style: github}\ntls: {cert: a}\n":               "tls",
	} {
		h.settings = base + more
		if _, err := h.source(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", more, err, want)
		}
	}
	for from, to := range map[string]string{"m.yaml": "kopf.yaml", "mappings/m.yaml": "mappings/liste.yaml", "/m.yaml": "/falsch.yaml", "m.yaml]": "fehlt.yaml]", "127.0.0.1": "0.0.0.0"} {
		h.settings = strings.Replace(base+github, from, to, 1)
		if _, err := h.source(); err == nil {
			t.Errorf("%s instead of %s passes", to, from)
		}
		if _, err := webhookin.Kind().Check(h.env(), adaptertest.Settings(h.settings)); err == nil {
			t.Errorf("check: %s instead of %s passes", to, from)
		}
	}
	h.settings = base + github
	events, err := webhookin.Kind().Check(h.env(), adaptertest.Settings(h.settings))
	if err != nil || len(events) != 1 || events[0].Source() != "urn:test:a" {
		t.Errorf("check: %v %v", events, err)
	}
}

// FuzzVerify: no header makes verification fail otherwise than with one of its
// answers, and none but the right one passes.
func FuzzVerify(f *testing.F) {
	f.Add("v1,AAAA", "msg_1", "1800000000", body)
	f.Fuzz(func(t *testing.T, signature, id, timestamp, body string) {
		for style, names := range map[string][3]string{
			"standard-webhooks": {"Webhook-Signature", "Webhook-Id", "Webhook-Timestamp"},
			"fit-connect":       {"Callback-Authentication", "X", "Callback-Timestamp"},
			"github":            {"X-Hub-Signature-256", "X", "Y"},
		} {
			h := http.Header{names[0]: {signature}, names[1]: {id}, names[2]: {timestamp}}
			if err := webhookin.Verify(style, h, []byte(body), time.Unix(1_800_000_000, 0), []byte(secret)); err == nil {
				t.Fatal("passes without the secret")
			}
		}
	})
}

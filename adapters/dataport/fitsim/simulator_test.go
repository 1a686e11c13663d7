package fitsim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fitsim"
	"github.com/amtsbote/amtsbote/hub"
)

const destination = "d12caea8-f372-4eb1-b102-b0a228253a11"

// playing is a simulator that runs, with its directory.
type playing struct{ url, dir string }

func play(t *testing.T) playing {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	p := playing{"http://" + address, t.TempDir()}
	settings := adaptertest.Settings(fmt.Sprintf("{listen: '%s', poll: 1ms, bits: 2048, clients: {amt: {secret: geheim, zustellpunkte: [%s]}, dienst: {secret: geheim}, anderer: {secret: geheim}}, "+
		"zustellpunkte: {%s: {region: DE02}}}", address, destination, destination))
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan error, 1)
	env := hub.Env{Dir: p.dir, Federation: p.dir, Log: zap.NewNop()}
	go func() { end <- fitsim.Simulator().Run(ctx, env, settings) }()
	t.Cleanup(func() {
		cancel()
		if err := <-end; err != nil {
			t.Error(err)
		}
	})
	p.eventually(t, func() bool {
		c, err := net.Dial("tcp", address)
		return err == nil && c.Close() == nil
	})
	return p
}

func (p playing) eventually(t *testing.T, ready func() bool) {
	t.Helper()
	late := time.After(20 * time.Second)
	for !ready() {
		select {
		case <-late:
			t.Fatal("it did not come to that")
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// call makes a request and gives status and body.
func (p playing) call(t *testing.T, method, path, token, contentType, body string) (int, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", contentType)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.Body.Close() != nil {
		t.Fatal(err)
	}
	var out map[string]any
	_ = json.Unmarshal(raw, &out) // a list, or nothing, is not looked at
	return resp.StatusCode, out
}

func (p playing) token(t *testing.T, client string) string {
	t.Helper()
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {client}, "client_secret": {"geheim"}}
	status, out := p.call(t, http.MethodPost, "/token", "", "application/x-www-form-urlencoded", form.Encode())
	text, _ := out["access_token"].(string)
	if status != http.StatusOK || text == "" {
		t.Fatal(status, out)
	}
	return text
}

// TestSender goes the way of a sender: announce, attach, send; without cty it is
// refused.
func TestSender(t *testing.T) {
	t.Parallel()
	p := play(t)
	token := p.token(t, "dienst")
	const attachment = "654bf3b3-787d-4606-8913-efd769f69db7"
	raw, err := os.ReadFile(filepath.Join(p.dir, destination+".entschluesseln.jwk"))
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := fit.ReadJWK(raw)
	if err != nil {
		t.Fatal(err)
	}
	key, err := jwk.Public(fit.AlgRSAOAEP256, fit.OpUnwrap, 2048)
	if err != nil {
		t.Fatal(err)
	}
	seal := func(cty, plain string) string {
		compact, _, err := fit.Encrypt(key, cty, []byte(plain))
		if err != nil {
			t.Fatal(err)
		}
		return compact
	}
	status, out := p.call(t, http.MethodPost, "/submission-api/v2/submissions", token, "application/json",
		`{"destinationId":"`+destination+`","announcedAttachments":["`+attachment+`"],"publicService":{"identifier":"urn:de:fim:leika:leistung:99107001017000"}}`)
	submission, _ := out["submissionId"].(string)
	if status != http.StatusCreated || submission == "" {
		t.Fatal(status, out)
	}
	path := "/submission-api/v2/submissions/" + submission
	put := func(cty string) string {
		return fmt.Sprintf(`{"encryptedMetadata":%q,"encryptedData":%q}`, seal(cty, "{}"), seal(cty, "{}"))
	}
	for _, step := range []struct {
		path, contentType, body string
		want                    int
	}{
		{path, "application/json", put("application/json"), http.StatusUnprocessableEntity}, // the attachment is missing
		{path + "/attachments/" + destination, "application/jose", seal("", "x"), http.StatusNotFound},
		{path + "/attachments/" + attachment, "application/jose", "x", http.StatusUnprocessableEntity},
		{path + "/attachments/" + attachment, "application/jose", seal("application/pdf", "x"), http.StatusNoContent},
		{path, "application/json", put(""), http.StatusUnprocessableEntity}, // no cty
		{path, "application/json", put("application/json"), http.StatusOK},
		{path, "application/json", put("application/json"), http.StatusUnprocessableEntity}, // twice
	} {
		if status, out := p.call(t, http.MethodPut, step.path, token, step.contentType, step.body); status != step.want {
			t.Errorf("PUT %s: status %d, want %d: %v", step.path, status, step.want, out)
		}
	}
	p.strangers(t, out["caseId"], token)
	list := "/submission-api/v2/submissions?offset=0&limit=50&destinationId=" + destination
	if status, _ := p.call(t, http.MethodGet, list, token, "", ""); status != http.StatusForbidden {
		t.Errorf("a client that is not linked: status %d", status)
	}
	if status, _ := p.call(t, http.MethodGet, list, "fremd", "", ""); status != http.StatusUnauthorized {
		t.Errorf("a token that is none: status %d", status)
	}
	if status, out := p.call(t, http.MethodGet, list, p.token(t, "amt"), "", ""); status != http.StatusOK || out["totalCount"] != 1. {
		t.Errorf("status %d, %v", status, out)
	}
}

// strangers have no part in a case of another sender: they neither read nor add to it.
func (p playing) strangers(t *testing.T, theCase any, token string) {
	t.Helper()
	add := fmt.Sprintf(`{"destinationId":%q,"announcedAttachments":[],"caseId":%q}`, destination, theCase)
	for who, want := range map[string]int{p.token(t, "anderer"): http.StatusNotFound, token: http.StatusOK} {
		if status, _ := p.call(t, http.MethodGet, fmt.Sprintf("/submission-api/v2/cases/%s/events", theCase), who, "", ""); status != want {
			t.Errorf("read: status %d, want %d", status, want)
		}
		if want == http.StatusOK {
			want = http.StatusCreated
		}
		if status, _ := p.call(t, http.MethodPost, "/submission-api/v2/submissions", who, "application/json", add); status != want {
			t.Errorf("add: status %d, want %d", status, want)
		}
	}
}

// TestFolder: what lies in the citizen's folder is handed in, and what is none is
// refused with the reason.
func TestFolder(t *testing.T) {
	t.Parallel()
	p := play(t)
	for name, content := range map[string]string{
		"gut":      `{"zustellpunkt":"` + destination + `","daten":{"name":"Rex"}}`,
		"schlecht": `{"zustellpunkt":"` + destination[1:] + `"}`,
	} {
		dir := filepath.Join(p.dir, name)
		if err := os.Mkdir(dir, 0o750); err != nil {
			t.Fatal(err)
		}
		for file, text := range map[string]string{"antrag.json": content, "foto.png": "\x89PNG"} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		p.eventually(t, func() bool { return os.Rename(dir, filepath.Join(p.dir, "fit-connect", "antraege", name)) == nil })
	}
	there := func(elem ...string) func() bool {
		return func() bool {
			_, err := os.Stat(filepath.Join(append([]string{p.dir, "fit-connect"}, elem...)...))
			return err == nil
		}
	}
	p.eventually(t, there("eingereicht", "gut", "antrag.json"))
	p.eventually(t, there("abgelehnt", "schlecht", "fehler.txt"))
	status, out := p.call(t, http.MethodGet, "/submission-api/v2/submissions?offset=0&limit=50&destinationId="+destination, p.token(t, "amt"), "", "")
	if status != http.StatusOK || out["totalCount"] != 1. {
		t.Errorf("status %d, %v", status, out)
	}
}

// TestOrders: the citizen's command, and faults to order.
func TestOrders(t *testing.T) {
	t.Parallel()
	p := play(t)
	status, out := p.call(t, http.MethodPost, "/sim/antraege", "", "application/json", `{"zustellpunkt":"`+destination+`","daten":{"name":"Rex"}}`)
	if id, _ := out["submissionId"].(string); status != http.StatusCreated || !fit.IsUUID(id) {
		t.Errorf("status %d, %v", status, out)
	}
	for body, want := range map[string]int{
		`{"on":"list","do":"503"}`: http.StatusNoContent, `{"on":"list","do":"999"}`: http.StatusBadRequest, `{"on":"submit","do":"503"}`: http.StatusBadRequest, `x`: http.StatusBadRequest,
	} {
		if status, _ := p.call(t, http.MethodPost, "/sim/fehler", "", "application/json", body); status != want {
			t.Errorf("%s: status %d, want %d", body, status, want)
		}
	}
	list := "/submission-api/v2/submissions?offset=0&limit=50&destinationId=" + destination
	token := p.token(t, "amt")
	for _, want := range []int{http.StatusServiceUnavailable, http.StatusOK} {
		if status, _ := p.call(t, http.MethodGet, list, token, "", ""); status != want {
			t.Errorf("status %d, want %d", status, want)
		}
	}
	resp, err := http.Get(p.url + "/sim/stand")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.Body.Close() != nil || !bytes.Contains(raw, []byte(fit.SubmitSubmission)) {
		t.Errorf("%s, %v", raw, err)
	}
}

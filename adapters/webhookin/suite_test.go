package webhookin_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/webhookin"
	"github.com/amtsbote/amtsbote/hub"
)

func TestSource(t *testing.T) {
	adaptertest.Source(t, adaptertest.SourceCase{New: newOrigin})
}

const mappingText = `format: json
type: de.test.geschehen.v1
id: {from: /nr}
case: /vorgang
data:
  /betrag: {from: /betrag, as: number}
beispiele:
  - {input: mappings/gut.json, expect: {betrag: 12.50}}
`

const secret = "ein-geheimnis-mit-mehr-als-16-zeichen"

// house is the adapter's surroundings.
type house struct {
	dir, address, settings string
}

func newHouse(t testing.TB, more string) *house {
	t.Helper()
	h := &house{dir: t.TempDir(), address: freeAddress(t)}
	h.write(t, "mappings/m.yaml", mappingText)
	h.write(t, "mappings/gut.json", `{"nr":1,"vorgang":"A","betrag":12.50}`)
	h.write(t, "geheim/a", secret+"\n")
	h.settings = "listen: " + h.address + "\nsource: urn:test:a\nmappings: [mappings/m.yaml]\npath: /meldung\n" + more
	return h
}

const github = "secret-files: [geheim/a]\nsignature: {style: github}\nmax-bytes: 2000\n"

func (h *house) write(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(h.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (h *house) env() hub.Env {
	env := adaptertest.Env(h.dir)
	env.Federation = h.dir
	return env
}

func (h *house) source() (hub.Source, error) {
	return webhookin.Kind().Source(h.env(), adaptertest.Settings(h.settings))
}

func (h *house) url() string { return "http://" + h.address + "/meldung" }

// freeAddress is one that nothing listens on just now.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // a test's
	return l.Addr().String()
}

func sign256(body string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(m.Sum(nil))
}

// sender is a system that sends webhooks in order: again and again until one is
// taken, and a refused one it sets aside, with the reason that it was told.
type sender struct {
	house  *house
	client *http.Client
	mu     sync.Mutex
	queue  []message
	news   chan struct{}
	aside  []string
}

type message struct{ body, signature string }

func newOrigin(t testing.TB) adaptertest.Origin {
	t.Helper()
	s := &sender{house: newHouse(t, github), news: make(chan struct{}, 1), client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { s.run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	bad := func(name, body, signature string) adaptertest.Input {
		return adaptertest.Input{Name: name, Put: s.put(body, signature)}
	}
	signed := func(name, body string) adaptertest.Input { return bad(name, body, sign256(body)) }
	return adaptertest.Origin{
		Source: s.house.source, Input: s.input,
		SetAside: func() ([]string, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			return append([]string{}, s.aside...), nil
		},
		Bad: []adaptertest.Input{
			signed("no JSON", `{"nr":1`),
			signed("a name twice", `{"nr":1,"nr":2,"vorgang":"A","betrag":1}`),
			signed("a bad value", `{"nr":1,"vorgang":"A","betrag":"viel"}`),
			signed("nothing", ""),
			signed("too large", `{"nr":1,"vorgang":"A","betrag":1,"x":"`+strings.Repeat("x", 2000)+`"}`),
			bad("a wrong signature", `{"nr":1,"vorgang":"A","betrag":1}`, sign256("something else")),
			bad("no signature", `{"nr":1,"vorgang":"A","betrag":1}`, ""),
		},
	}
}

func (s *sender) put(body, signature string) func() error {
	return func() error {
		s.mu.Lock()
		s.queue = append(s.queue, message{body, signature})
		s.mu.Unlock()
		select {
		case s.news <- struct{}{}:
		default:
		}
		return nil
	}
}

func (s *sender) input(n int) adaptertest.Input {
	body := fmt.Sprintf(`{"nr":%d,"vorgang":"A-%d","betrag":12.50}`, 1000+n, n)
	id := webhookin.EventID("urn:test:a", "de.test.geschehen.v1", fmt.Sprint(1000+n))
	return adaptertest.Input{Put: s.put(body, sign256(body)), Want: []adaptertest.Want{{
		EventRef: hub.EventRef{Source: "urn:test:a", ID: id, Type: "de.test.geschehen.v1"},
		Check: func(e hub.Event) error {
			if string(e.Data()) != `{"betrag":12.50}` {
				return fmt.Errorf("data %s", e.Data())
			}
			return nil
		},
	}}}
}

func (s *sender) run(ctx context.Context) {
	for ctx.Err() == nil {
		s.mu.Lock()
		waiting := len(s.queue) > 0
		s.mu.Unlock()
		if waiting && s.send(ctx) {
			continue
		}
		select {
		case <-ctx.Done():
		case <-s.news:
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// send tries the first message and tells whether it is settled.
func (s *sender) send(ctx context.Context) bool {
	s.mu.Lock()
	m := s.queue[0]
	s.mu.Unlock()
	status, code, err := post(ctx, s.client, s.house.url(), m.body, map[string]string{"X-Hub-Signature-256": m.signature})
	if err != nil || status >= 500 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = s.queue[1:]
	if status >= 300 {
		s.aside = append(s.aside, fmt.Sprintf("%d %s", status, code))
	}
	return true
}

func post(ctx context.Context, client *http.Client, url, body string, headers map[string]string) (status int, code string, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader([]byte(body)))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	for name, value := range headers {
		if value == "" {
			r.Header.Del(name)
			continue
		}
		r.Header.Set(name, value)
	}
	resp, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	var answer struct {
		Code string `json:"code"`
		ID   string `json:"id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return resp.StatusCode, "", nil //nolint:nilerr // the status says enough
	}
	return resp.StatusCode, answer.Code + answer.ID, nil
}

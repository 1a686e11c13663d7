package zmssim_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
	"github.com/amtsbote/amtsbote/adapters/zms/zmssim"
)

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// The whole simulator: processes from a file, orders over HTTP, and the calls of
// zms/zmsbackend-swagger.json.
func TestSimulator(t *testing.T) {
	env := adaptertest.Env(t.TempDir())
	env.Federation = env.Dir
	begin := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	content := fmt.Sprintf(`{"termine":[{"id":"100001","status":"confirmed","appointments":[{"date":%d,"scope":{"id":"58"}}]}],"frei":[{"scope":"58","beginn":%d}]}`, begin.Unix(), begin.Unix())
	if err := os.WriteFile(filepath.Join(env.Dir, "termine.json"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	address := freeAddress(t)
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() {
		end <- zmssim.Simulator().Run(ctx, env, adaptertest.Settings(fmt.Sprintf("{listen: '%s', termine: termine.json}", address)))
	}()
	base := "http://" + address
	waitFor(t, end, func() bool {
		status, _ := ask(t, "GET", base+zmssim.BasePath+"/process/100001/", "")
		return status == 200
	})
	for _, c := range []struct {
		method, path, body string
		status             int
		contains           string
	}{
		{"GET", zmssim.BasePath + "/scope/58/process/2026-12-01/", "", 200, `"0":{"appointments"`},
		{"GET", zmssim.BasePath + "/scope/58/process/2026-12-02/", "", 200, `"data":[]`},
		{"GET", zmssim.BasePath + "/scope/58/process/status/confirmed/", "", 200, "100001"},
		{"GET", zmssim.BasePath + "/process/7/", "", 404, `"error":true`},
		{"POST", zmssim.BasePath + "/process/status/free/", `{"firstDay":{"year":2026,"month":12,"day":1},"lastDay":{"year":2026,"month":12,"day":1},"scopes":[{"id":"58"}]}`, 200, `"status":"free"`},
		{"POST", zmssim.BasePath + "/process/status/free/", `{}`, 400, ""},
		{"POST", zmssim.BasePath + "/process/status/reserved/", `{}`, 400, ""},
		{"POST", zmssim.BasePath + "/process/status/confirmed/", `{"id":"100001"}`, 404, ""},
		{"DELETE", zmssim.BasePath + "/process/100001/", "", 200, `"deleted"`},
		{"POST", "/sim/termine", `{"id":"100002","status":"reserved"}`, 204, ""},
		{"POST", "/sim/termine", `{}`, 400, ""},
		{"POST", "/sim/weg", `{"id":"100002"}`, 204, ""},
		{"POST", "/sim/weg", `{"id":"100002"}`, 400, ""},
		{"POST", "/sim/frei", `{"scope":"58","beginn":1}`, 204, ""},
		{"POST", "/sim/fehler", `{"art":"nie"}`, 400, ""},
		{"POST", "/sim/fehler", `{"art":"503","nach":7}`, 204, ""},
		{"GET", zmssim.BasePath + "/process/100001/", "", 503, ""},
		{"GET", zmssim.BasePath + "/process/100001/", "", 200, "100001"},
	} {
		status, body := ask(t, c.method, base+c.path, c.body)
		if status != c.status || !strings.Contains(body, c.contains) {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, status, body)
		}
	}
	cancel()
	if err := <-end; err != nil {
		t.Error(err)
	}
}

func ask(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, ""
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	return res.StatusCode, string(raw)
}

func waitFor(t *testing.T, end <-chan error, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(2 * time.Minute)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case err := <-end:
			t.Fatal("the simulator ended: ", err)
		case <-deadline.C:
			t.Fatal("not within two minutes")
		case <-tick.C:
		}
	}
}

// What is recorded of ZMS has the form that the simulator gives: the same kinds of
// values under meta, and a process with these keys (fixture-GET_appointments_free.json).
func TestFormAsRecorded(t *testing.T) {
	raw, err := os.ReadFile(interop.Path(t, "data", "city", "zms", "fixture-GET_appointments_free.json"))
	if err != nil {
		t.Fatal(err)
	}
	s := zmssim.New()
	s.Offer(zmssim.Slot{Scope: "58", Anbieter: "10546", Beginn: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC).Unix()})
	rec := newRecorder(s, "POST", zmssim.BasePath+"/process/status/free/", `{"firstDay":{"year":2026,"month":12,"day":1},"lastDay":{"year":2026,"month":12,"day":1},"scopes":[{"id":"58"}]}`)
	recorded, played := decoded(t, raw), decoded(t, []byte(rec))
	for _, path := range [][]string{
		{"meta", "error"},
		{"data", "0", "id"},
		{"data", "0", "status"},
		{"data", "0", "authKey"},
		{"data", "0", "scope", "id"},
		{"data", "0", "scope", "source"},
		{"data", "0", "appointments"},
	} {
		if want, got := fmt.Sprintf("%T", at(recorded, path)), fmt.Sprintf("%T", at(played, path)); want != got {
			t.Errorf("%v: recorded %s, played %s", path, want, got)
		}
	}
}

func decoded(t *testing.T, raw []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func at(v any, path []string) any {
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

func TestSettings(t *testing.T) {
	for _, c := range []struct{ yaml, want string }{
		{"{listen: '0.0.0.0:8097'}", "listen"}, {"{form: xml}", "form"}, {"{name: n}", "passwort"}, {"{termine: fehlt.json}", "termine"},
	} {
		if err := zmssim.Simulator().Run(t.Context(), adaptertest.Env(t.TempDir()), adaptertest.Settings(c.yaml)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.yaml, err)
		}
	}
}

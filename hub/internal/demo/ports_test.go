package demo_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/demo"
)

// TestOwnPorts: a port gets the same new one in all files, also where it stands without
// its address; all else that looks like one stays.
func TestOwnPorts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	files := map[string]string{
		"federation.yaml":   "settings: {listen: \"127.0.0.1:8491\", kafka-port: 9195, tag: 9999}\n# 8491\n",
		"adapters/ein.yaml": "url: http://127.0.0.1:8491/token\nbrokers: [\"127.0.0.1:9195\"]\nzustellpunkt: 6f1d7a1e-8491-4f0a-9d52-8f0b9b6c2a01\nag: '09198491'\n",
		"faelle/fall.json":  `{"port": "127.0.0.1:8491"}`,
	}
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := demo.OwnPorts(dir); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	m := regexp.MustCompile(`^settings: \{listen: "127\.0\.0\.1:([0-9]+)", kafka-port: ([0-9]+), tag: 9999\}\n# 8491\n$`).FindStringSubmatch(read("federation.yaml"))
	if m == nil || m[1] == "8491" || m[2] == "9195" || m[1] == m[2] {
		t.Fatalf("federation.yaml has %v: %s", m, read("federation.yaml"))
	}
	for _, port := range m[1:] {
		if n, err := strconv.Atoi(port); err != nil || n >= 32768 {
			t.Errorf("port %s may be taken by an outgoing connection", port)
		}
	}
	want := "url: http://127.0.0.1:" + m[1] + "/token\nbrokers: [\"127.0.0.1:" + m[2] + "\"]\nzustellpunkt: 6f1d7a1e-8491-4f0a-9d52-8f0b9b6c2a01\nag: '09198491'\n"
	if got := read("adapters/ein.yaml"); got != want {
		t.Errorf("the adapter has\n%s", got)
	}
	if got := read("faelle/fall.json"); got != files["faelle/fall.json"] {
		t.Errorf("the case has %s", got)
	}
}

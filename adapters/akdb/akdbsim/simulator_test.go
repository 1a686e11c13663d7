package akdbsim

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
)

func free(t *testing.T) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port //nolint:errcheck,forcetypeassert // a TCP listener
}

// TestAll: one command plays the four on their addresses, and stops.
func TestAll(t *testing.T) {
	xta, okkomm, ewo, kafka, verkehr := free(t), free(t), free(t), free(t), free(t)
	set := adaptertest.Settings(fmt.Sprintf(`
xta: {listen: "127.0.0.1:%d", dir: boxes, accounts: {"ags:09162000": {common-name: lhm}}}
okkomm: {listen: "127.0.0.1:%d"}
okewo: {listen: "127.0.0.1:%d", kafka-port: %d}
okverkehr: {listen: "127.0.0.1:%d"}
`, xta, okkomm, ewo, kafka, verkehr))
	dir := t.TempDir()
	t.Chdir(dir)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- Simulator().Run(ctx, adaptertest.Env(dir), set) }()
	for _, port := range []int{xta, okkomm, ewo, verkehr} {
		await(t, done, func() bool {
			resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/", port)) //nolint:noctx // a test's own server
			if err == nil {
				_ = resp.Body.Close()
			}
			return err == nil
		})
	}
	await(t, done, func() bool {
		nc, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", kafka))
		if err == nil {
			_ = nc.Close()
		}
		return err == nil
	})
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func await(t *testing.T, done <-chan error, ok func() bool) {
	t.Helper()
	for limit := time.After(time.Minute); !ok(); {
		select {
		case err := <-done:
			t.Fatalf("ended: %v", err)
		case <-limit:
			t.Fatal("does not play")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// TestSettings: mistakes are named with the part that they are of.
func TestSettings(t *testing.T) {
	for _, c := range [][2]string{
		{"spielt: [osci]", "spielt"},
		{"spielt: [okkomm, okkomm]", "twice"},
		{"spielt: [okkomm]\nokkomm: {listen: \"0.0.0.0:1\"}", "okkomm.listen"},
		{"spielt: [xta]", "xta.dir"},
		{"spielt: [okverkehr]\nokverkehr: {fahrzeuge: fehlt.json}", "okverkehr.fahrzeuge"},
		{"osci: {}", "osci"},
	} {
		err := Simulator().Run(t.Context(), adaptertest.Env(t.TempDir()), adaptertest.Settings(c[0]))
		if err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%q: %v", c[0], err)
		}
	}
}

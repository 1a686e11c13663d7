package okkommsim_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/akdb/okkomm"
	"github.com/amtsbote/amtsbote/adapters/akdb/okkommsim"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
)

// The whole simulator: what was laid out over HTTP is fetched once from
// KomService (komservice-soap-request.xml), and twice when that is ordered.
func TestSimulator(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	end := make(chan error, 1)
	go func() {
		end <- okkommsim.Simulator().Run(ctx, adaptertest.Env(t.TempDir()), adaptertest.Settings(fmt.Sprintf("{listen: '%s'}", address)))
	}()
	kom, err := eai.Config{URL: "http://" + address + "/services/KomService", Frist: 5 * time.Second}.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(kom.Close)
	c := &okkomm.Client{EAI: kom}
	fetch := func() int {
		a, err := c.Call(t.Context(), okkomm.Anfrage{Verfahren: "EWO", Typ: "WEBWAHLSCHEIN", Ausfuehrung: "ABRUFEN"})
		if err != nil {
			return -1
		}
		return len(a.Inhalte)
	}
	deadline := time.Now().Add(2 * time.Minute)
	for fetch() != 0 {
		select {
		case err := <-end:
			t.Fatal("the simulator ended: ", err)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatal("not within two minutes")
		}
	}
	order := func(name, body string, want int) {
		res, err := http.Post("http://"+address+"/sim/"+name, "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	order("auslegen", "<brief/>", 204)
	order("fehler", `{"art":"doppelt"}`, 204)
	order("fehler", `{"art":"nie"}`, 400)
	if n := []int{fetch(), fetch(), fetch()}; n[0] != 1 || n[1] != 1 || n[2] != 0 {
		t.Errorf("fetched %v", n)
	}
	cancel()
	if err := <-end; err != nil {
		t.Error(err)
	}
}

func TestLoopbackOnly(t *testing.T) {
	err := okkommsim.Simulator().Run(t.Context(), adaptertest.Env(t.TempDir()), adaptertest.Settings("{listen: '0.0.0.0:8380'}"))
	if err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Error(err)
	}
}

package app_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/token"
)

// TestHTTPOnAnExternalServer: tokens lie in the NATS server, so that a hub with another
// data directory knows them.
func TestHTTPOnAnExternalServer(t *testing.T) {
	s := externalServer(t, nil)
	defer stopServer(s)
	ext := &bus.External{URL: "nats://hub:secret@" + s.Addr().String()}
	dir := t.TempDir()
	hubtest.WriteFederation(t, dir)
	var got app.TokenAnswer
	for i, code := range []string{"", "DUPLICATE"} {
		w := newWatch()
		a := startApp(t, app.Config{Directory: dir, Data: filepath.Join(t.TempDir(), "data"), External: ext, Monitor: monitor(s), Observer: w, HTTP: &app.HTTP{Listen: "127.0.0.1:0"}})
		if i == 0 {
			must(t, app.Ask(t.Context(), "", ext, app.VerbToken, app.TokenRequest{Do: app.TokenIssue, Application: "alpha.app", Lifetime: token.DefaultLifetime, Who: "test"}, &got))
		}
		k := &asker{app: a, host: strings.TrimPrefix(a.HTTPURL(), "http://"), token: got.Secret}
		k.event(t, thing("1", `{"n":1}`)).want(t, "an event", http.StatusAccepted, code)
		if i == 0 {
			w.expect(t, 1, 0) // the other hub's index has it from the trail
		}
		stopApp(t, a)
	}
}

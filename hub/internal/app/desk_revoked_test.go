package app_test

import (
	"errors"
	"net/http"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/httpapi"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// revoked lets in once.
type revoked struct {
	named
	asked atomic.Int32
}

// Authenticate implements httpapi.Authenticator.
func (r *revoked) Authenticate(req *http.Request, fed *federation.Federation) (*httpapi.Principal, error) {
	if r.asked.Add(1) > 1 {
		return nil, errors.New("the token is revoked")
	}
	return r.named.Authenticate(req, fed)
}

// TestRevokedWhileItWaits: nothing is handed to who may not have it any more; it is
// there for the next.
func TestRevokedWhileItWaits(t *testing.T) {
	dir, w := t.TempDir(), newWatch()
	hubtest.WriteFederation(t, dir)
	edit(t, dir, "organisations/beta.yaml", "mailbox: {mode: nats}", "mailbox: {mode: http}")
	a := startApp(t, app.Config{Directory: dir, Data: filepath.Join(t.TempDir(), "data"), Observer: w, Listen: "127.0.0.1:0"})
	t.Cleanup(func() { stopApp(t, a) })
	_, publish := local(t, a)
	publish("in.alpha.app."+hubtest.Ding, keyed("a", "k"))
	w.expect(t, 1, 0)
	if status := newDeskFor(t, a, &revoked{}).ask("/mailboxes/beta.one/lease", `{"wait":20,"lease":3600}`, nil); status != http.StatusUnauthorized {
		t.Errorf("answered %d", status)
	}
	if got := newDesk(t, a).lease(1, 20, 60); len(got) != 1 {
		t.Errorf("the next got %v", got)
	}
}

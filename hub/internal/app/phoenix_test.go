package app_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/phoenix/phoenixsim"
	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// TestWorkplace: an office of the story is told at its workplace, also of what waited
// for a digest when the hub was stopped.
func TestWorkplace(t *testing.T) {
	cloud := phoenixsim.New(phoenixsim.Options{Admin: "amtsbote", Password: "geheim", Users: []string{"abfall"}})
	defer cloud.Stop()
	web := httptest.NewServer(cloud)
	defer web.Close()
	dir, data, w := story(t), filepath.Join(t.TempDir(), "data"), newWatch()
	must(t, os.WriteFile(filepath.Join(dir, "passwort"), []byte("geheim"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "adapters", "abfall.yaml"), fmt.Appendf(nil,
		"application: lhm.abfall\nkind: nextcloud\nsettings:\n  url: %s\n  admin: amtsbote\n  passwort: passwort\n  benutzer: [abfall]\n  sammeln: 1ms\n", web.URL), 0o600))
	waits := filepath.Join(data, "phoenix", "abfall", "wartet")
	must(t, os.MkdirAll(waits, 0o700))
	must(t, os.WriteFile(filepath.Join(waits, "0123456789abcdef"), []byte(`{"type": "de.test.vorher.v1", "referenz": "r"}`), 0o600))
	a := startApp(t, app.Config{Directory: dir, Data: data, Observer: w})
	defer func() { stopApp(t, a) }()
	toldOf(t, cloud, "Amtsbote: vorher (test)") // before more comes, or both become one digest
	handIn(t, dir, data)
	toldOf(t, cloud, "Amtsbote: vorher (test)", "Amtsbote: wohnung angemeldet (meldewesen)")
}

func toldOf(t *testing.T, cloud *phoenixsim.Server, want ...string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ; <-tick.C {
		var got []string
		for _, n := range cloud.Notifications() {
			got = append(got, n.Short)
		}
		slices.Sort(got)
		if slices.Equal(got, want) {
			return
		}
		if time.Since(began) > hubtest.Patience {
			t.Fatalf("people were told %q, want %q", got, want)
		}
	}
}

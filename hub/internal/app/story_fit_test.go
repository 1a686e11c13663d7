package app_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fitsim"
	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/demo"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// TestStoryOverFITConnect: the story as people run it. What the portal submits reaches
// the register as XMeld, its answers belong to the same case, each office has exactly the
// fields of its agreement, and FIT-Connect has both submissions accepted. The same
// applications, submitted anew, are the same matter for the register: nothing is told
// twice.
func TestStoryOverFITConnect(t *testing.T) {
	dir, data, w := wholeStory(t), filepath.Join(t.TempDir(), "data"), newWatch()
	must(t, demo.OwnPorts(dir))
	cfg := app.Config{Directory: dir, Data: data, Observer: w}
	a := startApp(t, cfg)
	defer func() { stopApp(t, a) }()
	ds, _ := w.expect(t, 5, 12) // with a receipt each
	inTwoCases(t, ds, hub.Routed, hub.Routed)
	checkMailboxes(t, data)
	bothAccepted(t, dir)

	stopApp(t, a)
	a = startApp(t, cfg)
	ds, _ = w.expect(t, 5, 4) // to the register, with a receipt each
	inTwoCases(t, ds, hub.Routed, hub.Suppressed)
	checkMailboxes(t, data)
	bothAccepted(t, dir)
}

// inTwoCases looks at the applications and at what the register says of them.
func inTwoCases(t *testing.T, ds []*decision.Decision, applications, answers hub.Outcome) {
	t.Helper()
	cases := map[string]int{}
	for _, d := range ds {
		cases[d.Case]++
		want := answers
		if d.Application == "dataport.wohnsitzanmeldung" {
			want = applications
		}
		if d.Outcome != want {
			t.Errorf("%s of %s is %s (%s), want %s", d.Type, d.Application, d.Outcome, d.Code, want)
		}
	}
	if cases["5f0c2c1e-7f3b-4a57-9d0e-6b1d2f8a4c11"] != 3 || cases["5f0c2c1e-7f3b-4a57-9d0e-6b1d2f8a4c12"] != 2 {
		t.Errorf("the cases have %v events", cases)
	}
}

// bothAccepted asks the simulated service until it has nothing left.
func bothAccepted(t *testing.T, dir string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "federation.yaml"))
	must(t, err)
	listen := regexp.MustCompile(`listen: (\S+)`).FindSubmatch(raw)
	if listen == nil {
		t.Fatal("federation.yaml does not say where FIT-Connect listens")
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for began := time.Now(); ; <-tick.C {
		var all []fitsim.State
		answer, err := http.Get("http://" + string(listen[1]) + "/sim/stand")
		must(t, err)
		must(t, json.NewDecoder(answer.Body).Decode(&all))
		must(t, answer.Body.Close())
		if len(all) != 2 {
			t.Fatalf("%d submissions", len(all))
		}
		if all[0].Ended == fit.AcceptSubmission && all[1].Ended == fit.AcceptSubmission {
			return
		}
		if time.Since(began) > hubtest.Patience {
			t.Fatalf("the submissions are %+v", all)
		}
	}
}

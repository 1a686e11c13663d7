package dropfolder

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"pgregory.net/rapid"

	"github.com/amtsbote/amtsbote/hub"
)

// TestNoFileIsEverLost drops files of all kinds, with names that collide, and
// stops and starts the folder at every point: each content must be in exactly
// one place at the end, and each must have been handled.
func TestNoFileIsEverLost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		runs := rapid.SliceOfN(rapid.Custom(drawRun), 1, 4).Draw(rt, "runs")
		var problems []string
		synctest.Test(t, func(t *testing.T) { problems = play(t, runs) })
		if len(problems) > 0 {
			rt.Fatal(strings.Join(problems, "\n"))
		}
	})
}

// run is what happens between one start of the folder and the next.
type run struct {
	Drops    []drop
	Failures int // retryable faults
	StopAt   int // handled files until the run is stopped; 0 never
}

type drop struct {
	Name    string
	Refused bool
}

func drawRun(rt *rapid.T) run {
	return run{
		Drops: rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) drop {
			return drop{
				Name:    rapid.SampledFrom([]string{"a.xml", "b.xml", "c.xml"}).Draw(rt, "name"),
				Refused: rapid.Bool().Draw(rt, "refused"),
			}
		}), 0, 3).Draw(rt, "drops"),
		Failures: rapid.IntRange(0, 3).Draw(rt, "failures"),
		StopAt:   rapid.IntRange(0, 3).Draw(rt, "stop at"),
	}
}

// dropping is the handler's side of the game.
type dropping struct {
	run
	dropped []string // contents, in order
	handled []string
	refused map[string]bool
	stop    context.CancelFunc
}

func play(t *testing.T, runs []run) []string {
	t.Helper()
	f := open(t)
	d := &dropping{refused: map[string]bool{}}
	for _, r := range append(runs, run{}) {
		f = reopen(t, f.cfg, ".xml")
		d.run = r
		d.drop(t, f)
		var ctx context.Context
		ctx, d.stop = context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, d.stop)
		if err := f.Watch(ctx, d.handle); err != nil {
			t.Error(err)
		}
	}
	return d.check(tree(t, f.cfg.Dir))
}

func (d *dropping) drop(t *testing.T, f *Folder) {
	t.Helper()
	for _, next := range d.Drops {
		if _, waits := tree(t, f.path("in"))[next.Name]; waits {
			continue
		}
		content := fmt.Sprint(len(d.dropped))
		f.drop(t, next.Name, content)
		d.dropped = append(d.dropped, content)
		d.refused[content] = next.Refused
	}
}

func (d *dropping) handle(_ context.Context, file File) error {
	b, err := file.Bytes()
	if err != nil {
		return err
	}
	if d.StopAt > 0 {
		if d.StopAt--; d.StopAt == 0 {
			d.stop()
		}
	}
	if d.Failures > 0 {
		d.Failures--
		return errors.New("not now")
	}
	if !slices.Contains(d.handled, string(b)) {
		d.handled = append(d.handled, string(b))
	}
	if d.refused[string(b)] {
		return hub.Permanent("refused", "by draw")
	}
	return nil
}

func (d *dropping) check(files map[string]string) (problems []string) {
	settled := 0
	for path, content := range files {
		switch {
		case strings.HasSuffix(path, reportSuffix):
		case strings.HasPrefix(path, "done/") && !d.refused[content],
			strings.HasPrefix(path, "error/") && d.refused[content]:
			settled++
		default:
			problems = append(problems, fmt.Sprintf("%s (content %s) is in the wrong place", path, content))
		}
	}
	if settled != len(d.dropped) {
		problems = append(problems, fmt.Sprintf("%d settled of %d dropped", settled, len(d.dropped)))
	}
	if len(d.handled) != len(d.dropped) {
		problems = append(problems, fmt.Sprintf("handled %v of %v", d.handled, d.dropped))
	}
	return problems
}

func TestOpenFailsWhereItCannotMakeDirectories(t *testing.T) {
	cfg := Defaults()
	cfg.Dir = put(t, t.TempDir()+"/file", "")
	if _, err := Open(cfg, []string{".xml"}, zap.NewNop()); err == nil {
		t.Error("Open below a file")
	}
}

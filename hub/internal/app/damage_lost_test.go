package app_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// forgottenAcknowledgements: a mailbox that has lost its state hands out
// nothing again that was acknowledged.
func (s *stock) forgottenAcknowledgements(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, dir string){
		"state lost":       func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "o.dat")) },
		"state damaged":    func(t *testing.T, dir string) { flip(t, filepath.Join(dir, "o.dat"), 0.5) },
		"settings lost":    func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "meta.inf")) },
		"settings damaged": func(t *testing.T, dir string) { flip(t, filepath.Join(dir, "meta.inf"), 0.5) },
		"settings emptied": func(t *testing.T, dir string) { // at which the server ends the process
			if err := os.Truncate(filepath.Join(dir, "meta.inf"), 0); err != nil {
				t.Fatal(err)
			}
		},
		"state cut": func(t *testing.T, dir string) { // the same
			if err := os.Truncate(filepath.Join(dir, "o.dat"), 18); err != nil {
				t.Fatal(err)
			}
		},
		"key cut": func(t *testing.T, dir string) {
			if err := os.Truncate(filepath.Join(dir, "meta.key"), 23); err != nil {
				t.Fatal(err)
			}
		},
		"mailbox lost": func(t *testing.T, dir string) { remove(t, dir) },
	} {
		t.Run(name, func(t *testing.T) {
			data := s.copy(t)
			damage(t, filepath.Join(streamDir(data, bus.Out), "obs", "beta_one"))
			s.check(t, data, bus.Out) // looks at what beta.one gets first
		})
	}
}

// lostForGood: event and copies are gone together. The hub names them and
// does not start before somebody has taken note; then it goes on.
func (s *stock) lostForGood(t *testing.T) {
	data := s.copy(t)
	remove(t, streamDir(data, bus.Out))
	remove(t, blockFiles(t, streamDir(data, "EDGE_alpha"))[0])
	gone := s.missing(t, data)

	a, err := s.try(t, data)
	damage, ok := errors.AsType[*app.DamageError](err)
	if !ok {
		stopApp(t, a)
		t.Fatalf("the hub starts: %v", err)
	}
	named := map[string]int{}
	for _, l := range damage.Report.Lost() {
		named[l.ID]++
	}
	for id, n := range gone {
		if named[id] != n {
			t.Fatalf("%s lost %d copies, %d are named", id, n, named[id])
		}
	}
	if len(named) != len(gone) || len(gone) == 0 {
		t.Errorf("%d events are named, want %d", len(named), len(gone))
	}
	if _, err := s.try(t, data); !errors.As(err, &damage) {
		t.Fatalf("the next start: %v", err)
	}
	if _, err := app.AcceptDamage(data, "tester", "sent again by alpha"); err != nil {
		t.Fatal(err)
	}
	a = s.start(t, data)
	is := contents(t, a.Bus())
	copies := map[string]int{} // by delivery id
	for _, m := range is[bus.Out] {
		if !strings.Contains(m, ".cursor.") {
			copies[strings.Fields(m)[1]]++
		}
	}
	for id, n := range copies {
		if n != 1 {
			t.Errorf("%d copies of %s", n, id)
		}
	}
	if want := 2*damageRouted - damageTaken - len(damage.Report.Lost()); len(copies) != want {
		t.Errorf("%d copies were put back, want %d", len(copies), want)
	}
	s.goesOn(t, a, is)
	found := 0
	for _, m := range is[bus.Trail] {
		if strings.HasPrefix(m, "trail.damage.OUT") && strings.Contains(m, `"reason":"sent again by alpha"`) {
			found++
		}
	}
	if found == 0 {
		t.Error("nothing of it is in the trail")
	}
	stopApp(t, a)
	if _, err := app.AcceptDamage(data, "tester", "again"); err == nil {
		t.Error("there is nothing to take note of any more")
	}
}

// missing counts by event id the copies that cannot be made again: their event is
// gone, and they were not acknowledged.
func (s *stock) missing(t *testing.T, data string) map[string]int {
	t.Helper()
	is := dump(t, data)
	gone := map[string]int{}
	for seq, m := range s.holds["EDGE_alpha"] {
		if _, there := is["EDGE_alpha"][seq]; there || !strings.Contains(m, hubtest.Ding) {
			continue
		}
		n := 2
		if seq <= damageTaken {
			n = 1
		}
		gone[fmt.Sprintf("%s-%d", hubtest.Ding, seq-1)] = n
	}
	return gone
}

// withoutLedger: a hub whose ledger is gone, or is damaged itself,
// begins it anew and goes on.
func (s *stock) withoutLedger(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, dir string){
		"all lost": func(t *testing.T, dir string) { remove(t, dir) },
		"key lost": func(t *testing.T, dir string) {
			remove(t, filepath.Join(dir, "key"))
			remove(t, filepath.Join(dir, "key.spare"))
		},
		"bit flip": func(t *testing.T, dir string) {
			list, err := filepath.Glob(filepath.Join(dir, "books", bus.Out, "*.led"))
			if err != nil || len(list) == 0 {
				t.Fatal(list, err)
			}
			flip(t, list[0], 0.5)
		},
		"book lost":  func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "books", bus.Trail)) },
		"notes lost": func(t *testing.T, dir string) { remove(t, filepath.Join(dir, "books", bus.Quarantine, "notes")) },
	} {
		t.Run(name, func(t *testing.T) {
			data := s.copy(t)
			damage(t, filepath.Join(data, "ledger"))
			a := s.start(t, data)
			stopApp(t, a)
			remove(t, blockFiles(t, streamDir(data, bus.Out))[0]) // the new one knows what there was
			a = s.start(t, data)
			defer stopApp(t, a)
			l, err := app.ReadLedger(data)
			if err != nil || !l.Compared.Damaged() || len(l.Compared.Lost()) > 0 {
				t.Fatalf("%d losses, %d for good: %v", len(l.Compared.Losses), len(l.Compared.Lost()), err)
			}
			s.exact(t, contents(t, a.Bus()), bus.Out, l.Compared)
		})
	}
}

// oldPart: of a long trail only the newest records are compared before the hub
// starts. What is damaged before them is found while it is at work, and put back
// by the next start; a block that is gone is missed at once.
func (s *stock) oldPart(t *testing.T) {
	quick := *s
	quick.quick = 10 // each may hold 250 records
	t.Run("bit flip", func(t *testing.T) {
		data := quick.copy(t)
		flip(t, blockFiles(t, streamDir(data, bus.Trail))[0], 0.3)
		a := quick.start(t, data)
		found := filepath.Join(data, "ledger", "compare-whole")
		waitUntil(t, "the damage to be found", func() bool {
			_, err := os.Stat(found)
			return err == nil
		})
		if l, err := app.ReadLedger(data); err != nil || l.Compared.Damaged() {
			t.Fatalf("it was found at the start already: %v", err)
		}
		stopApp(t, a)
		quick.check(t, data, bus.Trail)
		if _, err := os.Stat(found); err == nil {
			t.Error("the start after it compares everything too")
		}
	})
	t.Run("block lost", func(t *testing.T) {
		data := quick.copy(t)
		remove(t, blockFiles(t, streamDir(data, bus.Trail))[0])
		quick.check(t, data, bus.Trail)
	})
}

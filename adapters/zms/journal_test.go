package zms_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
)

// A power failure leaves half a line: what was in it was never told. A line damaged
// in the middle is no such thing, and nothing is guessed.
func TestJournalAfterACrash(t *testing.T) {
	o, in, begin := newOffice(t), adaptertest.NewIntake(), tomorrow()
	o.put(t, process(1, "confirmed", 1, begin))
	stop := o.running(t, in, nil)
	told(t, in, "gebucht")
	stop()
	path := filepath.Join(o.dir, "zms", "bestand", "bestand.jsonl")
	whole := o.journal(t)
	o.rewrite(t, path, whole+`{"stand":[{"vorgangsnummer":"100002","sta`)
	o.put(t, process(2, "confirmed", 1, begin))
	stop = o.running(t, in, nil)
	told(t, in, "gebucht", "gebucht")
	stop()
	o.rewrite(t, path, "{\"stand\"\n"+o.journal(t))
	src, err := o.source()
	if err != nil {
		t.Fatal(err)
	}
	if err := src.Run(t.Context(), in); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Error(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
}

func (o *office) rewrite(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// The journal was lost: everything is told once more, as the same events, which the
// hub knows for repetitions.
func TestJournalLost(t *testing.T) {
	o, in, begin := newOffice(t), adaptertest.NewIntake(), tomorrow()
	o.put(t, process(1, "confirmed", 1, begin))
	stop := o.running(t, in, nil)
	told(t, in, "gebucht")
	stop()
	if err := os.Remove(filepath.Join(o.dir, "zms", "bestand", "bestand.jsonl")); err != nil {
		t.Fatal(err)
	}
	o.running(t, in, nil)
	o.rounds(t, 2)
	told(t, in, "gebucht")
	if err := in.Breaches(); err != nil {
		t.Error(err)
	}
}

package csvdatei_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/hub"
)

// play runs the office's source against in until enough says so.
func (o *office) play(t *testing.T, in hub.Intake, enough func() bool) {
	t.Helper()
	source, err := o.source()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	end := make(chan error, 1)
	go func() { end <- source.Run(ctx, in) }()
	o.await(t, enough)
	cancel()
	if err := <-end; err != nil {
		t.Fatal(err)
	}
}

// await asks again and again: folders give no notice.
func (o *office) await(t *testing.T, enough func() bool) {
	t.Helper()
	limit := time.NewTimer(20*time.Second + o.patience)
	defer limit.Stop()
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for !enough() {
		select {
		case <-limit.C:
			t.Fatal("not in time")
		case <-again.C:
		}
	}
}

func (o *office) files(pattern string) []string {
	found, _ := filepath.Glob(filepath.Join(o.dir, "drop", pattern))
	return found
}

func (o *office) done(n int) func() bool {
	return func() bool { return len(o.files("done/*/*/*/*.csv")) >= n }
}

// TestBadRowsGoTheirOwnWay: the good rows become events, the bad ones a file that
// can be repaired, with line and reason; repaired and dropped, they follow.
func TestBadRowsGoTheirOwnWay(t *testing.T) {
	o := newOffice(t, settings)
	if err := o.drop("liste.csv", "Vorgang;Betrag;Name\r\n1;1;A\r\n2;zwei;Mustermann\r\n3;3;\"C\r\nD\"\r\n4;4\r\n5;5;E"); err != nil {
		t.Fatal(err)
	}
	in := adaptertest.NewIntake()
	o.play(t, in, o.done(1))
	if n := len(in.Events()); n != 3 {
		t.Errorf("%d events", n)
	}
	reports, err := o.reports()
	if err != nil || len(reports) != 1 {
		t.Fatalf("%v %v", reports, err)
	}
	for name, text := range reports {
		want := "bad-rows 2 rows could not become events:\nline 3: bad-number: mapping, rule data /betrag: no number stands there\n" +
			"line 6: bad-row: read row: it has 2 fields, and there are 3 columns"
		if strings.ReplaceAll(text, "bad-rows bad-rows: ", "bad-rows ") != want {
			t.Errorf("report %q\nwant %q", text, want)
		}
		rows, err := os.ReadFile(filepath.Join(o.dir, "drop", "error", name))
		if err != nil || string(rows) != "Vorgang;Betrag;Name\r\n2;zwei;Mustermann\r\n4;4\r\n" {
			t.Errorf("%s holds %q (%v)", name, rows, err)
		}
		if err := o.drop(name, strings.ReplaceAll(strings.ReplaceAll(string(rows), "zwei", "2"), "4;4", "4;4;D")); err != nil {
			t.Fatal(err)
		}
	}
	o.play(t, in, o.done(2))
	if n := len(in.Events()); n != 5 {
		t.Errorf("%d events after the repair", n)
	}
}

// TestSameFile: the same file again gives the same events, under another name
// others.
func TestSameFile(t *testing.T) {
	o := newOffice(t, settings)
	in := adaptertest.NewIntake()
	for i, name := range []string{"liste.csv", "liste.csv", "liste-2.csv"} {
		if err := o.drop(name, "Vorgang;Betrag;Name\n1;1;A\n"); err != nil {
			t.Fatal(err)
		}
		o.play(t, in, o.done(i+1))
		if n, want := len(in.Events()), []int{1, 1, 2}[i]; n != want {
			t.Errorf("after file %d there are %d events, want %d", i+1, n, want)
		}
	}
	events := in.Events()
	if events[0].Subject() != events[1].Subject() {
		t.Error("one case has two subjects")
	}
}

// TestCrashAnywhere stops at many rows of a long file, the event stored or not:
// each row comes once, and a stop costs no more than the rows since the place was
// remembered.
func TestCrashAnywhere(t *testing.T) {
	const rows, step = 1000, 70
	o := newOffice(t, strings.Replace(settings, "max-bytes: 4096", "max-bytes: 1000000", 1))
	var text strings.Builder
	text.WriteString("Vorgang;Betrag;Name\n")
	for n := range rows {
		betrag := fmt.Sprint(n)
		if n == 500 {
			betrag = "viel"
		}
		fmt.Fprintf(&text, "%d;%s;\"A\nB\"\n", n, betrag)
	}
	if err := o.drop("lang.csv", text.String()); err != nil {
		t.Fatal(err)
	}
	in := adaptertest.NewIntake()
	var mu sync.Mutex
	calls := 0
	for stop := step; stop < rows; stop += step {
		reached := make(chan struct{})
		var once sync.Once
		in.Follow(func(ctx context.Context, _ int, _ hub.Event, store func() error) error {
			mu.Lock()
			calls++
			mu.Unlock()
			if len(in.Events()) < stop {
				return store()
			}
			var err error
			if stop%2 == 0 {
				err = store()
			}
			once.Do(func() { close(reached) })
			<-ctx.Done()
			return errors.Join(err, ctx.Err())
		})
		o.play(t, in, func() bool {
			select {
			case <-reached:
				return true
			default:
				return false
			}
		})
	}
	in.Follow(nil)
	o.play(t, in, o.done(1))
	events := in.Events()
	if len(events) != rows-1 {
		t.Fatalf("%d events of %d rows", len(events), rows-1)
	}
	for i, e := range events {
		n := i
		if n >= 500 {
			n++
		}
		if want := fmt.Sprintf(`{"betrag":%d,"name":"A\nB"}`, n); string(e.Data()) != want {
			t.Fatalf("event %d is %s", i, e.Data())
		}
	}
	if most := rows + rows/step*200; calls > most {
		t.Errorf("%d calls of Publish for %d rows, at most %d are expected", calls, rows, most)
	}
	if reports, err := o.reports(); err != nil || len(reports) != 1 {
		t.Errorf("reports %v (%v)", reports, err)
	}
}

// TestLargeFile: a file costs no memory. AMTSBOTE_CSV_MB says how large; the
// default keeps the test quick.
func TestLargeFile(t *testing.T) {
	size := 8
	if mb := os.Getenv("AMTSBOTE_CSV_MB"); mb != "" {
		if _, err := fmt.Sscan(mb, &size); err != nil {
			t.Fatal(err)
		}
	}
	o := newOffice(t, strings.Replace(settings, "max-bytes: 4096", "max-bytes: 1000000000", 1))
	o.patience = time.Duration(size) * time.Second
	path := filepath.Join(o.dir, "drop", "in", "gross.csv")
	rows := o.large(t, path, size<<20)
	in := &counting{Intake: adaptertest.NewIntake()}
	runtime.GC()
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	in.base = before.HeapAlloc
	o.play(t, in, o.done(1))
	if in.n != rows {
		t.Errorf("%d events of %d rows", in.n, rows)
	}
	if in.peak > 4<<20 {
		t.Errorf("%d bytes lived at the most for a file of %d MB", in.peak, size)
	}
	t.Logf("%d rows, %d bytes lived at the most", rows, in.peak)
}

// large writes a file of about size bytes and gives the number of its rows.
func (o *office) large(t *testing.T, path string, size int) int {
	t.Helper()
	f, err := os.Create(path + ".part")
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriter(f)
	n, _ := w.WriteString("Vorgang;Betrag;Name\n")
	rows := 0
	for ; n < size; rows++ {
		m, err := fmt.Fprintf(w, "V-%d;%d,50;%s\n", rows, rows, strings.Repeat("x", 300))
		if err != nil {
			t.Fatal(err)
		}
		n += m
	}
	if err := errors.Join(w.Flush(), f.Close(), os.Rename(path+".part", path)); err != nil {
		t.Fatal(err)
	}
	return rows
}

// counting is an Intake that keeps nothing and looks at the memory now and then.
type counting struct {
	*adaptertest.Intake
	n    int
	base uint64
	peak uint64
}

func (c *counting) Publish(context.Context, hub.Event) error {
	if c.n++; c.n%5000 == 0 {
		runtime.GC()
		var now runtime.MemStats
		runtime.ReadMemStats(&now)
		if now.HeapAlloc > c.base {
			c.peak = max(c.peak, now.HeapAlloc-c.base)
		}
	}
	return nil
}

// TestBadRowBelowATitle: what is set aside has the title and the names above it, so that
// it is read as the list was.
func TestBadRowBelowATitle(t *testing.T) {
	o := newOffice(t, settings)
	o.write(t, filepath.Join("mappings", "m.yaml"), strings.ReplaceAll(strings.Replace(mappingText, "csv: {", "csv: {skip: 2, ", 1), "line: 3", "line: 5"))
	o.write(t, filepath.Join("mappings", "beispiel.csv"), "sep=;\nListe\n"+beispiel)
	if err := o.drop("liste.csv", "sep=;\r\nListe vom Montag\r\nVorgang;Betrag;Name;\r\n1;1;A;\r\n2;zwei;B;\r\n;;;\r\n"); err != nil {
		t.Fatal(err)
	}
	in := adaptertest.NewIntake()
	o.play(t, in, o.done(1))
	reports, err := o.reports()
	if err != nil || len(reports) != 1 || len(in.Events()) != 1 {
		t.Fatalf("%v %v, %d events", reports, err, len(in.Events()))
	}
	for name := range reports {
		rows, err := os.ReadFile(filepath.Join(o.dir, "drop", "error", name))
		if err != nil || string(rows) != "sep=;\r\nListe vom Montag\r\nVorgang;Betrag;Name;\r\n2;zwei;B;\r\n" {
			t.Errorf("%s holds %q (%v)", name, rows, err)
		}
		if err := o.drop(name, strings.ReplaceAll(string(rows), "zwei", "2")); err != nil {
			t.Fatal(err)
		}
	}
	o.play(t, in, o.done(2))
	if n := len(in.Events()); n != 2 {
		t.Errorf("%d events after the repair", n)
	}
}

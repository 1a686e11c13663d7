package csvdatei_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/hub"
)

// claimed opens the one file in work/ for writing.
func (o *office) claimed(t *testing.T) *os.File {
	t.Helper()
	found := o.files("work/*.csv")
	if len(found) != 1 {
		t.Fatalf("in work: %d files", len(found))
	}
	f, err := os.OpenFile(found[0], os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestStillWritten: what is written to a file after it was claimed is read too,
// and a row that was half there comes whole.
func TestStillWritten(t *testing.T) {
	o := newOffice(t, settings)
	in := adaptertest.NewIntake()
	in.Follow(func(_ context.Context, call int, _ hub.Event, store func() error) error {
		if call == 1 && len(in.Events()) == 0 {
			f := o.claimed(t)
			if _, err := f.WriteString("50;B\n3;3;C\n"); err != nil {
				t.Error(err)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
		return store()
	})
	if err := o.drop("liste.csv", "Vorgang;Betrag;Name\n1;1;A\n2;2"); err != nil {
		t.Fatal(err)
	}
	o.play(t, in, o.done(1))
	var got []string
	for _, e := range in.Events() {
		got = append(got, string(e.Data()))
	}
	if want := `{"betrag":1,"name":"A"} {"betrag":250,"name":"B"} {"betrag":3,"name":"C"}`; strings.Join(got, " ") != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if reports, err := o.reports(); len(reports) != 0 || err != nil {
		t.Error(reports, err)
	}
}

// TestWrittenAnew: a file that is another one when reading goes on is set aside
// with all that it has; its rows do not pass for those of the first.
func TestWrittenAnew(t *testing.T) {
	o := newOffice(t, settings)
	in := adaptertest.NewIntake()
	reached := make(chan struct{})
	in.Follow(func(ctx context.Context, _ int, _ hub.Event, store func() error) error {
		if len(in.Events()) == 0 {
			return store()
		}
		close(reached)
		<-ctx.Done()
		return ctx.Err()
	})
	if err := o.drop("liste.csv", "Vorgang;Betrag;Name\n1;1;A\n2;2;B\n"); err != nil {
		t.Fatal(err)
	}
	o.play(t, in, func() bool {
		select {
		case <-reached:
			return true
		default:
			return false
		}
	})
	const anew = "Vorgang;Betrag;Name\n1;1;X\n4;4;Y\n5;5;Z\n"
	f := o.claimed(t)
	if err := f.Truncate(0); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(anew); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	in.Follow(nil)
	o.play(t, in, func() bool { reports, _ := o.reports(); return len(reports) == 1 })
	reports, err := o.reports()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range reports {
		kept, err := os.ReadFile(o.files("error/" + name)[0])
		if err != nil || string(kept) != anew || !strings.HasPrefix(text, "changed ") || !strings.Contains(text, "line 3") {
			t.Errorf("%s: %q %v", text, kept, err)
		}
	}
	if n := len(in.Events()); n != 1 {
		t.Errorf("%d events", n)
	}
}

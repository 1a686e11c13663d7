package phoenix

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// What the disk can hold after a crash at each step of a digest ends in each event
// told, and in nothing told twice that was known to be told.
func TestDigestCrash(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(dir string, q *queue) error
		said  []string // after the crash
	}{
		"before it was frozen": {func(dir string, q *queue) error { return os.Remove(filepath.Join(dir, q.file())) }, []string{"a:: 3 Vorgänge warten"}},
		"while it was told":    {func(string, *queue) error { return nil }, []string{"a:: 3 Vorgänge warten"}},
		"half a state": {func(dir string, q *queue) error {
			return os.WriteFile(filepath.Join(dir, q.file()), []byte("{"), 0o600)
		}, []string{"a:: 3 Vorgänge warten"}},
		"told, before the marks":        {toldAll, nil},
		"told, between the marks":       {toldSome, nil},
		"told, and the notes came back": {markedAll, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOffice(t, "a")
				o.must(0, 0)
				for n := 1; n <= 3; n++ {
					o.must(n, n)
				}
				o.people.set(func() { o.fail["a"] = errors.New("killed") })
				time.Sleep(window + time.Second)
				synctest.Wait()
				o.stop()
				o.people.set(func() { o.fail, o.said = map[string]error{}, nil })
				dir := filepath.Join(o.dir, "phoenix", "test")
				if err := c.spoil(dir, o.digest.queues[0]); err != nil {
					t.Fatal(err)
				}
				o.start()
				time.Sleep(window)
				o.expect(c.said...)
				for n := range 4 {
					o.must(n, n)
				}
				time.Sleep(window)
				o.expect(c.said...)
				if left, err := os.ReadDir(filepath.Join(dir, waits)); err != nil || len(left) != 0 {
					t.Error(left, err)
				}
				o.stop()
			})
		})
	}
}

func toldAll(dir string, q *queue) error {
	for _, name := range q.state.Members {
		q.said[name] = true
	}
	s := &sink{journal: &journal{dir: dir}}
	return s.save(q, queueState{Last: time.Now()})
}

func toldSome(dir string, q *queue) error {
	members := q.state.Members
	if err := toldAll(dir, q); err != nil {
		return err
	}
	return errors.Join(os.WriteFile(filepath.Join(dir, done, members[0]), nil, 0o600), os.Remove(filepath.Join(dir, waits, members[0])),
		os.WriteFile(filepath.Join(dir, done, members[1]), nil, 0o600))
}

// markedAll: the notes were removed, and the disk had not yet kept that.
func markedAll(dir string, q *queue) error {
	err := os.Remove(filepath.Join(dir, q.file()))
	for _, name := range q.state.Members {
		err = errors.Join(err, os.WriteFile(filepath.Join(dir, done, name), nil, 0o600))
	}
	return err
}

// What was told long ago is forgotten, what was told lately is not.
func TestForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOffice(t, "a")
		o.must(1, 1)
		dir := filepath.Join(o.dir, "phoenix", "test", done)
		marks, err := os.ReadDir(dir)
		if err != nil || len(marks) != 1 {
			t.Fatal(marks, err)
		}
		old := time.Now().Add(-o.set.Merken - time.Minute)
		if err := os.Chtimes(filepath.Join(dir, marks[0].Name()), old, old); err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		if err := os.WriteFile(filepath.Join(dir, "neu"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Join(dir, "neu"), now, now); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Hour)
		o.must(2, 2)
		if has, err := o.journal.has(done, marks[0].Name()); has || err != nil {
			t.Error("what is old is not forgotten", err)
		}
		if has, err := o.journal.has(done, "neu"); !has || err != nil {
			t.Error("what is new is forgotten", err)
		}
		o.stop()
	})
}

package zms

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/amtsbote/amtsbote/adapters/internal/spool"
)

// record is a line of the journal: one step that is done as a whole or not at all.
type record struct {
	Entries []entry           `json:"stand,omitempty"`      // as they are now
	Gone    []string          `json:"weg,omitempty"`        // process numbers that are forgotten
	Events  []json.RawMessage `json:"ereignisse,omitempty"` // to be published
	Done    int               `json:"erledigt,omitempty"`   // so many of them, the oldest, are
}

// journal is the memory of the source: what ZMS had when it was last asked, and the
// events that are not yet published. Each step is appended and synced to disk before
// anybody hears of it. One goroutine at a time uses it.
type journal struct {
	path    string
	file    *os.File
	lines   int
	broken  bool             // a step was perhaps written in part
	entries map[string]entry // by process number
	pending []json.RawMessage
}

const (
	journalName = "bestand.jsonl"
	// slack is how many lines the journal may have beyond what it must.
	slack = 1000
)

var errDamaged = errors.New("the journal bestand.jsonl is damaged before its last line: restore it, or move it away to begin anew")

// openJournal reads the journal and writes it anew, without what is past.
func openJournal(dir string) (*journal, error) {
	if err := os.MkdirAll(dir, spool.DirMode); err != nil {
		return nil, fmt.Errorf("make the folder of the journal: %w", err)
	}
	if err := spool.Sweep(dir); err != nil {
		return nil, fmt.Errorf("remove what a crash has left: %w", err)
	}
	j := &journal{path: filepath.Join(dir, journalName)}
	var err error
	if j.entries, j.pending, err = readJournal(j.path); err != nil {
		return nil, err
	}
	return j, j.compact()
}

func (j *journal) close() error { return j.file.Close() }

// readJournal replays a journal. A last line without its end was never synced, so
// nobody has heard of it.
func readJournal(path string) (map[string]entry, []json.RawMessage, error) {
	file, err := os.Open(path) //nolint:gosec // in the adapter's folder
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]entry{}, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the journal: %w", err)
	}
	defer func() { _ = file.Close() }()
	j := journal{entries: map[string]entry{}}
	in := bufio.NewReader(file)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return j.entries, j.pending, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read the journal: %w", err)
		}
		var r record
		if json.Unmarshal(bytes.TrimSpace(line), &r) != nil || r.Done < 0 || r.Done > len(j.pending) {
			return nil, nil, errDamaged
		}
		j.apply(r)
	}
}

func (j *journal) apply(r record) {
	for _, e := range r.Entries {
		j.entries[e.Process] = e
	}
	for _, number := range r.Gone {
		delete(j.entries, number)
	}
	j.pending = append(j.pending[r.Done:], r.Events...)
}

// commit does a step.
func (j *journal) commit(r record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	if j.broken {
		if err := j.compact(); err != nil {
			return err
		}
	}
	if _, err = j.file.Write(append(line, '\n')); err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		j.broken = true
		return fmt.Errorf("write the journal: %w", err)
	}
	j.apply(r)
	j.lines++
	if j.lines > slack+len(j.entries) {
		return j.compact()
	}
	return nil
}

// compact writes the journal anew, in place of the old one.
func (j *journal) compact() error {
	var all bytes.Buffer
	enc := json.NewEncoder(&all)
	for _, e := range j.entries {
		if err := enc.Encode(record{Entries: []entry{e}}); err != nil {
			return fmt.Errorf("write the journal: %w", err)
		}
	}
	if len(j.pending) > 0 {
		if err := enc.Encode(record{Events: j.pending}); err != nil {
			return fmt.Errorf("write the journal: %w", err)
		}
	}
	if err := spool.Private(j.path, all.Bytes()); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	file, err := os.OpenFile(j.path, os.O_WRONLY|os.O_APPEND, spool.PrivateMode)
	if err != nil {
		return fmt.Errorf("open the journal: %w", err)
	}
	if j.file != nil {
		_ = j.file.Close() // each step in it was synced
	}
	j.file, j.lines, j.broken = file, len(j.entries), false
	return nil
}

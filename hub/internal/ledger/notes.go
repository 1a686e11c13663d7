package ledger

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// notes say what was taken out of a stream on purpose, and what damage was
// settled. They are synced before it happens. A line each: CRC-32, JSON.
type notes struct {
	path string
	mu   sync.Mutex
	file *os.File
	size int64

	exact   map[string]uint64   // removed up to, by subject
	pattern map[string]uint64   // the same, by filter with wildcards
	single  map[uint64]struct{} // removed one by one
	lost    []span              // damage that was settled: nothing is expected there
	floors  map[string]uint64   // acknowledged up to, by mailbox
}

type note struct {
	Removed string `json:"removed,omitempty"` // subject or filter
	UpTo    uint64 `json:"upTo,omitempty"`
	Deleted uint64 `json:"deleted,omitempty"`
	Lost    uint64 `json:"lost,omitempty"` // to UpTo
	Mailbox string `json:"mailbox,omitempty"`
}

// rewriteAt is the size from which notes are written anew without what is
// superseded.
const rewriteAt = 1 << 20

func openNotes(dir string) (*notes, error) {
	n := &notes{
		path: filepath.Join(dir, "notes"), exact: map[string]uint64{}, pattern: map[string]uint64{},
		single: map[uint64]struct{}{}, floors: map[string]uint64{},
	}
	raw, err := os.ReadFile(n.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	good := 0
	for s := bufio.NewScanner(bytes.NewReader(raw)); s.Scan(); good += len(s.Bytes()) + 1 {
		one, ok := readNote(s.Bytes())
		if !ok {
			break // a crash has left a part of a line; what follows was never relied on
		}
		n.apply(one)
	}
	good = min(good, len(raw))
	if n.file, err = os.OpenFile(n.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
		return nil, err
	}
	n.size = int64(good)
	return n, n.file.Truncate(n.size)
}

func readNote(line []byte) (one note, ok bool) {
	sum, rest, found := bytes.Cut(line, []byte(" "))
	if !found || string(sum) != checksum(rest) {
		return one, false
	}
	return one, json.Unmarshal(rest, &one) == nil
}

func checksum(b []byte) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE(b)) }

func (n *notes) apply(one note) {
	switch {
	case one.Removed != "" && strings.ContainsAny(one.Removed, "*>"):
		n.pattern[one.Removed] = max(n.pattern[one.Removed], one.UpTo)
	case one.Removed != "":
		n.exact[one.Removed] = max(n.exact[one.Removed], one.UpTo)
	case one.Deleted != 0:
		n.single[one.Deleted] = struct{}{}
	case one.Lost != 0:
		n.lost = append(n.lost, span{one.Lost, one.UpTo})
	case one.Mailbox != "":
		n.floors[one.Mailbox] = max(n.floors[one.Mailbox], one.UpTo)
	}
}

// write takes notes; they are on disk when it returns nil.
func (n *notes) write(list ...note) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	var buf []byte
	for _, one := range list {
		raw, err := json.Marshal(one)
		if err != nil {
			return err
		}
		buf = append(append(append(buf, checksum(raw)...), ' '), append(raw, '\n')...)
	}
	k, err := n.file.Write(buf)
	if err == nil {
		err = n.file.Sync()
	}
	if err != nil {
		if k > 0 {
			err = errors.Join(err, n.file.Truncate(n.size))
		}
		return fmt.Errorf("note in the ledger: %w", err)
	}
	n.size += int64(len(buf))
	for _, one := range list {
		n.apply(one)
	}
	return nil
}

// gone tells whether a message at subject and seq is not expected any more.
func (n *notes) gone(subject string, seq uint64) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, ok := n.single[seq]; ok || seq <= n.exact[subject] {
		return true
	}
	for filter, upTo := range n.pattern {
		if seq <= upTo && fits(filter, subject) {
			return true
		}
	}
	return n.isLost(seq)
}

func (n *notes) isLost(seq uint64) bool {
	for _, s := range n.lost {
		if s.from <= seq && seq <= s.to {
			return true
		}
	}
	return false
}

// fits tells whether subject fits a NATS filter.
func fits(filter, subject string) bool {
	f, s := strings.Split(filter, "."), strings.Split(subject, ".")
	for i, token := range f {
		if token == ">" {
			return len(s) > i
		}
		if i >= len(s) || token != "*" && token != s[i] {
			return false
		}
	}
	return len(f) == len(s)
}

// forget drops what concerns only sequences below first, once the file is large.
func (n *notes) forget(first uint64) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.size < rewriteAt {
		return nil
	}
	for _, m := range []map[string]uint64{n.exact, n.pattern} {
		for filter, upTo := range m {
			if upTo < first {
				delete(m, filter)
			}
		}
	}
	for seq := range n.single {
		if seq < first {
			delete(n.single, seq)
		}
	}
	var list []note
	for filter, upTo := range n.exact {
		list = append(list, note{Removed: filter, UpTo: upTo})
	}
	for filter, upTo := range n.pattern {
		list = append(list, note{Removed: filter, UpTo: upTo})
	}
	for seq := range n.single {
		list = append(list, note{Deleted: seq})
	}
	var lost []span
	for _, s := range n.lost {
		if s.to >= first {
			lost = append(lost, s)
			list = append(list, note{Lost: s.from, UpTo: s.to})
		}
	}
	n.lost = lost
	for name, upTo := range n.floors {
		list = append(list, note{Mailbox: name, UpTo: upTo})
	}
	return n.rewrite(list)
}

func (n *notes) rewrite(list []note) error {
	var buf []byte
	for _, one := range list {
		raw, err := json.Marshal(one)
		if err != nil {
			return err
		}
		buf = append(append(append(buf, checksum(raw)...), ' '), append(raw, '\n')...)
	}
	f, err := os.OpenFile(n.path+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(buf)
	if err = errors.Join(err, f.Sync()); err == nil {
		err = os.Rename(n.path+".tmp", n.path)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	err = n.file.Close()
	n.file, n.size = f, int64(len(buf))
	return err
}

func (n *notes) close() error { return n.file.Close() }

package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync"
)

// notes say what was taken out of a stream on purpose, and what damage was
// settled. They are synced before it happens. A line each: CRC-32, JSON. They lie
// in two files, since nothing else tells what they do: without them acknowledged
// copies would look lost. The second one is not synced.
type notes struct {
	path  string
	mu    sync.Mutex
	file  *os.File
	spare *os.File
	size  int64
	anew  int64 // size when they were written anew last

	exact   map[string]uint64   // removed up to, by subject
	pattern map[string]uint64   // the same, by filter with wildcards
	single  map[uint64]struct{} // removed one by one
	lost    []span              // damage that was settled: nothing is expected there
	floors  map[string]uint64   // acknowledged up to, by mailbox

	// of the ledger as a whole, by stream
	reach map[string]uint64 // its book was on disk up to there
	blind map[string]string // why not all of it could be compared
	open  map[string][]span // lost, though no book tells of it
}

type note struct {
	Removed string `json:"removed,omitempty"` // subject or filter
	UpTo    uint64 `json:"upTo,omitempty"`
	Deleted uint64 `json:"deleted,omitempty"`
	Lost    uint64 `json:"lost,omitempty"` // to UpTo
	Mailbox string `json:"mailbox,omitempty"`

	Book   string `json:"book,omitempty"`   // to UpTo
	Blind  string `json:"blind,omitempty"`  // stream
	Why    string `json:"why,omitempty"`    // Blind
	Open   string `json:"open,omitempty"`   // stream: Lost to UpTo
	Closed string `json:"closed,omitempty"` // stream: neither Blind nor Open any more
}

// rewriteAt is the size from which notes are written anew without what is
// superseded.
const rewriteAt = 1 << 20

func openNotes(dir string) (*notes, error) {
	n := &notes{
		path: filepath.Join(dir, "notes"), exact: map[string]uint64{}, pattern: map[string]uint64{},
		single: map[uint64]struct{}{}, floors: map[string]uint64{},
		reach: map[string]uint64{}, blind: map[string]string{}, open: map[string][]span{},
	}
	first, err := n.load(n.path)
	second, spareErr := n.load(n.path + spareSuffix)
	if err = errors.Join(err, spareErr); err != nil {
		return nil, err
	}
	if first.clean && second.clean && first.sum == second.sum {
		return n, n.goOn()
	}
	return n, n.rewrite(n.list(0))
}

const spareSuffix = ".spare"

// loaded is what one file of notes was.
type loaded struct {
	clean bool // every line can be read
	sum   [sha256.Size]byte
}

// load takes in every line of a file that can be read. One that cannot is what a
// crash has left of the last one, or is damaged.
func (n *notes) load(path string) (loaded, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // our own data directory
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return loaded{}, err
	}
	out := loaded{clean: err == nil, sum: sha256.Sum256(raw)}
	for line := range bytes.Lines(raw) {
		text, ended := bytes.CutSuffix(line, []byte("\n"))
		one, ok := readNote(text)
		if ok {
			n.apply(one)
		}
		out.clean = out.clean && ok && ended
	}
	return out, nil
}

// goOn goes on with both files as they are.
func (n *notes) goOn() (err error) {
	if n.file, err = os.OpenFile(n.path, os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
		return err
	}
	if n.spare, err = os.OpenFile(n.path+spareSuffix, os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
		return err
	}
	st, err := n.file.Stat()
	if err == nil {
		n.size, n.anew = st.Size(), st.Size()
	}
	return err
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
	case one.Open != "":
		n.open[one.Open] = join(n.open[one.Open], span{one.Lost, one.UpTo})
	case one.Lost != 0:
		n.lost = join(n.lost, span{one.Lost, one.UpTo})
	case one.Mailbox != "":
		n.floors[one.Mailbox] = max(n.floors[one.Mailbox], one.UpTo)
	case one.Book != "":
		n.reach[one.Book] = max(n.reach[one.Book], one.UpTo)
	case one.Blind != "":
		n.blind[one.Blind] = one.Why
	case one.Closed != "":
		delete(n.blind, one.Closed)
		delete(n.open, one.Closed)
	}
}

// high is the highest sequence that is named: the stream was as far.
func (n *notes) high() (seq uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, m := range []map[string]uint64{n.exact, n.pattern, n.floors} {
		for _, upTo := range m {
			seq = max(seq, upTo)
		}
	}
	for one := range n.single {
		seq = max(seq, one)
	}
	for _, s := range n.lost {
		seq = max(seq, s.to)
	}
	return seq
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
	if _, err := n.spare.Write(buf); err != nil {
		_ = n.spare.Truncate(0) // the next start makes it anew
	}
	if n.size > n.anew*2 && n.size > rewriteAt {
		return n.rewrite(n.list(0))
	}
	return nil
}

// gone tells whether a message at subject and seq is not expected any more.
func (n *notes) gone(subject string, seq uint64) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.takenOut(subject, seq) || n.isLost(seq)
}

// removed is gone without what was lost.
func (n *notes) removed(subject string, seq uint64) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.takenOut(subject, seq)
}

// takenOut is called with mu held.
func (n *notes) takenOut(subject string, seq uint64) bool {
	if _, ok := n.single[seq]; ok || seq <= n.exact[subject] {
		return true
	}
	for filter, upTo := range n.pattern {
		if seq <= upTo && fits(filter, subject) {
			return true
		}
	}
	return false
}

func (n *notes) isLost(seq uint64) bool {
	i := sort.Search(len(n.lost), func(i int) bool { return n.lost[i].to >= seq })
	return i < len(n.lost) && n.lost[i].from <= seq
}

// join adds a span to spans that are in sequence and apart.
func join(list []span, s span) []span {
	i := sort.Search(len(list), func(i int) bool { return list[i].to+1 >= s.from })
	k := i
	for ; k < len(list) && list[k].from <= s.to+1; k++ {
		s.from, s.to = min(s.from, list[k].from), max(s.to, list[k].to)
	}
	return slices.Replace(list, i, k, s)
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
	return n.rewrite(n.list(first))
}

// list drops what concerns only sequences below first, and gives the rest.
func (n *notes) list(first uint64) (list []note) {
	for _, m := range []map[string]uint64{n.exact, n.pattern} {
		maps.DeleteFunc(m, func(_ string, upTo uint64) bool { return upTo < first })
		for filter, upTo := range m {
			list = append(list, note{Removed: filter, UpTo: upTo})
		}
	}
	for seq := range n.single {
		if seq < first {
			delete(n.single, seq)
			continue
		}
		list = append(list, note{Deleted: seq})
	}
	n.lost = slices.DeleteFunc(n.lost, func(s span) bool { return s.to < first })
	for _, s := range n.lost {
		list = append(list, note{Lost: s.from, UpTo: s.to})
	}
	for name, upTo := range n.floors {
		list = append(list, note{Mailbox: name, UpTo: upTo})
	}
	for stream, upTo := range n.reach {
		list = append(list, note{Book: stream, UpTo: upTo})
	}
	for stream, why := range n.blind {
		list = append(list, note{Blind: stream, Why: why})
	}
	for stream, spans := range n.open {
		for _, s := range spans {
			list = append(list, note{Open: stream, Lost: s.from, UpTo: s.to})
		}
	}
	return list
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
	spare, err := replace(n.path+spareSuffix, buf)
	if err != nil {
		return err
	}
	f, err := replace(n.path, buf)
	if err != nil {
		return errors.Join(err, spare.Close())
	}
	err = n.close()
	n.file, n.spare, n.size, n.anew = f, spare, int64(len(buf)), int64(len(buf))
	return err
}

// replace gives a file another content, whole or not at all, and opens it for
// more.
func replace(path string, content []byte) (*os.File, error) {
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY|os.O_APPEND, 0o600) //nolint:gosec // our own data directory
	if err != nil {
		return nil, err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync()); err == nil {
		err = os.Rename(path+".tmp", path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (n *notes) close() error {
	var errs []error
	for _, f := range []*os.File{n.file, n.spare} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

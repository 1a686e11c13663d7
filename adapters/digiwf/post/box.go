// Package post hands messages to DigiWF, each once: what is about to be sent is
// written down before, what was sent after, and what a crash has left between the
// two is looked for on the topic.
package post

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/amtsbote/amtsbote/adapters/digiwf/disk"
	"github.com/amtsbote/amtsbote/hub"
)

// Letter is a message: a record of Kafka, or, with Path, the body of a POST.
type Letter struct {
	Topic   string             `json:"topic,omitempty"`
	Key     string             `json:"key,omitempty"`
	Headers []kgo.RecordHeader `json:"headers,omitempty"`
	Path    string             `json:"path,omitempty"`
	Body    []byte             `json:"body"`
}

// Way is how letters go. An id is of one letter alone, [0-9a-f]{64}.
type Way interface {
	// Send returns nil when the other side has the letter. After any other error
	// than a Permanent Fault or ErrNothingSent it may have it.
	Send(ctx context.Context, id string, l Letter) error
	// Sent tells whether a letter that was begun at that time has arrived; false
	// also where nobody can know.
	Sent(ctx context.Context, id string, l Letter, begun time.Time) (bool, error)
}

// Box remembers what was sent. Its folder is shared by the source and the sink of
// an adapter, in one process.
type Box struct {
	Dir string
	Way Way
	// Now is the clock; nil for the real one.
	Now func() time.Time
}

// ErrNothingSent says that a Way has not begun: the other side was not reached.
var ErrNothingSent = errors.New("nothing was sent")

// The errors of Once that are no failures.
var (
	// ErrOther says that under this key was sent what somebody else had to say.
	ErrOther = errors.New("another message was sent instead")
	// ErrUnderWay says that somebody else has begun to.
	ErrUnderWay = errors.New("another message is under way")
)

// patience is how long somebody else's message may be under way, before it counts
// as given up.
const patience = time.Hour

// ahead is how far a mark may lie in the future, by a clock that was put right. One
// beyond that was made by a clock that was wrong, and counts as given up.
const ahead = 2 * time.Minute

// mark of a key: who has sent, or begun to.
type mark struct {
	By   string    `json:"by"`
	At   time.Time `json:"at"`
	Done bool      `json:"done"`
}

const ending = ".json"

// Open makes the folder.
func (b *Box) Open() error { return disk.Open(b.Dir) }

// ID of the letter with this key.
func ID(key string) string {
	sum := sha256.Sum256([]byte(key))
	return hex.EncodeToString(sum[:])
}

func (b *Box) path(id string) string { return filepath.Join(b.Dir, id+ending) }

// By tells whose message was sent under the key, or was begun (done false); "" for
// nobody's.
func (b *Box) By(key string) (by string, done bool, err error) {
	var m mark
	_, err = disk.Get(b.path(ID(key)), &m)
	return m.By, m.Done, err
}

// UnderWay tells whether somebody else than by has begun to send under the key, and
// may yet be at it. A damaged mark says nothing.
func (b *Box) UnderWay(key, by string) (bool, error) {
	var m mark
	_, err := disk.Get(b.path(ID(key)), &m)
	if errors.Is(err, disk.ErrDamaged) {
		return false, nil
	}
	return err == nil && m.By != "" && m.By != by && !m.Done && b.young(m), err
}

func (b *Box) young(m mark) bool {
	age := b.now().Sub(m.At)
	return age < patience && age > -ahead
}

// Note writes down that what the key stands for is done.
func (b *Box) Note(key string) error {
	return b.done(ID(key), mark{By: key, At: b.now()})
}

// Once sends the letter unless it was sent. Of all who send under one key, the first
// is heard, and the others get ErrOther; by is the same in every attempt of one.
func (b *Box) Once(ctx context.Context, key, by string, l Letter) error {
	id := ID(key)
	leave, err := disk.Hold(ctx, b.path(id))
	if err != nil {
		return err
	}
	defer leave()
	var m mark
	begun, err := disk.Get(b.path(id), &m)
	switch {
	case err != nil:
		return err
	case m.Done:
		return whose(m, by)
	case begun && m.By != by && b.young(m):
		return ErrUnderWay
	case begun:
		arrived, err := b.Way.Sent(ctx, id, l, m.At)
		if err != nil {
			return fmt.Errorf("look whether it was sent: %w", err)
		}
		if arrived {
			return errors.Join(b.done(id, m), whose(m, by))
		}
	}
	return b.send(ctx, id, mark{By: by, At: b.now()}, l)
}

// send writes down, sends, and writes down again. Where a mark is there already, its
// time stays: an earlier try may arrive yet.
func (b *Box) send(ctx context.Context, id string, m mark, l Letter) error {
	var earlier mark
	there, err := disk.Get(b.path(id), &earlier)
	if err != nil {
		return err
	}
	if there && earlier.By == m.By {
		m.At = earlier.At
	}
	if err := disk.Put(b.path(id), m); err != nil {
		return err
	}
	err = b.Way.Send(ctx, id, l)
	fault, ok := errors.AsType[*hub.Fault](err)
	if !there && (ok && fault.Permanent || errors.Is(err, ErrNothingSent)) {
		return errors.Join(err, disk.Remove(b.path(id))) // the other side does not have it
	}
	if err != nil {
		return err
	}
	return b.done(id, m)
}

func (b *Box) done(id string, m mark) error {
	m.Done = true
	return disk.Put(b.path(id), m)
}

func whose(m mark, by string) error {
	if m.By == by {
		return nil
	}
	return ErrOther
}

func (b *Box) now() time.Time {
	if b.Now != nil {
		return b.Now()
	}
	return time.Now().UTC()
}

// Forget removes what was sent before that time, and what was begun and not heard of
// since.
func (b *Box) Forget(ctx context.Context, before time.Time) error {
	ids, err := disk.OlderThan(b.Dir, ending, before)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := b.forget(ctx, id, before); err != nil {
			return err
		}
	}
	return nil
}

// forget looks once more when nobody else has the mark.
func (b *Box) forget(ctx context.Context, id string, before time.Time) error {
	leave, err := disk.Hold(ctx, b.path(id))
	if err != nil {
		return err
	}
	defer leave()
	info, err := os.Stat(b.path(id))
	if err != nil || !info.ModTime().Before(before) {
		return nil //nolint:nilerr // gone meanwhile, or young
	}
	return disk.Remove(b.path(id))
}

// Package parked tells which keys are parked, from the stream PARKED alone: so
// also when the hub is stopped. It holds what the two places share where keys
// are parked, the lanes (flow) and the mailboxes.
package parked

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Errors of a release and a return.
var (
	ErrNotParked = errors.New("the key is not parked")
	ErrReturning = errors.New("the key is on its way back to the sender")
	ErrStarting  = errors.New("it is not read yet what is parked: try again")
)

// Entry is one key at one place.
type Entry struct {
	decision.ParkedKey
	Key      string // plain text
	Messages uint64
	Since    time.Time // when the first message that still waits was parked
	Code     string    // why it was
	Underway string    // decision.ActRelease or ActReturn; "" when it waits
}

// List gives all parked keys, the oldest first.
func List(ctx context.Context, b *bus.Bus) ([]Entry, error) {
	subjects, err := b.Subjects(ctx, bus.Parked, "parked.>")
	if err != nil {
		return nil, err
	}
	var out []Entry
	for subject, n := range subjects {
		key, act, ok := decision.ReadParked(subject)
		if !ok || act != "" {
			continue
		}
		m, err := b.At(ctx, bus.Parked, 1, subject)
		if err != nil {
			return nil, err
		}
		if m == nil { // gone meanwhile
			continue
		}
		out = append(out, Entry{
			ParkedKey: key, Messages: n, Since: m.Time, Code: m.Get(event.HeaderCode), Key: m.KeyOf(), Underway: underway(subjects, key),
		})
	}
	slices.SortFunc(out, func(x, y Entry) int {
		return cmp.Or(x.Since.Compare(y.Since), cmp.Compare(x.Subject(), y.Subject()))
	})
	return out, nil
}

func underway(subjects map[string]uint64, key decision.ParkedKey) string {
	if key.Direction == decision.In {
		key = key.Everywhere()
	}
	for _, act := range []string{decision.ActReturn, decision.ActRelease} { // a return counts, see decision.Later
		if subjects[key.Mark(act)] > 0 {
			return act
		}
	}
	return ""
}

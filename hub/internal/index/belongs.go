package index

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Trail is what an index asks the stream TRAIL for.
type Trail struct {
	Created time.Time
	Last    uint64
	// At gives the first message at or behind a sequence, nil for none.
	At func(ctx context.Context, seq uint64) (*event.Message, error)
}

// Belongs compares the index with the trail and empties it when it is another
// trail's, or that of a store that was put back to an earlier state.
func (x *Index) Belongs(ctx context.Context, t Trail) error {
	reason, err := x.foreign(ctx, t)
	if err != nil {
		return fmt.Errorf("compare the index with the trail: %w", err)
	}
	if reason != "" {
		x.halt()
		if err := x.disk.close(); err != nil {
			x.disk.opts.Log.Warn("close the index that is emptied", zap.Error(err))
		}
		if err := x.empty(reason); err != nil {
			return fmt.Errorf("empty the index: %w", err)
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if m := &x.disk.meta; m.Trail == "" {
		m.Trail, m.changed = t.Created.UTC().Format(time.RFC3339Nano), true
	}
	return nil
}

// foreign says why the index cannot be that of t, "" if it can.
func (x *Index) foreign(ctx context.Context, t Trail) (string, error) {
	x.mu.RLock()
	applied, m := x.reach.upTo, x.disk.meta
	x.mu.RUnlock()
	switch {
	case m.Trail != "" && m.Trail != t.Created.UTC().Format(time.RFC3339Nano):
		return "it belongs to another store", nil
	case m.Trail == "" && applied > 0:
		return "it does not say to which store it belongs", nil
	case applied > t.Last:
		return fmt.Sprintf("it has read up to %d of a trail that ends at %d: an older state of the store was put back", applied, t.Last), nil
	case m.Mark == 0:
		return "", nil
	}
	is, err := t.At(ctx, m.Mark)
	if err != nil {
		return "", err
	}
	if is == nil || is.Seq != m.Mark || string(sum(is)) != string(m.Sum) {
		return fmt.Sprintf("message %d of the trail is not the one that it has read: an older state of the store was put back", m.Mark), nil
	}
	return "", nil
}

// Mark remembers m, a message of TRAIL that was taken in, to know its trail by.
func (x *Index) Mark(m *event.Message) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.disk == nil || m.Seq > x.reach.upTo || m.Seq <= x.disk.meta.Mark {
		return
	}
	x.disk.meta.Mark, x.disk.meta.Sum, x.disk.meta.changed = m.Seq, sum(m), true
}

func sum(m *event.Message) []byte {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(m.Time.UnixNano())))
	h.Write([]byte(m.Subject))
	h.Write([]byte{0})
	h.Write(m.Data)
	return h.Sum(nil)
}

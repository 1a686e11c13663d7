package host

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// copies is what the receipts of one event have said so far.
type copies struct {
	Known bool           `json:"known"` // its receivers are
	Of    []receiver     `json:"of"`    // who gets a copy, and by which rule: one may get several
	By    []receiver     `json:"by"`    // who has taken it
	End   hub.Settlement `json:"end"`
	// Told means that all were taken and the listener has heard it: receipts that come
	// again change nothing.
	Told bool `json:"told,omitempty"`
}

func (c *copies) settlement() hub.Settlement {
	s := c.End
	s.Copies, s.Done = len(c.Of), 0
	for _, one := range c.Of {
		if slices.Contains(c.By, one) {
			s.Done++
		}
	}
	return s
}

// hear tells the listener what a receipt says: the outcome, and again for each
// copy that was taken, where the agreement has the receipt delivered.
func (m *Mailbox) hear(ctx context.Context, e *hub.Event) error {
	if m.Listener == nil {
		return nil
	}
	if end, receivers, ok := settlement(e); ok {
		if end.Outcome != hub.Routed || m.Receipts == nil {
			return m.Listener.Settled(ctx, end)
		}
		return m.remember(ctx, end.EventRef, func(c *copies) { c.Known, c.Of, c.End = true, receivers, end })
	}
	if ref, by, ok := delivered(e); ok && m.Receipts != nil {
		return m.remember(ctx, ref, func(c *copies) {
			if !slices.Contains(c.By, by) {
				c.By = append(c.By, by)
			}
		})
	}
	return nil
}

// remember adds a receipt to those before it, and tells what they say together. Several
// are handled at once, so it is one after the other. When all copies were taken that
// is noted, until it is swept.
func (m *Mailbox) remember(ctx context.Context, ref hub.EventRef, add func(*copies)) error {
	m.receipts.Lock()
	defer m.receipts.Unlock()
	sum := sha256.Sum256([]byte(ref.Source + "\x00" + ref.ID))
	key := base64.RawURLEncoding.EncodeToString(sum[:])
	raw, err := m.Receipts.Get(ctx, key)
	if err != nil {
		return err
	}
	var c copies
	if raw != nil {
		if err := json.Unmarshal(raw, &c); err != nil {
			return fmt.Errorf("read the receipts before: %w", err)
		}
	}
	if c.Told {
		return nil
	}
	add(&c)
	if raw, err = json.Marshal(c); err != nil {
		return fmt.Errorf("remember a receipt: %w", err)
	}
	if err := m.Receipts.Put(ctx, key, raw); err != nil || !c.Known {
		return err
	}
	s := c.settlement()
	if err := m.Listener.Settled(ctx, s); err != nil {
		return err
	}
	if s.Copies > 0 && s.Done == s.Copies {
		if raw, err = json.Marshal(copies{Known: true, Told: true}); err != nil {
			return fmt.Errorf("remember a receipt: %w", err)
		}
		return m.Receipts.Put(ctx, key, raw)
	}
	return nil
}

// receiptsKept is how long receipts wait for others that may never come: an
// agreement need not have delivered, and a copy may lie for long.
const receiptsKept = 180 * 24 * time.Hour

// sweepEvery is how often old receipts are looked for.
const sweepEvery = 24 * time.Hour

// sweepAlways forgets old receipts until ctx ends, at once and then at each tick.
func sweepAlways(ctx context.Context, dir string, tick <-chan time.Time) error {
	for {
		if err := sweepReceipts(dir); err != nil {
			return err
		}
		select {
		case <-tick:
		case <-ctx.Done():
			return nil
		}
	}
}

// sweepReceipts forgets those that have waited in vain.
func sweepReceipts(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if info, gone := e.Info(); gone == nil && time.Since(info.ModTime()) > receiptsKept {
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name()))) //nolint:gosec // G703: an entry of the directory itself
		}
	}
	if err != nil {
		return fmt.Errorf("forget old receipts: %w", err)
	}
	return nil
}

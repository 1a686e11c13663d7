package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// place is where a row stands.
type place struct {
	XID uint64 `json:"x,string"`
	Seq int64  `json:"s"`
}

// cursor is how far the table was read, and of which database that is true.
type cursor struct {
	// Every row of a transaction before From is done. While To is not 0, rows of
	// transactions from From to before To are being read, in the order of their
	// numbers, and those up to Seq are done.
	From uint64 `json:"from,string"`
	To   uint64 `json:"to,string"`
	Seq  int64  `json:"seq"`
	// Before are rows of later transactions that are read with them; Ahead those
	// that were read so, and are passed over when their own transactions come.
	Before []place `json:"before,omitempty"`
	Ahead  []place `json:"ahead,omitempty"`

	// Database is the system identifier of the cluster and the OID of the database.
	Database string `json:"db"`
	// Timeline changes when a standby is promoted, and when a backup is restored to
	// a point in time.
	Timeline string `json:"tl"`
	Table    uint32 `json:"t"`
	// LSN is how far the server's log was on disk when rows were looked for: no
	// state of this timeline that holds them is behind it.
	LSN string `json:"lsn,omitempty"`
	// Crash changes when the server has recovered from a crash.
	Crash string `json:"crash,omitempty"`
	// Accepted is what the setting accept said when it was acted on.
	Accepted string `json:"accepted,omitempty"`
	// Last is the row that was read last, Row a digest of its id; "" when there was
	// none.
	Last place     `json:"last"`
	Row  string    `json:"row,omitempty"`
	At   time.Time `json:"at"` // by the database's clock
	// Marks are former values of From, oldest first: where to go back to.
	Marks []milestone `json:"m,omitempty"`
}

type milestone struct {
	XID uint64    `json:"x,string"`
	At  time.Time `json:"at"`
}

const (
	cursorKey = "cursor"
	maxMarks  = 64
	// maxAhead is how many places of rows fit into the memory. Beyond, rows come
	// again, which the hub knows.
	maxAhead = 500
)

func loadCursor(ctx context.Context, s hub.State) (*cursor, error) {
	raw, err := s.Get(ctx, cursorKey)
	if err != nil {
		return nil, fmt.Errorf("read the place in the table: %w", err)
	}
	if raw == nil {
		return nil, nil
	}
	c := &cursor{}
	if err := json.Unmarshal(raw, c); err != nil || c.Database == "" {
		return nil, refuse("the adapter's memory holds no place in a table that can be read: restore it from a backup (operator)")
	}
	return c, nil
}

func (c *cursor) save(ctx context.Context, s hub.State) error {
	kept := *c
	if len(kept.Before) > maxAhead { // after a restart the window is opened anew
		kept.To, kept.Seq, kept.Before = 0, 0, nil
	}
	raw, err := json.Marshal(kept)
	if err == nil {
		err = s.Put(ctx, cursorKey, raw)
	}
	if err != nil {
		return fmt.Errorf("remember the place in the table: %w", err)
	}
	return nil
}

// advance notes the last row that is done within what is being read.
func (c *cursor) advance(to place, row string, at time.Time) {
	c.Seq, c.Last, c.Row, c.At = to.Seq, to, row, at
}

// open begins to read rows of transactions before to, with those in before.
func (c *cursor) open(to uint64, first int64, before []place) {
	if len(before) > 0 {
		first = min(first, before[0].Seq)
	}
	c.To, c.Seq, c.Before = to, first-1, before
}

// single tells whether what is read is one transaction.
func (c *cursor) single() bool { return c.To == c.From+1 && len(c.Before) == 0 }

// upper is the transaction behind the last that is read.
func (c *cursor) upper() uint64 {
	upper := c.To
	for _, p := range c.Before {
		upper = max(upper, p.XID+1)
	}
	return upper
}

// numbers are those of the rows in Before.
func (c *cursor) numbers() []int64 {
	out := []int64{}
	for _, p := range c.Before {
		out = append(out, p.Seq)
	}
	return out
}

// ahead tells whether a row was read before its own transaction came.
func (c *cursor) ahead(p place) bool {
	return slices.Contains(c.Ahead, p)
}

// close ends what was being read. Places about as old as overlap are kept, so that
// one can go back there.
func (c *cursor) close(at time.Time, overlap time.Duration) {
	overlap = max(overlap, crashOverlap)
	c.Ahead = append(c.Ahead, c.Before...)
	c.From, c.To, c.Seq, c.Before, c.At = c.To, 0, 0, nil, at
	c.Ahead = slices.DeleteFunc(c.Ahead, func(p place) bool { return p.XID < c.From })
	if more := len(c.Ahead) - maxAhead; more > 0 {
		c.Ahead = slices.Clone(c.Ahead[more:])
	}
	last := time.Time{}
	if len(c.Marks) > 0 {
		last = c.Marks[len(c.Marks)-1].At
	}
	if at.Sub(last) < overlap/(maxMarks/2) {
		return
	}
	c.Marks = append(c.Marks, milestone{c.From, at})
	for len(c.Marks) > 1 && (at.Sub(c.Marks[1].At) >= overlap || len(c.Marks) > maxMarks) {
		c.Marks = c.Marks[1:]
	}
}

// back gives the youngest place that is older by overlap than the last read; the
// beginning of the table where there is none.
func (c *cursor) back(overlap time.Duration) milestone {
	var found milestone
	for _, m := range c.Marks {
		if c.At.Sub(m.At) >= overlap {
			found = m
		}
	}
	return found
}

// digest tells rows apart without keeping their ids.
func digest(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:8])
}

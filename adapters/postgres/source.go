package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/mapping"
	"github.com/amtsbote/amtsbote/hub"
)

// source makes an event of each row of an outbox table.
type source struct {
	set  outboxSettings
	maps mapping.Set
	env  hub.Env
	log  *zap.Logger
	key  []byte // of case-key-file; nil without
	// window is how many rows a window has at first.
	window int
	hub.Looks
}

var (
	_ hub.Source = (*source)(nil)
	_ hub.Placed = (*source)(nil)
)

// Places implements hub.Placed.
func (s *source) Places() hub.Places {
	return hub.Places{In: s.set.Database.place() + " " + s.set.name.String(), SetAside: s.aside()}
}

func (s *source) aside() string { return filepath.Join(s.set.Dir, "error") }

// Run implements hub.Source.
func (s *source) Run(ctx context.Context, in hub.Intake) error {
	key, err := mapping.CaseKey(ctx, in.State(), s.key)
	if err != nil {
		return unlessEnded(ctx, err)
	}
	if s.key == nil && slices.ContainsFunc(s.maps, (*mapping.Mapping).ValueID) {
		s.log.Warn("postgres: ids are made of values of the rows, without case-key-file: who knows what these may be finds them by trying")
	}
	r := &run{source: s, in: in, key: key, batch: s.set.Batch}
	for {
		err := r.connected(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if _, refused := errors.AsType[refusal](err); refused {
			return err
		}
		wait := r.delay.next()
		s.log.Warn("postgres: the connection ended; connecting again", zap.Duration("after", wait), zap.Error(err))
		sleep(ctx, wait)
	}
}

func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// run is one Run of a source.
type run struct {
	*source

	in     hub.Intake
	key    []byte
	cursor *cursor
	left   []string // ids of rows that could neither become events nor be copied aside (habit delete)
	batch  int      // rows asked for at once; fewer after a timeout, and where rows are large
	failed int      // how often the row that comes next could not be read alone
	delay  backoff
}

// session is one connection.
type session struct {
	conn     *pgx.Conn
	identity identity
	began    time.Time
	table    *table
	sql      statement
	held     held
}

// connected reads until the connection fails or ctx ends.
func (r *run) connected(ctx context.Context) error {
	conn, err := r.set.Database.connect(ctx, r.env, r.params())
	if err != nil {
		return err
	}
	defer hangUp(conn)
	s := &session{conn: conn, began: time.Now()}
	if err := r.prepare(ctx, s); err != nil {
		return err
	}
	for {
		more, err := r.turn(ctx, s)
		if err != nil {
			return err
		}
		r.delay.reset()
		r.Look()
		if more {
			continue
		}
		if err := s.wait(ctx, r.set.Poll); err != nil {
			return err
		}
	}
}

// params are settings of the session: a role that only reads writes nothing, even
// if it could.
func (r *run) params() map[string]string {
	if r.set.Habit == leave {
		// Joins by hashing stay fast where the server's statistics are old, as those of
		// a table that fills quickly are.
		return map[string]string{"default_transaction_read_only": "on", "enable_nestloop": "off"}
	}
	return map[string]string{"synchronous_commit": "on"}
}

// prepare looks whether database and table are those that were read before, and
// such that nothing can be passed over.
func (r *run) prepare(ctx context.Context, s *session) error {
	ctx, cancel := r.limit(ctx)
	defer cancel()
	c, err := loadCursor(ctx, r.in.State())
	if err != nil {
		return err
	}
	lsn := ""
	if c != nil {
		lsn = c.LSN
	}
	if s.identity, err = askIdentity(ctx, s.conn, lsn); err != nil {
		return err
	}
	if s.table, err = look(ctx, s.conn, r.set.name); err != nil {
		return err
	}
	if err := r.set.fits(s.table); err != nil {
		return err
	}
	s.sql = statement{set: r.set, t: s.table}
	if err := r.notAhead(ctx, s); err != nil {
		return err
	}
	if err := r.resume(ctx, s, c); err != nil {
		return err
	}
	if err := r.loadLeft(ctx, s); err != nil {
		return err
	}
	return s.listen(ctx, r.set.Channel)
}

// limit bounds what is asked of the server: a connection that is dead without
// saying so is given up.
func (r *run) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, r.set.Database.Timeout+grace)
}

// now is the database's clock, as far as is known.
func (s *session) now() time.Time { return s.identity.Now.Add(time.Since(s.began)) }

func (s *session) listen(ctx context.Context, channel string) error {
	if channel == "" {
		return nil
	}
	if _, err := s.conn.Exec(ctx, "LISTEN "+quoted(channel)); err != nil {
		return fmt.Errorf("listen for notifications: %w", tame(err))
	}
	return nil
}

// wait ends at a notification or after poll. What a notification says is not
// looked at: the table is the truth.
func (s *session) wait(ctx context.Context, poll time.Duration) error {
	short, cancel := context.WithTimeout(ctx, poll)
	defer cancel()
	_, err := s.conn.WaitForNotification(short)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && short.Err() == nil, s.conn.IsClosed():
		return fmt.Errorf("wait for rows: %w", tame(err))
	}
	for range maxDrained { // those that came meanwhile are one with it
		drained, stop := context.WithTimeout(ctx, time.Millisecond)
		_, err := s.conn.WaitForNotification(drained)
		stop()
		if err != nil {
			break
		}
	}
	return ctx.Err()
}

// maxDrained bounds how many notifications are one: who sends without end does not
// keep the adapter from reading.
const maxDrained = 1000

// args are the parameters of the statement's where.
func (r *run) args() []any {
	switch r.set.Habit {
	case leave:
		if r.cursor.single() {
			return []any{strconv.FormatUint(r.cursor.From, 10), r.cursor.Seq}
		}
		return []any{
			strconv.FormatUint(r.cursor.From, 10), strconv.FormatUint(r.cursor.upper(), 10), r.cursor.Seq,
			strconv.FormatUint(r.cursor.To, 10), r.cursor.numbers(),
		}
	case remove:
		return []any{append([]string{}, r.left...)}
	}
	return nil
}

// backoff is how long to wait before the next connection.
type backoff struct{ tries int }

const (
	firstWait = 50 * time.Millisecond
	longest   = 30 * time.Second
)

func (b *backoff) reset() { b.tries = 0 }

func (b *backoff) next() time.Duration {
	wait := min(firstWait<<min(b.tries, 12), longest)
	b.tries++
	return wait/2 + rand.N(wait/2+1) //nolint:gosec // spreads the tries of many
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

package pgtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

const (
	writers    = 8
	aggregates = 40
)

// Rows is how many rows a test writes: few in a check, AMTSBOTE_OUTBOX_ROWS=200000 in the long form.
func Rows(t *testing.T, few int) int {
	t.Helper()
	text := os.Getenv("AMTSBOTE_OUTBOX_ROWS")
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 100 {
		t.Fatalf("AMTSBOTE_OUTBOX_ROWS=%q", text)
	}
	return n
}

// Office is an application with eight writers, which writes its outbox in the
// transactions that change its aggregates: some slow, some rolled back, some that
// have their number before they wait for an aggregate.
type Office struct {
	DSN    string
	Schema string // with the table outbox
	Wanted int64  // rows
	Type   string
	// Payload is an SQL expression of the number of the aggregate ($1) and the
	// number of its change (n).
	Payload string

	written atomic.Int64
}

// Written is how many rows are committed, as far as the writers know.
func (o *Office) Written() int64 { return o.written.Load() }

func (o *Office) table(name string) string { return pgx.Identifier{o.Schema, name}.Sanitize() }

// Open makes the table of aggregates.
func (o *Office) Open(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, o.DSN)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, fmt.Sprintf("CREATE TABLE %s AS SELECT i AS id, 0 AS n FROM generate_series(0, %d) i; ALTER TABLE %s ADD PRIMARY KEY (id)",
		o.table("aggregate"), aggregates, o.table("aggregate")))
	return errors.Join(err, conn.Close(ctx))
}

// Start has the writers write; finished waits for them.
func (o *Office) Start(ctx context.Context) (finished func() error) {
	var group sync.WaitGroup
	failed := make([]error, writers)
	for n := range writers {
		group.Go(func() { failed[n] = o.write(ctx, uint64(n)) }) //nolint:gosec // small
	}
	return func() error {
		group.Wait()
		return errors.Join(failed...)
	}
}

// write works until enough is written; the server may go away meanwhile.
func (o *Office) write(ctx context.Context, seed uint64) error {
	random := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a test's
	var conn *pgx.Conn
	defer func() {
		if conn != nil {
			_ = conn.Close(context.WithoutCancel(ctx))
		}
	}()
	for o.written.Load() < o.Wanted {
		if conn == nil || conn.IsClosed() {
			var err error
			if conn, err = pgx.Connect(ctx, o.DSN); err != nil {
				conn = nil
				if ctx.Err() != nil {
					return err
				}
				continue // the server is away
			}
		}
		n, err := o.transaction(ctx, conn, random)
		if err != nil && !conn.IsClosed() && ctx.Err() == nil && !errors.Is(err, errRolledBack) {
			return err
		}
		if err == nil {
			o.written.Add(int64(n))
		}
	}
	return nil
}

var errRolledBack = errors.New("rolled back")

// transaction changes some aggregates. That of a transaction which has its number
// already, when it waits for an aggregate, is the trap of the order.
func (o *Office) transaction(ctx context.Context, conn *pgx.Conn, random *rand.Rand) (rows int, err error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback(ctx) //nolint:errcheck // after Commit it does nothing
	if random.IntN(3) == 0 {
		if _, err := tx.Exec(ctx, "SELECT pg_current_xact_id()"); err != nil {
			return 0, err
		}
	}
	some := random.Perm(aggregates)[:1+random.IntN(3)]
	slices.Sort(some) // no deadlocks
	for _, a := range some {
		for range 1 + random.IntN(4) {
			rows++
			if _, err := tx.Exec(ctx, fmt.Sprintf(`WITH n AS (UPDATE %s SET n = n + 1 WHERE id = $1 RETURNING n)
INSERT INTO %s (id, aggregatetype, aggregateid, type, payload)
SELECT gen_random_uuid(), 'Antrag', md5($1::text)::uuid::text, $2, %s FROM n`, o.table("aggregate"), o.table("outbox"), o.Payload), a, o.Type); err != nil {
				return 0, err
			}
		}
		if slow := random.IntN(60); slow == 0 {
			if _, err := tx.Exec(ctx, "SELECT pg_sleep(0.05)"); err != nil {
				return 0, err
			}
		}
	}
	if random.IntN(10) == 0 {
		return 0, errRolledBack
	}
	return rows, tx.Commit(ctx)
}

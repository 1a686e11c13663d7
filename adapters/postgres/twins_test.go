package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/hub"
)

// TestTwins: two processes read one table, and even share the place in it, as nobody
// should have them do. The hub knows events by their ids: each row comes once, in the
// order of its aggregate, and no row is passed over, also when one of the two ends.
func TestTwins(t *testing.T) {
	for _, more := range []string{"batch: 7\n", "batch: 7\nhabit: delete\n"} {
		t.Run(more, func(t *testing.T) {
			r := newRoom(t, common(t))
			r.outbox()
			r.more = plainTypes + more
			in := adaptertest.NewIntake()
			stop := []func(){r.twin(in), r.twin(in)}
			n, slow := 0, r.c.Dial(t, r.c.DSN("postgres"))
			write := func(rows int) {
				for range rows {
					r.exec(twinRow, idOf(n), fmt.Sprint(n%3), fmt.Sprintf(`{"n": %d}`, n))
					n++
				}
			}
			write(20)
			tx, err := slow.Begin(t.Context()) // its row has an early number, and is seen late
			must(t, err)
			_, err = tx.Exec(t.Context(), "INSERT INTO "+r.schema+".outbox (id, aggregatetype, aggregateid, type, payload) VALUES ($1, 'Antrag', 'slow', 'Angemeldet', '{\"n\": 0}')", idOf(-1))
			must(t, err)
			write(20)
			must(t, tx.Commit(t.Context()))
			write(20)
			stop[0]()
			write(20)
			stop = append(stop[1:], r.twin(in))
			write(20)
			r.await(func() bool { return len(in.Events()) == n+1 })
			for _, end := range stop {
				end()
			}
			inOrder(t, in.Events())
			must(t, in.Breaches())
		})
	}
}

const twinRow = "INSERT INTO S.outbox (id, aggregatetype, aggregateid, type, payload) VALUES ($1, 'Antrag', $2, 'Angemeldet', $3)"

// twin runs a source of the room until end is called.
func (r *room) twin(in hub.Intake) (end func()) {
	r.t.Helper()
	source, err := r.source()
	must(r.t, err)
	ctx, cancel := context.WithCancel(r.t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		if err := source.Run(ctx, in); err != nil {
			r.t.Error(err)
		}
	})
	return func() { cancel(); done.Wait() }
}

func (r *room) await(done func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatal("not in time")
		}
	}
}

func inOrder(t *testing.T, events []hub.Event) {
	t.Helper()
	last := map[string]int{}
	for _, e := range events {
		var d struct{ N int }
		must(t, json.Unmarshal(e.Data(), &d))
		if before, seen := last[e.Subject()]; seen && d.N <= before {
			t.Errorf("%d came after %d", d.N, before)
		}
		last[e.Subject()] = d.N
	}
}

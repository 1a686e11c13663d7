package flow

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// someLoads draws events with few copies, many copies and large copies.
func someLoads(t *rapid.T) []load {
	n := rapid.IntRange(0, 30).Draw(t, "events")
	out := make([]load, n)
	seq := uint64(0)
	for i := range out {
		seq += rapid.Uint64Range(1, 3).Draw(t, "gap")
		copies := rapid.SampledFrom([]int{1, 1, 2, 5, 400, packMessages, packMessages + 1, 2*packMessages + 7}).Draw(t, "copies")
		size := rapid.SampledFrom([]int{1, 1, 1000, 100_000}).Draw(t, "size")
		if copies > 5 {
			size = 10
		}
		out[i].seq = seq
		data := make([]byte, size)
		for c := range copies {
			out[i].msgs = append(out[i].msgs, event.Message{Subject: fmt.Sprintf("%d/%d", seq, c), Data: data})
		}
	}
	return out
}

// TestPackSurvivesACrashAnywhere: whatever number of batches is stored when the
// owner dies, packing again from the stored cursor stores the rest, each message
// once, in order.
func TestPackSurvivesACrashAnywhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		loads := someLoads(t)
		var want []string
		for _, l := range loads {
			for _, m := range l.msgs {
				want = append(want, m.Subject)
			}
		}
		var got []string
		cursor := decision.Cursor{}
		for rest := loads; ; {
			batches := pack(cursor, rest)
			stored := len(batches)
			if stored > 0 && rapid.Bool().Draw(t, "crash") {
				stored = rapid.IntRange(1, stored).Draw(t, "stored before the crash")
			}
			for _, b := range batches[:stored] {
				checkBatch(t, b)
				for _, m := range b.msgs {
					got = append(got, m.Subject)
				}
				cursor = b.cursor
			}
			if stored == len(batches) {
				break
			}
			for len(rest) > 0 && rest[0].seq <= cursor.Seq {
				rest = rest[1:]
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("stored %d messages, want %d, or in another order", len(got), len(want))
		}
		if n := len(loads); n > 0 && (cursor.Seq != loads[n-1].seq || cursor.Part != 0) {
			t.Fatalf("the last cursor is %+v, want sequence %d complete", cursor, loads[n-1].seq)
		}
	})
}

func checkBatch(t *rapid.T, b *batch) {
	if n := len(b.msgs); n == 0 || n > packMessages {
		t.Fatalf("a batch of %d messages", n)
	}
	if n := bytesOf(b.msgs); n > packBytes {
		t.Fatalf("a batch of %d bytes", n)
	}
}

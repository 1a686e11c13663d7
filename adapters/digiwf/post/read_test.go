package post

import (
	"maps"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/amtsbote/amtsbote/adapters/digiwf/digiwfsim"
	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
)

func letter(offset int64, id string) *kgo.Record {
	return &kgo.Record{Offset: offset, Headers: []kgo.RecordHeader{{Key: IDHeader, Value: []byte(id)}}}
}

// What was read serves every look: what is behind it, before it or in a gap is read, and
// nothing twice. A topic that has become shorter is another one.
func TestReadServes(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		known []span
		spans map[int32]span
		rest  map[int32]span
	}{
		"goes on":            {[]span{{10, 20}}, map[int32]span{0: {12, 40}}, map[int32]span{0: {20, 40}}},
		"another partition":  {[]span{{10, 20}}, map[int32]span{0: {20, 20}, 1: {0, 5}}, map[int32]span{1: {0, 5}}},
		"begins earlier":     {[]span{{10, 20}}, map[int32]span{0: {9, 40}}, map[int32]span{0: {9, 10}}},
		"a gap":              {[]span{{0, 5}, {10, 20}}, map[int32]span{0: {2, 40}}, map[int32]span{0: {5, 10}}},
		"behind":             {[]span{{10, 20}}, map[int32]span{0: {21, 40}}, map[int32]span{0: {21, 40}}},
		"of a shorter topic": {[]span{{10, 20}}, map[int32]span{0: {10, 19}}, map[int32]span{0: {10, 19}}},
		"nothing new in it":  {[]span{{10, 20}}, map[int32]span{0: {15, 20}}, map[int32]span{}},
	} {
		k := &Kafka{topics: map[string]*read{"t": {spans: map[int32][]span{0: tc.known}}}}
		if rest := k.readOf("t", tc.spans).rest(tc.spans); !maps.Equal(rest, tc.rest) {
			t.Errorf("%s: rest %v, want %v", name, rest, tc.rest)
		}
		k.forget.Stop()
	}
}

// Letters that were begun at different times take turns, and each look breaks off: both
// get to the end, and no record is read twice.
func TestReadTakesTurns(t *testing.T) {
	t.Parallel()
	const end = 1000
	r := &read{spans: map[int32][]span{}, ids: map[letterID]struct{}{}, most: maxRead}
	seen := map[int64]bool{}
	done := 0
	for look := 0; done < 2; look++ {
		if look > 100 {
			t.Fatalf("after %d looks %d records are read, in %v", look, len(seen), r.spans)
		}
		part, some := r.rest(map[int32]span{0: {[]int64{0, 500}[look%2], end}})[0]
		if !some {
			done++
			continue
		}
		done = 0
		for offset := part.from; offset < min(part.from+100, part.to); offset++ {
			if seen[offset] {
				t.Fatalf("the record %d is read twice", offset)
			}
			seen[offset] = true
			r.take(letter(offset, ID(string(rune(offset)))), part)
		}
	}
	if len(seen) != end || len(r.ids) != end || len(r.spans[0]) != 1 {
		t.Errorf("%d records, %d letters, spans %v", len(seen), len(r.ids), r.spans)
	}
}

// What is remembered is bounded, and is of our letters alone; behind its end nothing
// counts as read.
func TestReadIsBounded(t *testing.T) {
	t.Parallel()
	r := &read{spans: map[int32][]span{}, ids: map[letterID]struct{}{}, most: 2}
	part := span{0, 10}
	for offset, id := range []string{"foreign", ID("a"), ID("a"), ID("b"), ID("c"), ID("a"), ID("d")} {
		got := r.take(letter(int64(offset), id), part)
		if (got == nil) != (id == "foreign") {
			t.Errorf("record %d is %v", offset, got)
		}
	}
	if rest := r.rest(map[int32]span{0: part}); len(r.ids) != 2 || !maps.Equal(rest, map[int32]span{0: {4, 10}}) {
		t.Errorf("%d letters are remembered, and the rest is %v", len(r.ids), rest)
	}
	k := &Kafka{topics: map[string]*read{"t": r}}
	if k.forgetRead(); len(k.topics) > 0 {
		t.Error("what was read is kept when nobody looks any more")
	}
}

// Beyond the bound every letter is still found, and what is not there is not.
func TestLookBackBeyondTheBound(t *testing.T) {
	t.Parallel()
	const topic, letters = "dwf-connector-test", 12
	broker, err := digiwfsim.OpenBroker(0, t.TempDir(), 2, []string{topic})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Stop)
	begun := time.Now()
	r := &read{spans: map[int32][]span{}, ids: map[letterID]struct{}{}, most: 5}
	k := &Kafka{
		Kafka: wire.Kafka{Brokers: []string{broker.Address()}, Plaintext: true}, Timeout: time.Minute, Idle: time.Minute, MaxBytes: 1 << 20,
		Dir: t.TempDir(), LookBack: true, topics: map[string]*read{topic: r},
	}
	t.Cleanup(k.Close)
	for n := range letters {
		if err := k.Send(t.Context(), ID(strconv.Itoa(n)), Letter{Topic: topic, Key: strconv.Itoa(n), Body: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
	}
	for n := range letters + 2 {
		if got, err := k.Sent(t.Context(), ID(strconv.Itoa(n)), Letter{Topic: topic}, begun); err != nil || got != (n < letters) {
			t.Errorf("letter %d: %v %v", n, got, err)
		}
	}
	if k.topics[topic] != r || len(r.ids) != 5 {
		t.Errorf("%d letters are remembered", len(r.ids))
	}
}

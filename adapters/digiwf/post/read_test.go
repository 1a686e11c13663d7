package post

import (
	"maps"
	"strconv"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// What was read serves a look that begins in it; one that begins earlier or behind it,
// or sees a topic that has become shorter, reads anew.
func TestReadServes(t *testing.T) {
	t.Parallel()
	k := &Kafka{}
	first := map[int32]span{0: {10, 30}}
	r := k.readOf("t", first)
	if rest := r.rest(first); !maps.Equal(rest, first) {
		t.Errorf("rest %v", rest)
	}
	r.take(&kgo.Record{Partition: 0, Offset: 19, Headers: []kgo.RecordHeader{{Key: IDHeader, Value: []byte("a")}}})
	for name, tc := range map[string]struct {
		spans map[int32]span
		same  bool
		rest  map[int32]span
	}{
		"goes on":            {map[int32]span{0: {12, 40}}, true, map[int32]span{0: {20, 40}}},
		"another partition":  {map[int32]span{0: {20, 20}, 1: {0, 5}}, true, map[int32]span{1: {0, 5}}},
		"begins earlier":     {map[int32]span{0: {9, 40}}, false, map[int32]span{0: {9, 40}}},
		"leaves a gap":       {map[int32]span{0: {21, 40}}, false, map[int32]span{0: {21, 40}}},
		"of a shorter topic": {map[int32]span{0: {10, 19}}, false, map[int32]span{0: {10, 19}}},
		"nothing new in it":  {map[int32]span{0: {15, 20}}, true, map[int32]span{}},
	} {
		k.topics["t"] = &read{spans: maps.Clone(r.spans), ids: maps.Clone(r.ids)}
		got := k.readOf("t", tc.spans)
		rest := got.rest(tc.spans)
		if got.ids["a"] != tc.same || !maps.Equal(rest, tc.rest) {
			t.Errorf("%s: known %v, rest %v", name, got.ids["a"], rest)
		}
	}
	for n := range maxRead + 1 {
		r.ids[strconv.Itoa(n)] = true
	}
	k.topics["t"] = r
	if got := k.readOf("t", first); len(got.ids) > 0 {
		t.Errorf("%d letters are remembered", len(got.ids))
	}
}

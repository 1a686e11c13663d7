package trail

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/raced"
)

func decisions(n, size int) []*decision.Decision {
	out := make([]*decision.Decision, n)
	for i := range out {
		out[i] = &decision.Decision{
			In: "IN_a", Seq: uint64(i + 1), ID: fmt.Sprintf("id-%d", i), Outcome: hub.Routed, Decided: time.Unix(int64(i), 0).UTC(), Stored: time.Unix(1, 0).UTC(),
			Receivers: []decision.Receiver{{Application: "b.c", Agreement: fmt.Sprintf("%0*d", size, i)}},
		}
	}
	return out
}

// TestGroups: whatever their number and size, the records come back as they were, in
// their order; few stand alone, many share a message, none of which is too large.
func TestGroups(t *testing.T) {
	raced.Alone(t)
	for _, size := range []int{1, 3000, 150_000} {
		for _, n := range []int{0, 1, packFrom - 1, packFrom, packMost, packMost + 1, 999} {
			ds := decisions(n, size)
			groups, err := Groups(ds)
			if err != nil {
				t.Fatal(err)
			}
			var back []*decision.Decision
			for _, g := range groups {
				some, err := ReadDecisions(&g.Message)
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(some, g.Decisions) {
					t.Errorf("%d of %d bytes: a message does not hold what it is said to", n, size)
				}
				back = append(back, some...)
				if len(g.Message.Data) > packBytes+packFrom*(size+1000) {
					t.Errorf("%d of %d bytes: a message has %d bytes", n, size, len(g.Message.Data))
				}
				if alone := g.Message.Subject == ds[0].Subject() || g.Message.Subject != decision.PackSubject("IN_a"); alone != (n < packFrom) {
					t.Errorf("%d records: one stands at %s", n, g.Message.Subject)
				}
				for _, d := range some {
					if !MayBeAbout(&g.Message, d.ID) {
						t.Errorf("%s is not found in its own message", d.ID)
					}
				}
			}
			if n > 0 && !reflect.DeepEqual(back, ds) {
				t.Errorf("%d of %d bytes: %d came back", n, size, len(back))
			}
			if n >= packFrom && size == 1 && len(groups) != max(1, (n-packFrom+packMost)/packMost) {
				t.Errorf("%d records make %d messages", n, len(groups))
			}
			for _, g := range groups {
				if n >= packFrom && size == 1 && len(g.Decisions) < packFrom {
					t.Errorf("of %d records a message holds %d", n, len(g.Decisions))
				}
			}
		}
	}
}

// TestMayBeAbout: of ids that are not in a pack few may be, and without the header
// all.
func TestMayBeAbout(t *testing.T) {
	groups, err := Groups(decisions(packMost, 1))
	if err != nil {
		t.Fatal(err)
	}
	m, wrong := &groups[0].Message, 0
	for i := range 10_000 {
		if MayBeAbout(m, fmt.Sprintf("other-%d", i)) {
			wrong++
		}
	}
	if wrong > 100 {
		t.Errorf("%d of 10 000 others may be in it", wrong)
	}
	for n := packFrom; n <= few+1; n++ {
		groups, err := Groups(decisions(n, 1))
		if err != nil {
			t.Fatal(err)
		}
		wrong := 0
		for i := range 1000 {
			if MayBeAbout(&groups[0].Message, fmt.Sprintf("other-%d", i)) {
				wrong++
			}
		}
		if wrong > 20 {
			t.Errorf("of %d: %d of 1000 others may be in it", n, wrong)
		}
	}
	for _, header := range []string{"", "AAAA", "?"} {
		m.Header["Amtsbote-Ids"] = []string{header}
		if !MayBeAbout(m, "other") {
			t.Errorf("with the header %q it is said for certain", header)
		}
	}
}

// TestReadDecisions: what is no record is an error, also behind one, and what would be
// too large once it is decompressed; packs from before they were compressed are read.
func TestReadDecisions(t *testing.T) {
	ds := decisions(packFrom, 1)
	groups, err := Groups(ds)
	if err != nil {
		t.Fatal(err)
	}
	whole := groups[0].Message
	lines, err := unpacked(&whole)
	if err != nil {
		t.Fatal(err)
	}
	for _, data := range [][]byte{lines, whole.Data} { // without a header, as the ledger puts them back
		if back, err := ReadDecisions(&event.Message{Data: data}); err != nil || !reflect.DeepEqual(back, ds) {
			t.Errorf("%d records, %v", len(back), err)
		}
	}
	if least, err := json.Marshal(decision.Decision{}); err != nil || packFrom*len(least) < utf8.RuneSelf {
		t.Errorf("a pack can be so small that its length looks like text: %d bytes a record, %v", len(least), err)
	}
	for name, m := range map[string]event.Message{
		"nothing": {}, "cut": {Data: lines[:len(lines)-5]}, "text": {Data: []byte("x")},
		"a pack that is cut": {Data: whole.Data[:len(whole.Data)-5]}, "a pack of too much": {Data: binary.AppendUvarint(nil, maxPack+1)},
	} {
		if ds, err := ReadDecisions(&m); err == nil {
			t.Errorf("%s gave %d decisions", name, len(ds))
		}
	}
}

package host

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/amtsbote/amtsbote/hub"
)

// TestDelivered: the listener hears of each copy that was taken, across restarts and in any
// order, and of all at the end.
func TestDelivered(t *testing.T) {
	const ref = `"ereignis":{"source":"urn:x","id":"7","type":"t"}`
	taken := func(by string) string { return `{` + ref + `,"empfaenger":{"fachverfahren":"` + by + `","regel":"r"}}` }
	var told []string
	dir, away := t.TempDir(), true
	hear := func(typ, data string) error {
		var e hub.Event
		if err := json.Unmarshal([]byte(`{"specversion":"1.0","id":"r","source":"`+receiptSource+`","type":"`+typ+`","data":`+data+`}`), &e); err != nil {
			t.Fatal(err)
		}
		m := &Mailbox{Receipts: state(dir), Listener: part{settled: func(s hub.Settlement) error {
			if away {
				return errors.New("away")
			}
			told = append(told, fmt.Sprintf("%s %s %d/%d", s.ID, s.Outcome, s.Done, s.Copies))
			return nil
		}}}
		return m.hear(t.Context(), &e)
	}
	if err := hear(typeDelivered, taken("lhm.b")); err != nil {
		t.Error("before the outcome is known nobody is told:", err)
	}
	both := `{` + ref + `,"empfaenger":[{"fachverfahren":"lhm.a"},{"fachverfahren":"lhm.b"}]}`
	if err := hear(typeAccepted, both); err == nil {
		t.Error("the listener's error was lost")
	}
	away = false
	for _, one := range [][2]string{{typeAccepted, both}, {typeDelivered, taken("lhm.b")}, {typeDelivered, taken("lhm.x")}, {typeDelivered, taken("lhm.a")}} {
		if err := hear(one[0], one[1]); err != nil {
			t.Error(err)
		}
	}
	want := []string{"7 routed 1/2", "7 routed 1/2", "7 routed 1/2", "7 routed 2/2"}
	if !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Error("receipts are left:", len(left), err)
	}
}

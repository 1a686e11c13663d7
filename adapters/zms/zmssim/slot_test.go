package zmssim

import (
	"encoding/json"
	"testing"
	"time"
)

// TestFileSlot: a free appointment some days from today keeps its time of day when
// the clocks change in between.
func TestFileSlot(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 10, 24, 22, 30, 0, 0, time.UTC) // the 25th in Berlin, still summer time
	for _, c := range []struct{ file, want string }{
		{`{"in-tagen": 3, "uhr": "10:30"}`, "2026-10-28T09:30:00Z"},
		{`{"beginn": 1793179800}`, "2026-10-28T09:30:00Z"},
		{`{"in-tagen": 3, "uhr": "halb elf"}`, ""},
		{`{"beginn": 1, "uhr": "10:30"}`, ""},
	} {
		var f fileSlot
		if err := json.Unmarshal([]byte(c.file), &f); err != nil {
			t.Fatal(err)
		}
		s, err := f.at(now)
		got := ""
		if err == nil {
			got = time.Unix(s.Beginn, 0).UTC().Format(time.RFC3339)
		}
		if got != c.want {
			t.Errorf("%s: %q, %v", c.file, got, err)
		}
	}
}

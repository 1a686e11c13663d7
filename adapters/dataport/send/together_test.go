package send_test

import (
	"testing"

	"github.com/amtsbote/amtsbote/adapters/dataport/fitsim"
	"github.com/amtsbote/amtsbote/hub"
)

// TestIndependent: the entry and the message of one status do not wait for each
// other; what passes decides over what failed for good.
func TestIndependent(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		address   string
		announce  []fitsim.Effect
		permanent bool
		arrived   int
	}{
		{citizen, []fitsim.Effect{"422"}, true, 1},
		{citizen, []fitsim.Effect{"500"}, false, 1},
		{citizen, []fitsim.Effect{"422", "500"}, false, 0},
		{"kein Postfach", nil, true, 1},
	} {
		s := withZBP(t)
		for _, do := range c.announce {
			s.order(t, fitsim.Order{On: "announce", Do: do})
		}
		e := changed(map[string]any{
			"statusmonitor": application, "rueckkanal": map[string]any{"art": "bundid", "adresse": c.address}, "nachricht": map[string]any{"text": "Anbei."},
		})
		f := hub.FaultOf(s.sink(t, box).Deliver(t.Context(), delivery("id", e)))
		if f == nil || f.Permanent != c.permanent || len(s.Waiting(mailbox)) != c.arrived {
			t.Errorf("%v: %v, %d arrived", c, f, len(s.Waiting(mailbox)))
		}
	}
}

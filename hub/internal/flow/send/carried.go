package send

import (
	"strconv"
	"strings"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// CarriedOut tells whether a message of OUT or QUARANTINE is what a lane stores when
// it carries out a decision; and not what came later of the same event: of its
// return, expiry, delivery or replay, or since its receiver refused it.
func CarriedOut(m *event.Message) bool {
	root, _, _ := strings.Cut(m.Subject, ".")
	switch root {
	case "out":
		if m.Get(event.HeaderReplay) != "" {
			return false
		}
		in, seq := m.Of()
		own := "." + in + "-" + strconv.FormatUint(seq, 10) // as a return has it
		id := m.Get(event.HeaderDelivery)
		return !strings.HasSuffix(m.Subject, own) && !strings.HasSuffix(id, givenBackSuffix) && !strings.HasSuffix(id, expiredSuffix) && !strings.HasSuffix(id, deliveredSuffix)
	case "quarantine": // quarantine.<organisation>.<application>.<code>; all others have more
		return strings.Count(m.Subject, ".") == 3
	}
	return false
}

// Due is how many messages a decision brings to a stream of the hub when it is carried
// out. Its subjects begin with root.
func Due(root string, d *decision.Decision) int {
	refused := (d.Outcome == hub.Quarantined || d.Outcome == hub.Unrouted) && !d.Code.ByPerson()
	n := 0
	switch root {
	case "out":
		if d.Outcome == hub.Routed {
			n = len(d.Receivers)
		}
		if d.HasReceipt() {
			n++
		}
	case "quarantine":
		if refused {
			n = 1
		}
	case "parked":
		if d.Outcome == hub.Parked && !d.Stays() {
			n = 1
		}
	}
	return n
}

package send

import (
	"strings"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// CarriedOut tells whether a message of OUT or QUARANTINE is what a lane stores when
// it carries out a decision; and not what came later of the same event: of its
// return, expiry or delivery, or since its receiver refused it.
func CarriedOut(m *event.Message) bool {
	root, _, _ := strings.Cut(m.Subject, ".")
	switch root {
	case "out":
		own := "." + m.Get(event.HeaderIn) + "-" + m.Get(event.HeaderSeq) // as a return has it
		id := m.Get(event.HeaderDelivery)
		return !strings.HasSuffix(m.Subject, own) && !strings.HasSuffix(id, expiredSuffix) && !strings.HasSuffix(id, deliveredSuffix)
	case "quarantine": // quarantine.<organisation>.<application>.<code>; all others have more
		return strings.Count(m.Subject, ".") == 3
	}
	return false
}

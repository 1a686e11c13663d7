package send

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Replay gives the copy that a replay brings, from its record and the event: the same
// two give the same copy. It goes in binary mode, since it carries a mark that the event
// did not (hub.AttrReplay); its data is that of the event byte for byte where nothing is
// cut. Its subject is its own, so that the ledger tells it from the first copy. Its
// sender is told nothing of it.
func (s *Sender) Replay(r *decision.Replayed, e *event.Event) (m event.Message, err error) {
	schema, ok := s.schemas.Lookup(e.Type())
	if !ok {
		return m, fmt.Errorf("carry out replay %s of %s %d: event type %s: %w", r.Run, r.In, r.Seq, e.Type(), ErrSchemaGone)
	}
	pass, _ := allowed(e, schema)
	pass = slices.DeleteFunc(slices.Clone(pass), func(a event.Attribute) bool { return a.Name == hub.AttrReplay })
	m.Header = map[string][]string{}
	if err := s.rewrite(&m, r.Receiver, e, schema, pass); err != nil {
		return m, fmt.Errorf("carry out replay %s of %s %d: %w", r.Run, r.In, r.Seq, err)
	}
	m.Header["ce-"+hub.AttrReplay] = []string{r.Run}
	m.Header[event.HeaderReplay] = []string{r.Run}
	m.Subject = fmt.Sprintf("out.%s.%s.replay-%s", r.Mailbox, e.Type(), r.Run)
	addressed(m.Header, r.Receiver.Agreement, deliveryID(r.Place(), r.Mailbox+"-"+r.Run))
	m.Header[event.HeaderIn], m.Header[event.HeaderSeq] = []string{r.In}, []string{strconv.FormatUint(r.Seq, 10)}
	if !r.Receiver.Expires.IsZero() {
		m.Header[event.HeaderRetain] = []string{r.Receiver.Expires.UTC().Format(time.RFC3339Nano)}
	}
	return m, nil
}

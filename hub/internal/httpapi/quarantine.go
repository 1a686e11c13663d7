package httpapi

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/accept"
	"github.com/amtsbote/amtsbote/hub/internal/index"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// QuarantinePath is where the sender of an event, stored at a place, finds out what
// became of it. It names the event and gives nobody a right to it.
func QuarantinePath(source, id string, at decision.Ref) string {
	name := strings.Join([]string{at.In, strconv.FormatUint(at.Seq, 10), source, id}, "\x00")
	return "/quarantine/" + base64.RawURLEncoding.EncodeToString([]byte(name))
}

// named reads the last segment of a QuarantinePath.
func named(segment string) (source, id string, at decision.Ref, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(segment)
	parts := strings.Split(string(raw), "\x00")
	if err != nil || len(parts) != 4 {
		return "", "", at, false
	}
	seq, err := strconv.ParseUint(parts[1], 10, 64)
	return parts[2], parts[3], decision.Ref{In: parts[0], Seq: seq}, err == nil
}

// The states of an event that was refused with 422.
const (
	stateWaiting     = "waiting"     // stored, not decided yet
	stateQuarantined = "quarantined" // it rests there with its reason
	stateSuperseded  = "superseded"  // another one with its id was decided since
	statePassed      = "passed"      // it was let pass after all
	stateParked      = "parked"      // it waits behind an earlier event of its key
)

type quarantined struct {
	ID     string       `json:"id"`
	Source string       `json:"source"`
	State  string       `json:"state"`
	Code   refusal.Code `json:"code,omitempty"`
	Reason string       `json:"reason,omitempty"`
	// Decided is when the state came about.
	Decided *time.Time `json:"decided,omitempty"`
}

// quarantine answers GET /quarantine/{event}. What is not the asker's is not there.
func (d *Door) quarantine(w http.ResponseWriter, r *http.Request, p *Principal) error {
	source, id, at, ok := named(r.PathValue("event"))
	if ok {
		_, ok = p.Application.Authority(source)
	}
	if !ok {
		return NewProblem(http.StatusNotFound, refusal.NotFound)
	}
	out := quarantined{ID: id, Source: source}
	seen, known := d.Index.Lookup(event.IdentityOf(source, id))
	if err := d.Index.Err(); err != nil {
		return err
	}
	switch {
	case known && (seen.Ref.In != at.In || seen.Ref.Seq >= at.Seq):
		out.tell(seen, at, Language(r))
	default:
		e, err := d.lying(r, p, source, id, at)
		switch {
		case err != nil:
			return err
		case e == nil:
			return NewProblem(http.StatusNotFound, refusal.NotFound)
		case known && seen.Digest == e.Digest(): // it came twice at the same moment
			out.tell(seen, seen.Ref, Language(r))
		default:
			out.State = stateWaiting
		}
	}
	w.Header().Set("Content-Language", Language(r))
	WriteJSON(w, http.StatusOK, out)
	return nil
}

func (q *quarantined) tell(seen index.Seen, at decision.Ref, lang string) {
	q.Decided = &seen.At
	switch {
	case seen.Ref != at:
		q.State = stateSuperseded
	case seen.Outcome == hub.Routed:
		q.State = statePassed
	case seen.Outcome == hub.Parked:
		q.State = stateParked
	default:
		q.State = stateQuarantined
	}
	if seen.Code != "" && q.State != statePassed {
		q.Code, q.Reason = seen.Code, seen.Code.Sentence(lang)
	}
}

// lying gives an event of the asker's that lies at a place of its edge stream; nil when
// there is none.
func (d *Door) lying(r *http.Request, p *Principal, source, id string, at decision.Ref) (*event.Event, error) {
	if at.In != bus.EdgeStream(p.Organisation()) || at.Seq == 0 {
		return nil, nil
	}
	m, err := d.Bus.At(r.Context(), at.In, at.Seq, "edge."+p.Application.ID+".>")
	if err != nil || m == nil || m.Seq != at.Seq {
		return nil, err
	}
	e, _, _ := accept.Accept(p.Federation, p.Organisation(), m)
	if e == nil || e.Source() != source || e.ID() != id {
		return nil, nil
	}
	return e, nil
}

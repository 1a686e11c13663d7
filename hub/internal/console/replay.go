package console

import (
	"slices"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/explain"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/replay"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// replaysPage lists the replays that the person may see: those to an organisation whose
// side they see.
type replaysPage struct {
	Org  string
	Orgs []*federation.Organisation
	Runs []replayView
	// Asks tells that the person may count, and ask for one.
	Asks, Local bool
}

// replayView is a replay and what the person may do with it.
type replayView struct {
	*replay.Run
	State, Title string
	Goes, Held   uint64
	Rows         []replayRow
	Own          bool // the person asked for it
	MayDecide    bool
	MayCancel    bool
	Acts         bool // an adapter hands out what goes
}

// replayRow is one verdict with its numbers.
type replayRow struct {
	Verdict         string
	Goes            bool
	Found, Expected uint64
}

func (q *request) replays() error {
	org, err := q.organisation(federation.SightMetadata)
	if err != nil {
		return err
	}
	data := &replaysPage{Org: org, Orgs: q.choices(), Asks: len(q.replayReceivers()) > 0, Local: q.person.local}
	for _, r := range q.cfg.Hub.Replays().Runs() {
		o := search.Organisation(r.Scope.Application)
		if (org == "" || o == org) && q.person.sight(o) >= federation.SightMetadata {
			data.Runs = append(data.Runs, q.replayView(r))
		}
	}
	return q.show("replays", q.t.Replays, data)
}

func (q *request) replayView(r *replay.Run) replayView {
	state := r.State(q.now())
	org := search.Organisation(r.Scope.Application)
	v := replayView{Run: r, State: string(state), Title: q.t.replayState(state), Own: q.by().Same(r.Request.By)}
	acts := q.person.acts(org) && !q.person.local
	v.MayDecide = acts && !v.Own && state == replay.Requested
	v.MayCancel = acts && (state == replay.Requested || state == replay.Running)
	v.Acts = q.handedByAdapter(r.Scope.Application)
	v.Goes, v.Held = r.Counts[decision.ReplayGoes], r.Counts.Held()
	v.Rows = q.replayRows(r.Counts, r.Expected)
	return v
}

// replayRows are the verdicts that occur in one of two counts.
func (q *request) replayRows(found, expected decision.ReplayCounts) (out []replayRow) {
	for _, v := range decision.ReplayVerdicts {
		if found[v] > 0 || expected[v] > 0 {
			out = append(out, replayRow{explain.VerdictSentence(v, q.lang), v == decision.ReplayGoes, found[v], expected[v]})
		}
	}
	return out
}

// by is the person for the trail. Whoever has two names at the issuer is one person.
func (q *request) by() replay.By {
	return replay.By{Who: q.person.who, Person: q.session.person()}
}

// oneReplay shows a replay.
func (q *request) oneReplay() error { return q.showReplay("") }

// replayPage is one replay.
type replayPage struct {
	replayView
	Fault string
	Local bool
}

func (q *request) showReplay(fault string) error {
	r, err := q.seenReplay()
	if err != nil {
		return err
	}
	return q.show("replay", q.t.Replays, &replayPage{q.replayView(r), fault, q.person.local})
}

// seenReplay is the one that the address names, if the person may see it.
func (q *request) seenReplay() (*replay.Run, error) {
	if err := q.spent(); err != nil {
		return nil, err
	}
	if q.person.most() < federation.SightMetadata {
		return nil, errForbidden
	}
	r, ok := q.cfg.Hub.Replays().Find(q.r.PathValue("run"))
	if !ok {
		q.miss()
		return nil, errNotFound
	}
	if org := search.Organisation(r.Scope.Application); q.person.sight(org) < federation.SightMetadata {
		if err := q.deny(org); err != nil { // as if it were not there
			return nil, err
		}
		return nil, errNotFound
	}
	return r, nil
}

// actReplay approves, rejects or cancels a replay.
func (q *request) actReplay() error {
	r, err := q.seenReplay()
	if err != nil {
		return err
	}
	if !q.person.acts(search.Organisation(r.Scope.Application)) || q.person.local {
		return errForbidden
	}
	engine, act, to := q.cfg.Hub.Replays(), q.r.PostFormValue("act"), "/replays/"+r.ID
	reason, ok := q.reason()
	if !ok && act != decision.ActReplayApprove {
		q.back(to, "reason")
		return nil
	}
	switch act {
	case decision.ActReplayApprove:
		err = engine.Approve(q.r.Context(), r.ID, q.by())
	case decision.ActReplayReject:
		err = engine.Reject(q.r.Context(), r.ID, q.by(), reason)
	case decision.ActReplayCancel:
		err = engine.Cancel(q.r.Context(), r.ID, q.by(), reason)
	default:
		return errNotFound
	}
	if said := q.t.replaySays(err); said != "" {
		return q.showReplay(said)
	}
	if err != nil {
		return err
	}
	q.back(to, act)
	return nil
}

// replaysOf leaves of what replays decided about an event what the person may see.
func (q *request) replaysOf(e *explain.Event) (out []replayOfEvent) {
	for _, r := range e.Replayed {
		if q.seesReceiver(e.Decision.In, r.Mailbox) {
			var each []decision.Attempt
			if r.Delivery != nil {
				each = r.Delivery.Attempts
			}
			out = append(out, replayOfEvent{r, attemptsIn(each, r.Delivery), explain.VerdictSentence(r.Verdict, q.lang), q.person.sight(search.Organisation(r.Mailbox)) >= federation.SightMetadata})
		}
	}
	return out
}

type replayOfEvent struct {
	*explain.Replayed
	Attempts attemptsView
	Sentence string
	Linked   bool // the person may see the replay itself
}

// caseReplay is what replays brought of an event of a case.
type caseReplay struct{ search.Copy }

// replayedCopies are, of the records of copies, those of replays: the last of each.
func (q *request) replayedCopies(e *search.Event, copies []search.Copy) (out []caseReplay) {
	for _, c := range copies {
		if c.Replay == "" || !q.seesReceiver(e.In, c.Mailbox) {
			continue
		}
		i := slices.IndexFunc(out, func(other caseReplay) bool { return other.Replay == c.Replay && other.Mailbox == c.Mailbox })
		if i < 0 {
			out = append(out, caseReplay{c})
		} else {
			out[i] = caseReplay{c}
		}
	}
	return out
}

// Text says where it stands.
func (c caseReplay) Text(p *page) string {
	if text := explain.VerdictSentence(decision.ReplayVerdict(c.Result), p.Lang); text != "" {
		return text
	}
	return p.Outcome(c.Result)
}

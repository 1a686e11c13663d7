package console

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// overviewPage says how it goes now.
type overviewPage struct {
	Org    string
	Orgs   []*federation.Organisation // to choose from
	Counts []count
	Graph  graph
	Ways   []wayRow
	More   int // ways that are not shown
	Ending []ending
	Keys   []Credential // that end soon
}

// count is a number of today with a name.
type count struct {
	Title, Link string
	N           uint64
	Alarm       bool // a person should look
}

// wayRow is what went from one application to another.
type wayRow struct {
	search.Way
	Sender, Receiver string // names of the organisations that the person may know
	Waits            uint64 // copies in the receiver's mailbox, from whomever
}

// ending is an agreement that ends soon.
type ending struct {
	Agreement *federation.Agreement
	Until     time.Time
	Over      bool
}

// maxWays is how many ways the picture and the table show; the busiest.
const maxWays = 40

func (q *request) overview() error {
	org, err := q.organisation(federation.SightCounts)
	if err != nil {
		return err
	}
	now, err := q.ask(q.r.Context())
	if err != nil {
		return err
	}
	return q.show("overview", q.t.Overview, q.overviewOf(now, org))
}

// overviewOf is what of a snapshot the person sees of an organisation, "" for all.
func (q *request) overviewOf(now *snapshot, org string) *overviewPage {
	p := &overviewPage{Org: org, Orgs: q.choices()}
	p.Counts = q.counts(now, org)
	ways := now.waysOf(org)
	p.More = max(len(ways)-maxWays, 0)
	for _, w := range ways[:len(ways)-p.More] {
		row := wayRow{Way: w, Sender: q.nameOf(w.From), Receiver: q.nameOf(w.To)}
		if q.person.sight(search.Organisation(w.To)) >= federation.SightCounts {
			row.Waits = now.waits[w.To]
		}
		p.Ways = append(p.Ways, row)
	}
	p.Graph = draw(p.Ways, q.format())
	p.Ending = q.endings(org)
	p.Keys = q.keysEnding(now.keys, org)
	return p
}

// nameOf is the name of an application's organisation; "" when the person sees nothing of
// it, or when it has left the directory.
func (q *request) nameOf(application string) string {
	id := search.Organisation(application)
	if o, ok := q.cfg.Hub.Federation().Organisation(id); ok && q.person.sight(id) > federation.SightNothing {
		return o.Name
	}
	return ""
}

// sum counts the events in quarantine; what else lies there is the hub's own.
func sum(subjects map[string]uint64) (n uint64) {
	for subject, v := range subjects {
		if _, ok := groupOf(subject); ok {
			n += v
		}
	}
	return n
}

// waiting counts the copies in mailboxes of an organisation, "" for all.
func (q *request) waiting(now *snapshot, org string) (n uint64) {
	for application, copies := range now.waits {
		if o := search.Organisation(application); (org == "" || o == org) && q.person.sight(o) >= federation.SightCounts {
			n += copies
		}
	}
	return n
}

func (q *request) counts(now *snapshot, org string) []count {
	today, refused, parked, paused := now.todayOf(org), now.refusedOf(org), uint64(len(q.parkedOf(now.parked, org))), q.pausedIn(now, org)
	may := q.person.most() >= federation.SightMetadata
	link := func(path string) string {
		if !may {
			return ""
		}
		return path + orgQuery(path, org)
	}
	since := "/search?from=" + q.now().In(berlin).Format(time.DateOnly) + "T00:00"
	return []count{
		{q.t.CountAccepted, link(since), today[search.CountAccepted], false},
		{q.t.CountRouted, link(since + "&outcome=routed"), today["routed"], false},
		{q.t.CountDone, "", today["done"], false},
		{q.t.CountRefusedToday, link(since + "&outcome=" + string(search.InQuarantine)), today["quarantined"] + today["unrouted"], false},
		{q.t.CountDuplicates, link(since + "&outcome=suppressed"), today["suppressed"], false},
		{q.t.CountDoor, "", today[search.CountDoor], false},
		{q.t.CountExpired, "", today["expired"], today["expired"] > 0},
		{q.t.CountWaiting, "/streams" + orgQuery("/streams", org), q.waiting(now, org), false},
		{q.t.CountQuarantine, link("/quarantine"), refused, refused > 0},
		{q.t.CountParked, link("/parked"), parked, parked > 0},
		{q.t.CountPaused, "/streams" + orgQuery("/streams", org), paused, paused > 0},
	}
}

// orgQuery is what a link carries so that the next page is narrowed down as this one.
func orgQuery(path, org string) string {
	switch {
	case org == "":
		return ""
	case strings.Contains(path, "?"):
		return "&org=" + org
	}
	return "?org=" + org
}

// choices are the organisations that the person may narrow pages down to.
func (q *request) choices() (out []*federation.Organisation) {
	for _, o := range q.cfg.Hub.Federation().Organisations {
		if q.person.sight(o.ID) > federation.SightNothing {
			out = append(out, o)
		}
	}
	slices.SortFunc(out, func(a, b *federation.Organisation) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// soon is how long before their end agreements are told of.
const (
	soon       = 60 * 24 * time.Hour
	soonKey    = 14 * 24 * time.Hour // credentials live for shorter
	maxEndings = 20
)

func (q *request) endings(org string) (out []ending) {
	now, concerns := q.now(), partyOf(q.cfg.Hub.Federation(), org)
	for _, a := range q.cfg.Hub.Federation().Agreements {
		until := a.Valid.Until
		if until.IsZero() || !concerns(a) {
			continue
		}
		end := time.Date(until.Year, until.Month, until.Day, 0, 0, 0, 0, berlin)
		if left := end.Sub(now); left < soon && left > -soon {
			out = append(out, ending{a, end, left < -24*time.Hour})
		}
	}
	slices.SortFunc(out, func(a, b ending) int { return a.Until.Compare(b.Until) })
	return out[:min(len(out), maxEndings)]
}

// keysEnding are the credentials that end soon, or have ended lately, of an organisation.
func (q *request) keysEnding(all []Credential, org string) (out []Credential) {
	now := q.now()
	for _, c := range all {
		o := search.Organisation(c.Application)
		if org != "" && o != org || q.person.sight(o) < federation.SightMetadata {
			continue
		}
		if left := c.Expires.Sub(now); left < soonKey && left > -soon {
			out = append(out, c)
		}
	}
	slices.SortFunc(out, func(a, b Credential) int { return a.Expires.Compare(b.Expires) })
	return out[:min(len(out), maxEndings)]
}

// pausedIn counts what is paused of an organisation, "" for all.
func (q *request) pausedIn(now *snapshot, org string) (n uint64) {
	for application := range now.paused[0] {
		if org == "" || search.Organisation(application) == org {
			n++
		}
	}
	for _, ad := range q.cfg.Hub.Federation().Adapters {
		if now.paused[1][ad.Name] != nil && (org == "" || ad.Application.Organisation == org) {
			n++
		}
	}
	return n
}

// partyOf tells of agreements whether they name an application of an organisation, or a
// group that one is in; "" is any organisation.
func partyOf(fed *federation.Federation, org string) func(*federation.Agreement) bool {
	if org == "" {
		return func(*federation.Agreement) bool { return true }
	}
	in := map[string]bool{}
	for _, g := range fed.Groups {
		in[g.ID] = slices.ContainsFunc(g.Applications, func(a *federation.Application) bool { return a.Organisation == org })
	}
	party := func(p federation.Party) bool { return in[p.Group] || search.Organisation(p.Application) == org }
	return func(a *federation.Agreement) bool {
		return slices.ContainsFunc(a.From, party) || slices.ContainsFunc(a.To, party)
	}
}

package desk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/finding"
)

// Outcome is what a client says of a leased event.
type Outcome string

// The outcomes.
const (
	Done   Outcome = "done"   // worked off
	Later  Outcome = "later"  // hand it out again, after After
	Refuse Outcome = "refuse" // never: it goes to quarantine
	Extend Outcome = "extend" // not yet: the lease lasts longer
)

// Result is what came of an Item.
type Result string

// The results. What is done or refused is in the trail then.
const (
	ResultDone     Result = "done"
	ResultLater    Result = "later"
	ResultRefused  Result = "refused"
	ResultExtended Result = "extended"
	// The lease is lost, or there never was one: the event comes again.
	ResultGone Result = "gone"
	// It is not known whether the outcome is recorded: the hub is stopping. When the
	// event comes again, it is not.
	ResultUnconfirmed Result = "unconfirmed"
)

// Item settles one lease.
type Item struct {
	Token   string  `json:"token"`
	Outcome Outcome `json:"outcome"`
	// After is how many seconds a later event waits at least.
	After int `json:"after,omitempty"`
	// Untried says of a later event that nothing was tried, so that it is no attempt.
	Untried bool `json:"untried,omitempty"`
	// Lease is how many seconds an extended lease lasts from now.
	Lease int `json:"lease,omitempty"`
	// Reason is a code of the application's own, no text: it stands in the trail.
	Reason string `json:"reason,omitempty"`
}

// ItemResult answers an Item, in the same order.
type ItemResult struct {
	Token  string     `json:"token"`
	Result Result     `json:"result"`
	Until  *time.Time `json:"until,omitempty"` // of an extended lease
}

// Limits of a settlement.
const (
	MaxItems = 1000
	maxAfter = 24 * 60 * 60
	maxLease = 60 * 60
	maxToken = 64
)

var reasonPattern = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$`)

// ReadItems reads the body of a settlement. A Mistake names the item by its number,
// and quotes nothing.
func ReadItems(body []byte) ([]Item, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	var items []Item
	if err := d.Decode(&items); err != nil {
		return nil, Mistake{De: "kein JSON-Array aus {token, outcome, after, lease, reason}", En: "not a JSON array of {token, outcome, after, lease, reason}"}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, Mistake{De: "hinter dem Array steht noch etwas", En: "something follows the array"}
	}
	if len(items) == 0 || len(items) > MaxItems {
		return nil, Mistake{
			De: fmt.Sprintf("%d Einträge, wo es 1 bis %d sein dürfen", len(items), MaxItems),
			En: fmt.Sprintf("%d items, where 1 to %d can be settled", len(items), MaxItems),
		}
	}
	for i := range items {
		if m, bad := items[i].mistake(); bad {
			return nil, Mistake{De: fmt.Sprintf("Eintrag %d: %s", i+1, m.De), En: fmt.Sprintf("item %d: %s", i+1, m.En)}
		}
	}
	return items, nil
}

// Mistake is what is wrong with a request.
type Mistake finding.Message

// Error implements error.
func (m Mistake) Error() string { return m.En }

func (it *Item) mistake() (m Mistake, bad bool) {
	switch {
	case it.Token == "" || len(it.Token) > maxToken:
		return Mistake{De: "token fehlt oder ist zu lang", En: "token is missing or too long"}, true
	case it.Outcome != Done && it.Outcome != Later && it.Outcome != Refuse && it.Outcome != Extend:
		return Mistake{De: "outcome ist nicht done, later, refuse oder extend", En: "outcome is not done, later, refuse or extend"}, true
	case it.After < 0 || it.After > maxAfter || it.After > 0 && it.Outcome != Later:
		return Mistake{De: "after ist 0 bis 86400 Sekunden und gehört zu later", En: "after is 0 to 86400 seconds, and for the outcome later"}, true
	case it.Untried && it.Outcome != Later:
		return Mistake{De: "untried gehört zu later", En: "untried is for the outcome later"}, true
	case (it.Lease != 0) != (it.Outcome == Extend) || it.Lease < 0 || it.Lease > maxLease:
		return Mistake{De: "lease ist 1 bis 3600 Sekunden und gehört zu extend", En: "lease is 1 to 3600 seconds, and for the outcome extend"}, true
	case it.Reason != "" && (it.Outcome != Refuse && it.Outcome != Later || !reasonPattern.MatchString(it.Reason)):
		return Mistake{De: "reason ist ein Kürzel aus a-z, 0-9 und -, höchstens 64 Zeichen, für refuse und later", En: "reason is a code of a-z, 0-9 and -, at most 64 characters, for the outcomes refuse and later"}, true
	}
	return Mistake{}, false
}

// Settle settles each item and returns when what is done or refused is in the
// trail, or ctx ends.
func (d *Desk) Settle(ctx context.Context, items []Item) []ItemResult {
	out, leases := make([]ItemResult, len(items)), make([]*Lease, len(items))
	for i := range items {
		out[i], leases[i] = d.settle(&items[i])
	}
	for i, l := range leases {
		if l == nil || out[i].Result == ResultLater || out[i].Result == ResultExtended {
			continue
		}
		select {
		case <-l.recorded:
		case <-d.stopped:
			out[i].Result = ResultUnconfirmed
		case <-ctx.Done():
			out[i].Result = ResultUnconfirmed
		}
	}
	return out
}

// settle gives the lease too, unless it is gone.
func (d *Desk) settle(it *Item) (ItemResult, *Lease) {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := ItemResult{Token: it.Token, Result: ResultGone}
	l := d.leases[it.Token]
	if l == nil {
		return out, nil
	}
	if l.settled == "" {
		d.decide(l, it, &out)
	}
	if l.settled != "" { // now or before: the first word counts
		out.Result = l.settled
	}
	return out, l
}

// decide is called with mu held.
func (d *Desk) decide(l *Lease, it *Item, out *ItemResult) {
	switch it.Outcome {
	case Done:
		d.end(l, ResultDone, nil)
	case Later:
		d.end(l, ResultLater, &hub.Fault{
			Code: code("client-later", it.Reason), After: time.Duration(it.After) * time.Second, Later: it.Untried, Err: errors.New("the client wants it later"),
		})
	case Refuse:
		d.end(l, ResultRefused, hub.Permanent(code("client-refused", it.Reason), "the client refused it"))
	case Extend:
		l.Until = time.Now().Add(time.Duration(it.Lease) * time.Second)
		l.timer.Reset(time.Until(l.Until))
		until := l.Until.UTC()
		out.Result, out.Until = ResultExtended, &until
	}
}

func code(otherwise, reason string) string {
	if reason != "" {
		return reason
	}
	return otherwise
}

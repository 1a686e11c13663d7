package aenderungen

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/ewo"
	"github.com/amtsbote/amtsbote/hub"
)

// minSecret is how many characters the secret must have.
const minSecret = 32

// people is what the source remembers of persons: under p.<keyed digest of the
// Ordnungsmerkmal> a record, under a.<keyed digest of another Ordnungsmerkmal of
// the same person> where that is (alias table).
type people struct {
	state  hub.State
	secret []byte
	dauer  time.Duration
	seals  bool // the Auskunft needs the way from a subject to the person
}

var subjectForm = regexp.MustCompile(`^psn:[A-Z2-7]{26}$`)

// subjectKey is where the sealed Ordnungsmerkmal of a subject is.
func subjectKey(vorgang string) string { return "v." + strings.TrimPrefix(vorgang, "psn:") }

// record is one person. Numbers go up with each change, so that carrying out an
// old decision again does not undo a later one.
type record struct {
	Nummer  int64                 `json:"nummer"`
	Vorgang string                `json:"vorgang"`           // the events' subject
	Seit    int64                 `json:"seit"`              // of the Vorgang, Unix milliseconds
	Salz    string                `json:"salz"`              // so that equal content of two persons has two digests
	Stand   map[ewo.Gruppe]string `json:"stand,omitempty"`   // keyed digest of each group; nil: never read
	Gelesen bool                  `json:"gelesen,omitempty"` // Stand is known, even if empty
}

// change is what one record of the feed changes.
type change struct {
	Key     string   `json:"schluessel,omitempty"` // of the person's record
	Record  *record  `json:"person,omitempty"`
	Aliases []string `json:"alias,omitempty"`   // keys that must lead to Key
	Sealed  string   `json:"siegel,omitempty"`  // the Ordnungsmerkmal, for the Auskunft
	Over    string   `json:"beendet,omitempty"` // subject whose matter has ended

	compared bool         // there was a Stand before
	groups   []ewo.Gruppe // that differ
}

// change compares a person with what is remembered. p is nil when it was not
// read: then Stand stays as it is, and the next reading finds the difference.
func (pp *people) change(ctx context.Context, om string, p *ewo.Person, at time.Time) (*change, error) {
	key, aliases, err := pp.locate(ctx, om, p)
	if err != nil {
		return nil, err
	}
	old, err := pp.get(ctx, key)
	if err != nil {
		return nil, err
	}
	next := pp.next(old, at)
	c := &change{Key: key, Record: next, Aliases: aliases}
	if old != nil && old.Vorgang != next.Vorgang {
		c.Over = old.Vorgang
	}
	if p != nil {
		om = p.Ordnungsmerkmal()
	}
	if pp.seals {
		if c.Sealed, err = pp.seal(next.Vorgang, om); err != nil {
			return nil, err
		}
	}
	if p == nil {
		return c, nil
	}
	stand, err := pp.stand(next.Salz, p)
	if err != nil {
		return nil, err
	}
	c.compared = next.Gelesen
	for _, g := range ewo.AlleGruppen() {
		if stand[g] != next.Stand[g] {
			c.groups = append(c.groups, g)
		}
	}
	next.Stand, next.Gelesen = stand, true
	return c, nil
}

// next gives the record to be stored: with the matter of the old one, or a new
// one when that is over.
func (pp *people) next(old *record, at time.Time) *record {
	next := &record{Salz: rand.Text()}
	if old != nil {
		*next = *old
	}
	next.Nummer++
	if next.Vorgang == "" || at.Sub(time.UnixMilli(next.Seit)) > pp.dauer {
		next.Vorgang, next.Seit = "psn:"+rand.Text(), at.UnixMilli()
	}
	return next
}

// stand digests each group with the secret: nobody without it can try values.
func (pp *people) stand(salt string, p *ewo.Person) (map[ewo.Gruppe]string, error) {
	content, err := p.Gruppen()
	if err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	stand := make(map[ewo.Gruppe]string, len(content))
	for g, raw := range content {
		stand[g] = pp.digest("gruppe", salt, string(g), string(raw))[:22]
	}
	return stand, nil
}

// locate gives the key of the person's record, and which other keys must lead to
// it from now on. The record of a former Ordnungsmerkmal comes first: the matter
// goes on under the new one.
func (pp *people) locate(ctx context.Context, om string, p *ewo.Person) (key string, aliases []string, err error) {
	var names []string
	if p == nil {
		names = []string{om}
	} else {
		former, future := p.Others()
		names = []string{former, om, p.Ordnungsmerkmal(), future}
	}
	var own, known []string
	for _, name := range names {
		if name == "" {
			continue
		}
		at, err := pp.resolve(ctx, pp.digest("om", name))
		if err != nil {
			return "", nil, err
		}
		own = append(own, pp.digest("om", name))
		if name == om && key == "" {
			key = at
		}
		if old, err := pp.get(ctx, at); err != nil {
			return "", nil, err
		} else if old != nil {
			known = append(known, at)
		}
	}
	if len(known) > 0 {
		key = known[0]
	}
	for _, other := range slices.Concat(own, known) {
		if other != key && !slices.Contains(aliases, other) {
			aliases = append(aliases, other)
		}
	}
	return key, aliases, nil
}

// resolve follows the alias table. A circle, which two registers that name each
// other as former can make, is answered with its smallest key wherever it is entered.
func (pp *people) resolve(ctx context.Context, key string) (string, error) {
	var seen []string
	for {
		if i := slices.Index(seen, key); i >= 0 {
			return slices.Min(seen[i:]), nil
		}
		target, err := pp.state.Get(ctx, "a."+key)
		if err != nil {
			return "", wrap("read the alias table", err)
		}
		if target == nil {
			return key, nil
		}
		seen, key = append(seen, key), string(target)
	}
}

func (pp *people) get(ctx context.Context, key string) (*record, error) {
	raw, err := pp.state.Get(ctx, "p."+key)
	if err != nil || raw == nil {
		return nil, wrap("read what is remembered", err)
	}
	var r record
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, fmt.Errorf("read what is remembered: %w", err)
	}
	return &r, nil
}

// remember stores what a decision changes. It may be called again, also after
// later decisions about the same person.
func (pp *people) remember(ctx context.Context, e *entry) error {
	if e.Record == nil {
		return nil
	}
	old, err := pp.get(ctx, e.Key)
	if err != nil {
		return err
	}
	if old == nil || old.Nummer < e.Record.Nummer {
		if err := pp.put(ctx, e); err != nil {
			return err
		}
	}
	root, err := pp.resolve(ctx, e.Key)
	if err != nil {
		return err
	}
	for _, alias := range e.Aliases {
		if at, err := pp.resolve(ctx, alias); err != nil {
			return err
		} else if at == root {
			continue // also where the key leads to the alias: another entry would close a circle
		}
		if err := pp.state.Put(ctx, "a."+alias, []byte(e.Key)); err != nil {
			return wrap("write the alias table", err)
		}
	}
	return nil
}

// put stores a record, and the way back from its subject; that from a subject
// whose matter has ended is forgotten.
func (pp *people) put(ctx context.Context, e *entry) error {
	if e.Over != "" {
		if err := pp.state.Delete(ctx, subjectKey(e.Over)); err != nil {
			return wrap("forget a subject", err)
		}
	}
	if e.Sealed != "" {
		if err := pp.state.Put(ctx, subjectKey(e.Record.Vorgang), []byte(e.Sealed)); err != nil {
			return wrap("remember", err)
		}
	}
	raw, err := json.Marshal(e.Record)
	if err != nil {
		return fmt.Errorf("remember: %w", err)
	}
	return wrap("remember", pp.state.Put(ctx, "p."+e.Key, raw))
}

// digest is HMAC-SHA256 of the parts, 43 characters of base64url.
func (pp *people) digest(parts ...string) string {
	mac := hmac.New(sha256.New, pp.secret)
	for _, part := range parts {
		_, _ = fmt.Fprintf(mac, "%d:%s", len(part), part)
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

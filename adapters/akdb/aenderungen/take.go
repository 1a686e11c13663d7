package aenderungen

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/akdb/ewo"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/hub"
)

// Why a record is set aside.
const (
	noOM    = "kein-ordnungsmerkmal"
	unknown = "person-unbekannt"
	refused = "abgelehnt"
)

// take does one record: as it was decided, or decided now.
func (r *run) take(ctx context.Context, rec *kgo.Record, attempt int) error {
	entry, past, err := r.journal.find(ctx, r.cluster, rec)
	if err != nil || past {
		return err
	}
	if entry == nil {
		if entry, err = r.decide(ctx, rec, attempt); err != nil {
			return err
		}
	} else if err := r.rememberAgain(ctx, entry); err != nil {
		return err
	}
	return r.carryOut(ctx, rec, entry)
}

func (r *run) rememberAgain(ctx context.Context, entry *entry) error {
	r.desk.Lock()
	defer r.desk.Unlock()
	return r.people.remember(ctx, entry)
}

// carryOut publishes the event, or sets the record aside.
func (r *run) carryOut(ctx context.Context, rec *kgo.Record, entry *entry) error {
	if entry.Aside != "" {
		return r.aside.put(rec, entry.Aside, reasons[entry.Aside])
	}
	e, err := r.event(entry)
	if err != nil {
		return err
	}
	err = r.in.Publish(ctx, e)
	if fault, ok := errors.AsType[*hub.Fault](err); ok && fault.Permanent {
		return r.aside.put(rec, fault.Code, "the hub refuses the event for good")
	}
	if err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

var reasons = map[string]string{
	noOM:    "the record's value is no Ordnungsmerkmal (setting ordnungsmerkmal)",
	unknown: "the register knows nobody by this Ordnungsmerkmal",
	refused: "the register refuses to read this person",
}

// decide says what becomes of a record, and writes it down before anybody else
// hears of it.
func (r *run) decide(ctx context.Context, rec *kgo.Record, attempt int) (*entry, error) {
	entry := newEntry(rec)
	om, ok := r.ordnungsmerkmal(rec.Value)
	if !ok {
		entry.Aside = noOM
		return entry, r.journal.put(ctx, r.cluster, rec, entry)
	}
	p, code, err := r.person(ctx, rec, om, attempt)
	if err != nil {
		return nil, err
	}
	if entry.Aside = code; code != "" {
		return entry, r.journal.put(ctx, r.cluster, rec, entry)
	}
	r.desk.Lock()
	defer r.desk.Unlock()
	change, err := r.people.change(ctx, om, p, rec.Timestamp)
	if err != nil {
		return nil, err
	}
	entry.change = *change
	if err := r.compose(rec, entry, p); err != nil {
		return nil, err
	}
	if err := r.journal.put(ctx, r.cluster, rec, entry); err != nil {
		return nil, err
	}
	return entry, r.people.remember(ctx, entry)
}

// ordnungsmerkmal reads a record's value: bare, or as a JSON text, which Spring's
// JsonSerializer would make of it.
func (r *run) ordnungsmerkmal(value []byte) (string, bool) {
	if len(value) > 200 || !utf8.Valid(value) {
		return "", false
	}
	om := strings.TrimSpace(string(value))
	if len(om) > 1 && om[0] == '"' && om[len(om)-1] == '"' {
		om = om[1 : len(om)-1]
	}
	return om, r.set.form.MatchString(om)
}

// person reads the person. It gives nil when nothing is to be read, or when the
// register has been away too long; a code when reading is hopeless for this one;
// an error when the partition must wait.
func (r *run) person(ctx context.Context, rec *kgo.Record, om string, attempt int) (p *ewo.Person, code string, err error) {
	if r.register == nil {
		return nil, "", nil
	}
	p, err = r.register.PersonErweitert(ctx, om)
	switch {
	case err == nil && p == nil:
		return nil, unknown, nil
	case err == nil:
		return p, "", nil
	case !eai.IsBlocking(err):
		r.log.Warn("okewo-aenderungen: not read", append(position(rec), zap.Error(err))...)
		return nil, refused, nil
	case attempt >= r.set.Versuche && ctx.Err() == nil:
		r.log.Error("okewo-aenderungen: given up reading, the event says no more than that something has changed",
			append(position(rec), zap.Int("attempt", attempt), zap.Error(err))...)
		return nil, "", nil
	}
	return nil, "", err
}

package zms

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/hub"
)

// maxTries is how many free appointments are tried when others are faster.
const maxTries = 5

// reserve finds the first free appointment and reserves it. A reservation that an
// earlier attempt made is found by its externalUserId, so that a crash makes no second
// one.
func (s *sink) reserve(ctx context.Context, o order) (reply, error) {
	service, ok := s.service(o.Leika)
	if !ok {
		return reply{}, hub.Permanent("leistung-unbekannt", "no service is configured for this LeiKa key (setting buchung.dienste)")
	}
	if err := s.cases.put(o.id, matter{Antrag: o.Antrag.ID, Case: o.vorgang}); err != nil {
		return reply{}, err
	}
	earlier, err := s.own(ctx, o.id)
	if err != nil {
		return reply{}, err
	}
	if earlier != nil {
		return s.reserved(o, *earlier)
	}
	return s.first(ctx, o, service)
}

// first reserves the first appointment that is free.
func (s *sink) first(ctx context.Context, o order, service service) (reply, error) {
	select {
	case s.reserving <- struct{}{}:
		defer func() { <-s.reserving }()
	case <-ctx.Done():
		return reply{}, hub.Retryable("abgebrochen", "wait for other reservations: %w", ctx.Err())
	}
	slots, err := s.free(ctx, o, service)
	if err != nil {
		return reply{}, err
	}
	for _, slot := range slots[:min(len(slots), maxTries)] {
		seen, err := s.try(ctx, o, service, slot)
		if err != nil {
			return reply{}, err
		}
		if seen != nil {
			return s.reserved(o, *seen)
		}
	}
	if len(slots) > maxTries {
		return reply{}, hub.Retryable("andere-schneller", "reserve: the first free appointments were taken by others")
	}
	if err := s.cases.forget(o.id); err != nil {
		return reply{}, err
	}
	return s.refuse(o, noneFree)
}

func (s *sink) service(leika string) (service, bool) {
	i := slices.IndexFunc(s.set.Buchung.Dienste, func(d service) bool { return d.Leika == leika })
	if i < 0 {
		return service{}, false
	}
	return s.set.Buchung.Dienste[i], true
}

// own is the live process that was reserved under a token, nil for none.
func (s *sink) own(ctx context.Context, token string) (*Observation, error) {
	l, err := s.client.reservedFor(ctx, token)
	if err != nil {
		return nil, eai.Fault("look for an earlier reservation", err)
	}
	if len(l.Unreadable) > 0 {
		return nil, eai.Fault("look for an earlier reservation", eai.BadAnswer("a process cannot be read"))
	}
	for _, seen := range l.Seen {
		if seen.Token == token && !slices.Contains(cancelled, seen.Status) {
			return &seen, nil
		}
	}
	return nil, nil //nolint:nilnil // none is no error
}

// slot is a free appointment as ZMS gives it; it goes back as it came.
type slot struct {
	raw   map[string]json.RawMessage
	begin int64
}

// free asks for free appointments, the earliest first.
func (s *sink) free(ctx context.Context, o order, d service) ([]slot, error) {
	from := s.now().Add(s.set.Buchung.Vorlauf).In(s.teller.zone)
	until := from.AddDate(0, 0, s.set.Buchung.Voraus)
	if o.Bis != "" {
		if bis, err := time.ParseInLocation(time.DateOnly, o.Bis, s.teller.zone); err == nil && bis.Before(until) {
			until = bis.AddDate(0, 0, 1).Add(-time.Second)
		}
	}
	if until.Before(from) {
		return nil, nil
	}
	e, err := s.client.do(ctx, call{method: http.MethodPost, path: []string{"process", "status", "free"}, body: map[string]any{
		"firstDay": dayOf(from), "lastDay": dayOf(until),
		"scopes":    []any{map[string]string{"id": d.Scope}},
		"providers": []any{d.provider()},
		"requests":  d.requests(o.Anzahl),
	}})
	if status(err) == http.StatusNotFound && e != nil {
		return nil, nil // "if no process found, return empty list"
	}
	if err != nil {
		return nil, eai.Fault("ask for free appointments", err)
	}
	slots, err := readSlots(e.Data)
	if err != nil {
		return nil, eai.Fault("ask for free appointments", err)
	}
	slots = slices.DeleteFunc(slots, func(sl slot) bool { return sl.begin < from.Unix() || sl.begin > until.Unix() })
	slices.SortStableFunc(slots, func(a, b slot) int { return int(a.begin - b.begin) })
	return slots, nil
}

func readSlots(data json.RawMessage) (all []slot, err error) {
	var items list[map[string]json.RawMessage]
	if len(data) == 0 || items.UnmarshalJSON(bytes.TrimSpace(data)) != nil {
		return nil, eai.BadAnswer("not a list of free appointments")
	}
	for _, raw := range items {
		var appointments list[appointment]
		if given := raw["appointments"]; len(given) > 0 && json.Unmarshal(given, &appointments) != nil {
			return nil, eai.BadAnswer("a free appointment cannot be read")
		}
		if len(appointments) > 0 && appointments[0].Date > 0 && int64(appointments[0].Date) <= latest {
			all = append(all, slot{raw, int64(appointments[0].Date)})
		}
	}
	return all, nil
}

func dayOf(t time.Time) map[string]int {
	return map[string]int{"year": t.Year(), "month": int(t.Month()), "day": t.Day()}
}

func (d service) provider() map[string]string { return d.named(d.Dienststelle) }

func (d service) named(id string) map[string]string {
	m := map[string]string{"id": id}
	if d.Quelle != "" {
		m["source"] = d.Quelle
	}
	return m
}

func (d service) requests(times int) (all []any) {
	for range max(times, 1) {
		all = append(all, d.named(d.Leistung))
	}
	return all
}

// try reserves one; nil when somebody else was faster.
func (s *sink) try(ctx context.Context, o order, d service, sl slot) (*Observation, error) {
	body := map[string]any{}
	for key, value := range sl.raw {
		body[key] = value
	}
	k := s.set.Buchung.Kunde
	body["requests"], body["externalUserId"] = d.requests(o.Anzahl), tokenPrefix+o.id
	body["clients"] = []any{map[string]string{"familyName": k.Name, "email": k.Email, "telephone": k.Telefon}}
	e, err := s.client.do(ctx, call{method: http.MethodPost, path: []string{"process", "status", "reserved"}, query: resolved, body: body})
	if code := status(err); (code == http.StatusNotFound || code == http.StatusConflict) && e != nil {
		return nil, nil //nolint:nilnil // none is no error
	}
	if err != nil {
		return nil, eai.Fault("reserve", err)
	}
	seen, _, err := e.process()
	if err != nil {
		return nil, eai.Fault("reserve", err)
	}
	seen.Token = o.id // also where ZMS does not repeat it
	return seen, nil
}

var errBegin = errors.New("the reserved process has no time")

// reserved is the answer with a reservation.
func (s *sink) reserved(o order, seen Observation) (reply, error) {
	d, _ := s.service(o.Leika)
	seen.Dienststelle = d.Dienststelle
	if seen.Begin == 0 {
		return reply{}, hub.Retryable(eai.Unreadable, "reserve: %w", errBegin)
	}
	if len(seen.Leistungen) == 0 {
		seen.Leistungen = []string{d.Leistung}
	}
	if seen.Leika == "" {
		seen.Leika = o.Leika
	}
	at := s.now()
	if seen.Changed > 0 {
		at = time.Unix(seen.Changed, 0)
	}
	lasts := s.set.Buchung.Reservierung
	if seen.Reserved > 0 && seen.Reserved <= 24*60 {
		lasts = time.Duration(seen.Reserved) * time.Minute
	}
	data := map[string]any{
		"antrag": antrag{o.Antrag.ID}, "termin": s.teller.termin(entry{Observation: seen, ID: o.id}),
		"reserviert": s.teller.stamp(at.Unix()), "reserviertBis": s.teller.stamp(at.Add(lasts).Unix()),
	}
	return s.event(typeReserviert, o.id, o, at, data)
}

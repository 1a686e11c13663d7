package app

import (
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/federation"
	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/who"
)

// Check lets each adapter whose kind can judge its settings and the files that
// they name, and asks what the hub would do with the events of its examples.
func (k Kinds) Check(fed *federation.Federation, now time.Time) []finding.Finding {
	found := &finding.List{}
	for _, ad := range fed.Adapters {
		kind, ok := k.find(ad.Kind)
		if !ok || kind.Check == nil {
			continue
		}
		at := finding.Pos{File: "adapters/" + ad.Name + ".yaml", Line: 1, Column: 1}
		samples, err := kind.Check(hub.Env{
			Application: ad.Application.ID, Adapter: ad.Name, Federation: fed.Dir, Production: fed.Production, Log: zap.NewNop(),
		}, ad.Settings)
		told(found, at, ad.Name, err)
		heard := map[string]bool{}
		for _, e := range samples {
			sample(found, at, fed, e, now, heard)
		}
	}
	return found.Sorted()
}

// told takes an adapter's error apart: each part with its own place, if it has one.
func told(found *finding.List, at finding.Pos, adapter string, err error) {
	if err == nil {
		return
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range many.Unwrap() {
			told(found, at, adapter, one)
		}
		return
	}
	if f, ok := errors.AsType[finding.Finding](err); ok {
		found.Found = append(found.Found, f)
		return
	}
	if p, ok := errors.AsType[*hub.Problem](err); ok {
		place := finding.Pos{File: p.File, Line: p.Line, Column: p.Column}
		found.Add(place, finding.AdpSettings, adapter, p.Text)
		return
	}
	found.Add(at, finding.AdpSettings, adapter, err.Error())
}

// sample asks who would get an event of an example.
func sample(found *finding.List, at finding.Pos, fed *federation.Federation, e hub.Event, now time.Time, heard map[string]bool) {
	if e.Time().IsZero() {
		e.SetTime(now)
	}
	raw, err := e.MarshalJSON()
	if err != nil {
		found.Add(at, finding.AdpSettings, e.Type(), "an example becomes no valid CloudEvent")
		return
	}
	a := who.Ask(fed, raw, now)
	switch r := a.Refusal; {
	case r != nil:
		found.Add(at, finding.AdpSample, string(r.Code), r.At, r.Code.Sentence("de"), r.Code.Sentence("en"))
	case len(a.Receivers) == 0 && !heard[e.Type()]:
		found.Add(at, finding.AdpUnheard, e.Type())
		heard[e.Type()] = true
	}
}

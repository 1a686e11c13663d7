package dataport_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fitsim"
)

// TestBadSubmissions: what is the sender's technical fault is rejected with its
// problem, what is ours to mend stays with the service; the submission behind it
// is taken.
func TestBadSubmissions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		effect   fitsim.Effect
		change   func(*fitsim.Application)
		settings string
		code     string // of the report; empty: it just waits
		rejected bool
	}{
		{name: "swapped attachment", effect: fitsim.SwapAttachment, code: "fit-incorrect-authentication-tag", rejected: true},
		{name: "swapped data", effect: fitsim.SwapData, code: "fit-incorrect-authentication-tag", rejected: true},
		{name: "swapped metadata", effect: fitsim.SwapMetadata, code: "fit-incorrect-authentication-tag", rejected: true},
		{name: "wrong hash of an attachment", effect: fitsim.WrongHash, code: "fit-hash-mismatch", rejected: true},
		{name: "wrong hash of the data", effect: fitsim.WrongDataHash, code: "fit-hash-mismatch", rejected: true},
		{name: "an attachment that is not described", effect: fitsim.Undescribed, code: "fit-attachments-mismatch", rejected: true},
		{name: "encrypted to another key of the name", effect: fitsim.OtherKey, code: "fit-encryption-issue", rejected: true},
		{name: "metadata without structure", effect: fitsim.BadMetadata, code: "fit-schema-violation", rejected: true},
		{name: "metadata that are no JSON", effect: fitsim.NoMetadata, code: "fit-syntax-violation", rejected: true},
		{name: "metadata of another family", effect: fitsim.OldMetadata, code: "fit-unsupported-schema", rejected: true},
		{name: "data that are no JSON", effect: fitsim.BadData, code: "fit-syntax-violation", rejected: true},
		{name: "another service", settings: ", leistungen: ['99107001017001']", code: "fit-unsupported-service", rejected: true},
		{name: "no service is named", change: func(a *fitsim.Application) { a.Service = "" }, settings: ", leistungen: ['99107001017001']", code: "fit-no-service"},
		{name: "too many fragments", change: func(a *fitsim.Application) { a.Attachments[0].Fragments, a.Attachments[1].Fragments = 100, 101 }, code: "too-large"},
		{name: "fragments too large together", change: func(a *fitsim.Application) {
			a.Attachments[0].Fragments = 3
		}, settings: ", max-anlage: 16", code: "too-large"},
		{name: "all of it too large", settings: ", max-gesamt: 60", code: "too-large"},
		{name: "another schema", settings: ", nur-bekannte: true, fachdaten: [{schema: 'urn:x'}]", code: "fit-unsupported-data-schema", rejected: true},
		{name: "not rejected, as set", effect: fitsim.WrongHash, settings: ", zurueckweisen: false", code: "fit-hash-mismatch"},
		{name: "a key that we do not have", effect: fitsim.UnknownKey, code: "fit-no-key"},
		{name: "an attachment too large", settings: ", max-anlage: 10", code: "too-large"},
		{name: "data too large", settings: ", max-daten: 10", code: "too-large"},
		{name: "a bomb", change: func(a *fitsim.Application) {
			a.Zip, a.Data = true, []byte(`"`+strings.Repeat("a", 2_000_000)+`"`)
		}, settings: ", max-daten: 1000000", code: "too-large"},
		{name: "a kind of file that is not allowed", settings: ", anlagen-typen: [application/pdf]", code: "fit-media-type"},
		{name: "a kind of file that says it is another", change: func(a *fitsim.Application) {
			a.Attachments[0].Content = []byte("\x1f\x8b\x08...")
		}, settings: ", anlagen-typen: [application/pdf, image/png]", code: "fit-media-type"},
		{name: "foreign issuer", effect: fitsim.ForeignIssuer},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, in := newService(t), adaptertest.NewIntake()
			bad, good := application(1), application(2)
			if c.change != nil {
				c.change(&bad)
			}
			if c.effect != "" {
				if err := s.Order(fitsim.Order{On: "submit", Do: c.effect}); err != nil {
					t.Fatal(err)
				}
			}
			s.put(t, bad)
			onlyFirst := strings.Contains(c.settings, "max-") || strings.Contains(c.settings, "leistungen") || strings.Contains(c.settings, "nur-") || strings.Contains(c.settings, "-typen")
			if onlyFirst { // these settings would refuse the good one as well
				good.Service, good.SchemaURI, good.Attachments, good.Data = "99107001017001", "urn:x", nil, []byte("1")
			}
			s.put(t, good)
			until(t, s.source(t, c.settings), in, func() bool {
				reports, err := s.reports()
				return err == nil && len(in.Events()) == 1 && (c.code == "" && s.logs.FilterMessageSnippet("a submission waits").Len() > 0 || len(reports) == 1) &&
					(!c.rejected || s.Ended(id(1)) != "")
			})
			reports, err := s.reports()
			if err != nil || c.code == "" && len(reports) != 0 || c.code != "" && (len(reports) != 1 || !strings.HasPrefix(reports[0], c.code+": ")) {
				t.Errorf("reports %q, %v", reports, err)
			}
			if events := in.Events(); events[0].ID() != id(2) {
				t.Error("the bad one became an event")
			}
			want := map[bool]string{true: fit.RejectSubmission}[c.rejected]
			if ended := s.Ended(id(1)); ended != want || s.Ended(id(2)) != "" {
				t.Errorf("ended %q, and %q", ended, s.Ended(id(2)))
			}
			if all := strings.Join(reports, ""); strings.Contains(all, "Mustermann") || strings.Contains(all, schemaURI) {
				t.Errorf("tells a value: %q", all)
			}
		})
	}
}

// TestServiceFaults disturbs every call in every way: in the end the submission is
// one event, and accepted once.
func TestServiceFaults(t *testing.T) {
	t.Parallel()
	for _, on := range []string{"token", "list", "fetch", "attachment", "events", "post", "keys"} {
		effects := []fitsim.Effect{"500", "503", "401", fitsim.Drop, fitsim.Lost, fitsim.Garbage, fitsim.Expired}
		switch on {
		case "attachment":
			effects = append(effects, fitsim.Cut)
		case "post":
			effects = append(effects, fitsim.Forget, "422")
		case "token":
			effects = slices.DeleteFunc(effects, func(e fitsim.Effect) bool { return e == fitsim.Expired })
		}
		for _, do := range effects {
			t.Run(on+" "+string(do), func(t *testing.T) {
				t.Parallel()
				s, in := newService(t), adaptertest.NewIntake()
				if err := s.Order(fitsim.Order{On: on, Do: do, Times: 2}); err != nil {
					t.Fatal(err)
				}
				s.put(t, application(1))
				source := s.source(t, "")
				until(t, source, in, func() bool {
					for range in.Events() {
						if err := settle(t.Context(), t, source, done(id(1))); err != nil {
							t.Fatal(err)
						}
					}
					return s.Ended(id(1)) == fit.AcceptSubmission
				})
				if len(in.Events()) != 1 || in.Breaches() != nil || count(s.Log(id(1)), fit.AcceptSubmission) != 1 {
					t.Error(len(in.Events()), in.Breaches(), s.Log(id(1)))
				}
				if aside, err := s.reports(); err != nil && len(aside) > 0 {
					t.Error(aside, err)
				}
			})
		}
	}
}

// TestTokenEndsInTheMiddleOfAList: the second page is asked for with a new token,
// and nothing is left out.
func TestTokenEndsInTheMiddleOfAList(t *testing.T) {
	t.Parallel()
	s, in := newService(t), adaptertest.NewIntake()
	for n := range 5 {
		s.put(t, application(n))
	}
	if err := s.Order(fitsim.Order{On: "list", Do: fitsim.Expired, Skip: 1}); err != nil {
		t.Fatal(err)
	}
	until(t, s.source(t, ", seite: 2"), in, func() bool { return len(in.Events()) == 5 })
	if s.Calls("token") != 2 {
		t.Errorf("%d tokens were asked for", s.Calls("token"))
	}
	for n, e := range in.Events() {
		if e.ID() != id(n) {
			t.Errorf("event %d is %s", n, e.ID())
		}
	}
}

// TestNotLinked: a client that is not connected with the destination, or not let
// in, is told to people, and nothing is lost.
func TestNotLinked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ secret, says string }{
		"not linked":   {"client", "connect client and destination"},
		"wrong secret": {"falsch", "invalid_client"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, func(o *fitsim.Options) {
				o.Clients = map[string]fitsim.Client{clientID: {Secret: "geheim", Destinations: []string{stranger}}}
			})
			s.put(t, application(1))
			settings := strings.Replace(string(s.settings("")), "client-secret: client", "client-secret: "+c.secret, 1)
			source, err := dataportSource(s, settings)
			if err != nil {
				t.Fatal(err)
			}
			until(t, source, adaptertest.NewIntake(), func() bool { return s.logs.FilterMessageSnippet("will try again").Len() > 1 })
			if text := s.logs.FilterMessageSnippet("will try again").All()[0].ContextMap()["error"]; !strings.Contains(fmt.Sprint(text), c.says) {
				t.Errorf("says %q", text)
			}
			if len(s.Waiting(destination)) != 1 {
				t.Error("the submission is gone")
			}
		})
	}
}

// TestMissingAttachment: an attachment that the service does not find keeps its
// submission waiting, and nobody is blamed.
func TestMissingAttachment(t *testing.T) {
	t.Parallel()
	s, in := newService(t), adaptertest.NewIntake()
	if err := s.Order(fitsim.Order{On: "attachment", Do: "404", Times: 5}); err != nil {
		t.Fatal(err)
	}
	s.put(t, application(1))
	until(t, s.source(t, ""), in, func() bool { return len(in.Events()) == 1 })
	if n := s.logs.FilterMessageSnippet("a submission waits").Len(); n != 5 || s.Ended(id(1)) != "" {
		t.Errorf("waited %d times, ended %q", n, s.Ended(id(1)))
	}
}

// TestLostMemory: a submission that was accepted before the adapter lost its memory,
// and is still listed, does not become an event again.
func TestLostMemory(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.put(t, application(1))
	until(t, s.source(t, ", accept: stored"), adaptertest.NewIntake(), func() bool { return s.Ended(id(1)) != "" })
	s.Relist(id(1))
	in, lists := adaptertest.NewIntake(), s.Calls("list")
	until(t, s.source(t, ", accept: stored"), in, func() bool { return s.Calls("list") > lists+3 })
	if len(in.Events()) != 0 || count(s.Log(id(1)), fit.AcceptSubmission) != 1 {
		t.Errorf("%d events, event log %q", len(in.Events()), s.Log(id(1)))
	}
}

package xta_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/xta"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/xtasim"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
)

// classes are those of facts/xoev.md, section 5.1, "Retry".
var classes = map[string]wire.Class{
	"9000": wire.Retry, "9010": wire.Stop, "9011": wire.Stop, "9012": wire.Stop, "9013": wire.Stop, "9014": wire.Stop,
	"9020": wire.Refused, "9021": wire.Refused, "9022": wire.Refused, "9023": wire.Refused, "9024": wire.Taken,
	"9030": wire.Retry, "9031": wire.Retry, "9032": wire.Retry, "9050": wire.Refused, "9051": wire.Refused, "9052": wire.Refused,
	"9060": wire.Refused, "9070": wire.Unknown, "9080": wire.Refused, "9081": wire.Refused, "9100": wire.Refused, "9101": wire.Refused,
}

// talk calls every operation.
func talk(t *testing.T, l *line) {
	t.Helper()
	ctx := t.Context()
	if err := l.CheckAccountActive(ctx); err != nil {
		t.Error(err)
	}
	if a, err := l.Lookup(ctx, party(author), "urn:dienst"); err != nil || !a.Known || !a.Available {
		t.Error(a, err)
	}
	id, err := l.NewMessageID(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Send(ctx, metaData(id), container("<a/>", "", "Anlage\x00")); err != nil {
		t.Error(err)
	}
	if sent := l.Sent(); len(sent) != 1 || string(sent[0].Message.Bytes) != "<a/>" || string(sent[0].Attachments[1].Bytes) != "Anlage\x00" {
		t.Error(sent)
	}
	if err := l.Send(ctx, metaData(id), container("<a/>")); wire.ClassOf(err) != wire.Taken {
		t.Error("a second sending gave", err)
	}
	for _, status := range []xtasim.Effect{"", xtasim.Red, xtasim.Yellow, xtasim.StaysOpen} {
		if status != "" {
			l.Order(xtasim.Order{On: "getTransportReport", Do: status})
		}
		want := map[xtasim.Effect]wire.Status{"": wire.Green, xtasim.Red: wire.Red, xtasim.Yellow: wire.Yellow, xtasim.StaysOpen: wire.Open}[status]
		r, err := l.Report(ctx, id)
		if err != nil || r.Status != want || r.MetaData.Subject != "Betreff <1>" {
			t.Error(status, r, err)
		}
	}
	if err := l.Cancel(ctx, id); err != nil {
		t.Error(err)
	}
	readBox(t, l)
	for code := range classes {
		l.Order(xtasim.Order{On: "checkAccountActive", Do: xtasim.Effect(code)})
		f, isFault := errors.AsType[*wire.Fault](l.CheckAccountActive(ctx))
		if !isFault || f.Code != code || f.Class() != classes[code] {
			t.Errorf("fault %s became %v", code, f)
		}
	}
}

// readBox fetches five messages on pages of two.
func readBox(t *testing.T, l *line) {
	t.Helper()
	ctx := t.Context()
	for n := range 5 {
		le := letter(fmt.Sprintf("<m>%d ä</m>", n))
		le.Attachments = []xtasim.Document{{Bytes: []byte("%PDF"), ContentType: "application/pdf"}}
		l.Put(le)
	}
	seen := 0
	page, err := l.List(ctx, xta.Query{NewOnly: true, Max: 2})
	for ; page != nil && err == nil; page, err = l.Next(ctx, page) {
		for _, e := range page.Entries {
			f, err := l.Fetch(ctx, e.MessageID)
			if err != nil {
				t.Fatal(err)
			}
			c, err := f.Container()
			if err != nil {
				t.Fatal(err)
			}
			if got := text(t, c.Message.Content); got != fmt.Sprintf("<m>%d ä</m>", seen) || text(t, c.Attachments[0].Content) != "%PDF" {
				t.Error(got)
			}
			if m := f.MetaData; m.MessageID != e.MessageID || m.Author != party(author) || !m.Test || m.Type.Code != "0201" {
				t.Error(m)
			}
			seen++
			f.Close()
			if err := l.Close(ctx, f.RequestID, e.MessageID); err != nil {
				t.Error(err)
			}
		}
	}
	if err != nil || seen != 5 || len(l.Waiting(reader)) != 0 {
		t.Error(err, seen, l.Waiting(reader))
	}
	if page, err := l.List(ctx, xta.Query{}); err != nil || len(page.Entries) != 0 {
		t.Error(page, err)
	}
	if _, err := l.Fetch(ctx, "urn:de:xta:messageid:x:y"); wire.ClassOf(err) != wire.Unknown {
		t.Error(err)
	}
}

// TestEnvelopes holds what client and simulator write against the XSD.
func TestEnvelopes(t *testing.T) {
	for _, c := range []struct {
		name        string
		mtom, short bool
	}{{"plain", false, false}, {"MTOM", true, true}} {
		t.Run(c.name, func(t *testing.T) {
			l := connect(t, xtasim.Options{MTOM: c.mtom}, xta.Config{MTOM: c.mtom, ShortList: c.short})
			talk(t, l)
			seen := map[string]bool{}
			var envelopes [][]byte
			for _, s := range l.said {
				envelope := s.envelope(t)
				kind, _, _ := strings.Cut(string(envelope[strings.Index(string(envelope), "<wsa:Action>"):]), "<wsa:MessageID>")
				_, body, _ := strings.Cut(string(envelope), "<s:Body>")
				if kind += body[:min(len(body), 40)]; !seen[kind] || strings.Contains(body, "Fault") {
					envelopes = append(envelopes, envelope)
				}
				seen[kind] = true
			}
			if complaint := interop.LintAll(t, envelopes, "data", "xoev", "xta", "xta2-v3-ns211", "driver.xsd"); complaint != "" {
				t.Error(complaint)
			}
			if len(seen) < 18 {
				t.Error("too few kinds of envelopes were tried:", len(seen))
			}
		})
	}
}

func TestOperations(t *testing.T) {
	for _, mtom := range []bool{false, true} {
		l := connect(t, xtasim.Options{MTOM: mtom}, xta.Config{MTOM: !mtom}) // each other's other form
		talk(t, l)
	}
}

// TestDisturbances calls with everything that can go wrong on the way.
func TestDisturbances(t *testing.T) {
	l := connect(t, xtasim.Options{MTOM: true}, xta.Config{Timeout: 50 * time.Millisecond})
	for _, e := range []xtasim.Effect{xtasim.Timeout, xtasim.Drop, xtasim.Lost, xtasim.Unavailable, xtasim.Garbage} {
		l.Order(xtasim.Order{On: "checkAccountActive", Do: e})
		err := l.CheckAccountActive(t.Context())
		if err == nil || wire.ClassOf(err) != wire.Retry {
			t.Errorf("%s gave %v", e, err)
		}
		if strings.Contains(fmt.Sprint(err), "127.0.0.1/") {
			t.Errorf("%s: the error has the address: %v", e, err)
		}
	}
	if err := l.CheckAccountActive(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTooLarge(t *testing.T) {
	for _, mtom := range []bool{false, true} {
		l := connect(t, xtasim.Options{MTOM: mtom}, xta.Config{Limits: wire.Limits{Bytes: 100}})
		id := l.Put(letter(strings.Repeat("x", 101)))
		f, err := l.Fetch(t.Context(), id)
		if err == nil { // plain: only the container is bounded
			_, err = f.Container()
			f.Close()
		}
		if !errors.Is(err, wire.ErrTooLarge) {
			t.Errorf("MTOM %v: %v", mtom, err)
		}
		if id = l.Put(letter(strings.Repeat("x", 100))); mtom {
			f, err := l.Fetch(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			f.Close()
		}
	}
}

func TestCancelled(t *testing.T) {
	l := connect(t, xtasim.Options{}, xta.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.CheckAccountActive(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

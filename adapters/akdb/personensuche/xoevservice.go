package personensuche

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/akdb/auskunft"
	"github.com/amtsbote/amtsbote/adapters/akdb/okkomm"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/hub"
)

// xoevService asks by XMeld 1330.
type xoevService struct {
	set      abruf
	elemente []string
	gateway  *eai.Lazy
	log      *zap.Logger
}

// search logs the question before it is asked: register's log and delivery find each
// other by it.
func (x *xoevService) search(ctx context.Context, asked auskunft.Question, q *question) (found, error) {
	at, err := asked.Asked()
	if err != nil {
		return found{}, err
	}
	messageID := uuid.NewSHA1(uuid.NameSpaceURL, []byte("xmeld-1330|"+asked.ID)).String()
	message, err := x.message(messageID, at, asked.Test(), q)
	if err != nil {
		return found{}, hub.Permanent(auskunft.Unmappable, "write 1330: %w", err)
	}
	gateway, err := x.gateway.Client()
	if err != nil {
		return found{}, hub.Retryable("settings", "ask OK.KOMM: %w", err)
	}
	x.log.Info("personensuche: asks by 1330", zap.String("nachricht", messageID), zap.String("delivery", asked.Delivery), zap.String("event", asked.ID))
	answer, err := (&okkomm.Client{EAI: gateway}).Ask(ctx, message)
	if err != nil {
		return found{}, auskunft.Fault(err)
	}
	a, err := okkomm.ReadAuskunft(answer.Bytes)
	if err != nil {
		return found{}, auskunft.Fault(err)
	}
	d, err := outcome(a, sperrenIn(answer.Message))
	return found{data: d, test: markOf(answer)}, err
}

// markOf is the attribute of an event from a message that is a test.
func markOf(m *okkomm.Answer) string {
	if m.IsTest {
		return "true"
	}
	return ""
}

// message has the same bytes in every attempt.
func (x *xoevService) message(messageID string, at time.Time, test string, q *question) ([]byte, error) {
	a := x.set.asked(q.AGS, x.elemente...)
	if q.Aktenzeichen != "" {
		a.Aktenzeichen = q.Aktenzeichen
	}
	if test != "" {
		a.Test = &test
	}
	return okkomm.WritePersonensuche(messageID, at, a, okkomm.Suchprofil{
		Familienname: q.Name.Familienname, Vornamen: q.Name.Vornamen, Geburtsdatum: q.Geburtsdatum,
		AGS: q.AGS, Geschlecht: q.Geschlecht,
	})
}

// sperrenIn are the blocks of an answer. That something was withheld
// (verringerterDatenumfang) is none: it says that the data are those of § 13 (2) BMG.
func sperrenIn(m *xoev.Message) *xmeld.Sperren {
	others := *m
	others.Blocks = slices.DeleteFunc(slices.Clone(m.Blocks), okkomm.IsVerringert)
	return xmeld.SperrenIn(&others)
}

// outcome reads a 1331 (code lists datenabruf.ergebnisstatus and
// datenabruf.nichterstellung.grund, version 2). The register's 03 is for nobody found
// and for a block; it does not tell which.
func outcome(a *okkomm.Auskunft, sperren *xmeld.Sperren) (*data, error) {
	if len(a.Rueckweisung) > 0 {
		return refused(a.Rueckweisung, sperren)
	}
	switch {
	case slices.ContainsFunc(a.Personen, okkomm.Verringert):
		return &data{Ergebnis: nichtGefunden, Sperren: sperren}, nil // its data are for few; in doubt not for the asker
	case a.Ergebnisstatus == "01" && len(a.Personen) == 1:
		d := personOf(a.Personen[0])
		d.Sperren = sperren
		return d, nil
	case a.Ergebnisstatus == "01" && len(a.Personen) == 0:
		return nil, auskunft.Fault(eai.BadAnswer("a person was found (ergebnisstatus 01) and is not there"))
	case slices.Contains([]string{"01", "02", "04"}, a.Ergebnisstatus):
		return &data{Ergebnis: mehrdeutig, Sperren: sperren}, nil
	case a.Ergebnisstatus == "03":
		return &data{Ergebnis: nichtGefunden, Sperren: sperren}, nil
	}
	return nil, hub.Permanent(auskunft.Unanswered, "the answer has an ergebnisstatus that is not known")
}

var grundForm = regexp.MustCompile(`^[0-9]{1,3}$`)

// refused reads why a question was not answered: too many hits (12, 13) are an
// outcome, a technical failure (16) passes, the rest is the question's fault.
func refused(gruende []string, sperren *xmeld.Sperren) (*data, error) {
	switch {
	case slices.Contains(gruende, "12") || slices.Contains(gruende, "13"):
		return &data{Ergebnis: mehrdeutig, Sperren: sperren}, nil
	case slices.Contains(gruende, "16"):
		return nil, hub.Retryable(eai.Failed, "the register has a technical failure (Rückweisung 16)")
	}
	known := slices.DeleteFunc(slices.Clone(gruende), func(g string) bool { return !grundForm.MatchString(g) })
	return nil, hub.Permanent(auskunft.Unanswered, "the register sends the question back (Rückweisung %s)", strings.Join(known, ", "))
}

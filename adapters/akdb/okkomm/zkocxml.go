package okkomm

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// Anfrage is a request in ZKOCXML. Texts are written as they are.
type Anfrage struct {
	Verfahren   string // AKT_VERFAHREN: EWO
	Typ         string // AKT_TYP: WEBWAHLSCHEIN
	Ausfuehrung string // AKT_AUSFUEHRUNG: ABRUFEN
	ZielAGS     string // AKT_ZIEL_AGS
	TechUser    string
	TechPwd     string
	App         App
	// Suche are the elements of SUCHE, in this order: {"MANDANTENANFRAGE", ""}.
	Suche []Feld
}

// App says who asks (APPS_INFO).
type App struct {
	Typ, Name, Version, AGS                                          string
	Zeit                                                             time.Time
	RequestID, SourceID, Kennung, IPAdresse, ZielURL, RueckgabeQueue string
}

// Feld is one element with text.
type Feld struct {
	Name string `yaml:"name"`
	Wert string `yaml:"wert"`
}

var elementName = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)

// Write writes the document as recorded (zkocxml-request.xml): every element is
// there, also an empty one.
func (a Anfrage) Write() ([]byte, error) {
	for _, f := range a.Suche {
		if !elementName.MatchString(f.Name) {
			return nil, errors.New("ZKOCXML: an element of SUCHE has no name of capitals, digits and _")
		}
	}
	at := a.App.Zeit.In(xoev.Berlin())
	w := &writer{}
	w.b.WriteString(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`)
	w.group("ZKOCXML", func() {
		w.group("XML_SYSTEM", func() {
			w.group("SYSTEM", func() {
				w.group("AKTION", w.all(Feld{"AKT_VERFAHREN", a.Verfahren}, Feld{"AKT_TYP", a.Typ},
					Feld{"AKT_AUSFUEHRUNG", a.Ausfuehrung}, Feld{"AKT_ZIEL_AGS", a.ZielAGS}))
				w.group("AKT_LOGIN", w.all(Feld{"AKT_TECHUSER", a.TechUser}, Feld{"AKT_TECHPWD", a.TechPwd}))
				w.group("ANTWORT", w.all(Feld{Name: "ANT_TYP"}, Feld{Name: "ANT_APPS"}, Feld{Name: "ANT_STRUKTUR"},
					Feld{Name: "ANT_DATUM"}, Feld{Name: "ANT_UHRZEIT"}))
				w.group("APPS_INFO", w.all(
					Feld{"APPS_TYP", a.App.Typ}, Feld{"APPS_NAME", a.App.Name}, Feld{"APPS_VERSION", a.App.Version}, Feld{"APPS_AGS", a.App.AGS},
					Feld{"APPS_DATUM", at.Format("02.01.2006")}, Feld{"APPS_UHRZEIT", at.Format(time.TimeOnly)},
					Feld{"APPS_REQUEST_ID", a.App.RequestID}, Feld{"APPS_SOURCE_ID", a.App.SourceID}, Feld{"APPS_KENNUNG", a.App.Kennung},
					Feld{"APPS_IP_ADRESSE", a.App.IPAdresse}, Feld{"APPS_ZIEL_URL", a.App.ZielURL}, Feld{"APPS_RETURN_QUEUE", a.App.RueckgabeQueue}))
			})
		})
		w.group("XML_PROFIL", func() { w.group("SUCHE", w.all(a.Suche...)) })
	})
	return w.b.Bytes(), nil
}

type writer struct{ b bytes.Buffer }

func (w *writer) group(name string, inside func()) {
	w.b.WriteString("<" + name + ">")
	inside()
	w.b.WriteString("</" + name + ">")
}

func (w *writer) all(fields ...Feld) func() {
	return func() {
		for _, f := range fields {
			w.group(f.Name, func() { _ = xml.EscapeText(&w.b, []byte(f.Wert)) }) // a bytes.Buffer does not fail
		}
	}
}

// Antwort is an answer in ZKOCXML.
type Antwort struct {
	Typ, Apps string // ANT_TYP, ANT_APPS
	// Daten is XML_DATEN/DATEN as a tree, nil when it is absent.
	Daten *xmlguard.Element
	// Inhalte are the binary contents of DATEN, in their order.
	Inhalte [][]byte
	// Unlesbar says why contents beside those cannot be read, one error each.
	Unlesbar []error
}

// ReadAntwort reads an answer. Any non-empty field of FEHLER makes it an
// *eai.Error that is not blocking; which faults would pass with time is
// UNVERIFIED. Of the fault only FEH_TYP is told, if it is one short word.
func ReadAntwort(document []byte) (*Antwort, error) {
	doc, err := xmlguard.Read(bytes.NewReader(document), limits(), func(int, *xmlguard.Element) bool { return true })
	if err != nil {
		return nil, eai.BadAnswer("no XML: " + err.Error())
	}
	if doc.Root.Local != "ZKOCXML" {
		return nil, eai.BadAnswer("the answer is no ZKOCXML")
	}
	answer := doc.Root.At("XML_SYSTEM", "SYSTEM", "ANTWORT")
	if err := fehler(answer.Child("FEHLER")); err != nil {
		return nil, err
	}
	a := &Antwort{Typ: answer.Value("ANT_TYP"), Apps: answer.Value("ANT_APPS"), Daten: doc.Root.At("XML_DATEN", "DATEN")}
	a.inhalte(a.Daten)
	return a, nil
}

var shortWord = regexp.MustCompile(`^[A-Z0-9_]{1,16}$`)

func fehler(e *xmlguard.Element) error {
	if e == nil {
		return nil
	}
	given := strings.TrimSpace(e.Text) != ""
	for _, field := range e.Children {
		given = given || strings.TrimSpace(field.Text) != "" || len(field.Children) > 0
	}
	if !given {
		return nil
	}
	typ := e.Value("FEH_TYP")
	if !shortWord.MatchString(typ) {
		typ = "?"
	}
	return &eai.Error{Code: eai.Failed, Err: errors.New("OK.KOMM answers with FEHLER of type " + typ)}
}

// inhalte finds OK_KOMM_RAW_BASE64, and the messages of a container that is
// included (OK_KOMM_CONTENTCONTAINER/MESSAGES[@type="include"]): in the message
// itself, or in the attachment that its refId names.
func (a *Antwort) inhalte(e *xmlguard.Element) {
	if e == nil {
		return
	}
	for _, child := range e.Children {
		switch child.Local {
		case "OK_KOMM_RAW_BASE64":
			a.take(child)
		case "OK_KOMM_CONTENTCONTAINER":
			a.contained(child)
		default:
			a.inhalte(child)
		}
	}
}

func (a *Antwort) contained(container *xmlguard.Element) {
	for _, messages := range container.All("MESSAGES") {
		for _, m := range messages.All("MESSAGE") {
			holder := m
			if ref, ok := m.Attr("refId"); ok && strings.TrimSpace(m.Text) == "" {
				holder = attachment(container, ref)
			}
			a.take(holder)
		}
	}
}

// take decodes one content; nil stands for an attachment that is not there.
func (a *Antwort) take(holder *xmlguard.Element) {
	if holder == nil {
		a.Unlesbar = append(a.Unlesbar, eai.BadAnswer("a message refers to an attachment that is not there"))
		return
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(holder.Text), ""))
	if err != nil {
		a.Unlesbar = append(a.Unlesbar, eai.BadAnswer("a message in the answer is not base64"))
		return
	}
	a.Inhalte = append(a.Inhalte, raw)
}

func attachment(container *xmlguard.Element, ref string) *xmlguard.Element {
	for _, all := range container.All("ATTACHMENTS") {
		for _, a := range all.All("ATTACHMENT") {
			for _, name := range []string{"id", "refId"} {
				if id, ok := a.Attr(name); ok && id == ref {
					return a
				}
			}
		}
	}
	return nil
}

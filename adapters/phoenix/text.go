package phoenix

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/amtsbote/amtsbote/hub"
)

// The languages of notices (setting sprache).
const (
	german  = "de"
	english = "en"
	both    = "de+en"
)

// Titel is how people call an event type.
type Titel struct {
	DE string `yaml:"de"`
	EN string `yaml:"en"`
}

// Texte are the texts of one language; "" leaves the text as it is. Of an event they
// can name what stands in the allow-list of their place, and nothing else.
type Texte struct {
	Betreff       string `yaml:"betreff"`        // one event: subject, the short form
	Text          string `yaml:"text"`           // and what it says
	SammelBetreff string `yaml:"sammel-betreff"` // a digest
	SammelText    string `yaml:"sammel-text"`
}

// The placeholders. None of them can carry a value of an event's data.
const (
	phName      = "name"       // setting name
	phTitle     = "titel"      // of the event's type
	phReference = "referenz"   // opaque reference of the case
	phLink      = "link"       // to the console
	phWaiting   = "wartet"     // "7 Vorgänge warten"
	phCases     = "anzahl"     // of cases
	phEvents    = "ereignisse" // how many
	phList      = "liste"      // how many of each type
)

var (
	forOne     = []string{phName, phTitle, phReference, phLink}
	forDigest  = []string{phName, phWaiting, phCases, phEvents, phList, phLink}
	inSubject  = []string{phName, phTitle}
	inSubject2 = []string{phName, phWaiting, phCases, phEvents}
)

// Bounds of texts in characters.
const (
	maxSubject = 200
	maxText    = 2000
	maxTitle   = 100
	maxList    = 20 // types that a digest names
)

var defaultTexts = map[string]Texte{
	german: {
		Betreff: "{name}: {titel}", Text: "Ein Vorgang wartet: {titel}\nReferenz: {referenz}\n{link}",
		SammelBetreff: "{name}: {wartet}", SammelText: "{wartet}:\n{liste}\n{link}",
	},
	english: {
		Betreff: "{name}: {titel}", Text: "A case is waiting: {titel}\nReference: {referenz}\n{link}",
		SammelBetreff: "{name}: {wartet}", SammelText: "{wartet}:\n{liste}\n{link}",
	},
}

var placeholder = regexp.MustCompile(`\{([a-z-]*)\}`)

// wrongPlaceholders says what of a text is not allowed, "" if nothing.
func wrongPlaceholders(text string, allowed []string) string {
	for _, m := range placeholder.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(allowed, m[1]) {
			return fmt.Sprintf("{%s} may not stand in a notice, which holds no personal data: only {%s}", m[1], strings.Join(allowed, "}, {"))
		}
	}
	if strings.ContainsAny(placeholder.ReplaceAllString(text, ""), "{}") {
		return "a brace that is no placeholder"
	}
	return ""
}

func checkTexts(all map[string]Texte, s hub.Settings) error {
	for _, language := range slices.Sorted(maps.Keys(all)) {
		at := "texte." + language
		if language != german && language != english {
			return s.Errorf(at, "there are texts in %s and %s", german, english)
		}
		t := all[language]
		for _, one := range []struct {
			key, text string
			allowed   []string
			most      int
		}{
			{"betreff", t.Betreff, inSubject, maxSubject},
			{"text", t.Text, forOne, maxText},
			{"sammel-betreff", t.SammelBetreff, inSubject2, maxSubject},
			{"sammel-text", t.SammelText, forDigest, maxText},
		} {
			switch wrong := wrongPlaceholders(one.text, one.allowed); {
			case wrong != "":
				return s.Errorf(at+"."+one.key, "%s", wrong)
			case utf8.RuneCountInString(one.text) > one.most || !utf8.ValidString(one.text):
				return s.Errorf(at+"."+one.key, "must be of at most %d characters", one.most)
			case one.most == maxSubject && one.text != oneLine(one.text, maxSubject):
				return s.Errorf(at+"."+one.key, "must be one line")
			}
		}
	}
	return nil
}

func checkTitles(all map[string]Titel, s hub.Settings) error {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for _, text := range []string{all[name].DE, all[name].EN} {
			if text != oneLine(text, maxTitle) {
				return s.Errorf("titel", "must be one line of at most %d characters each", maxTitle)
			}
		}
	}
	return nil
}

// note is all that is kept of an event for its notice.
type note struct {
	Name     string `json:"-"` // of the delivery, [0-9a-f]
	Type     string `json:"type"`
	Referenz string `json:"referenz"`
}

// message is a notice ready to be sent.
type message struct {
	ID      string `json:"id"` // the same for the same notice, [0-9a-f]
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// one is the notice of one event.
func (n *Notices) one(e note) message {
	return n.compose(e.Name, func(language string, t Texte) (string, string, map[string]string) {
		return t.Betreff, t.Text, map[string]string{
			phName: n.Name, phTitle: n.title(e.Type, language), phReference: e.Referenz, phLink: n.link(e.Referenz),
		}
	})
}

// digest is the notice of several.
func (n *Notices) digest(id string, all []note) message {
	cases, types := map[string]bool{}, map[string]int{}
	for _, e := range all {
		cases[e.Referenz] = true
		types[e.Type]++
	}
	return n.compose(id, func(language string, t Texte) (string, string, map[string]string) {
		return t.SammelBetreff, t.SammelText, map[string]string{
			phName: n.Name, phWaiting: waiting(len(cases), language), phCases: strconv.Itoa(len(cases)),
			phEvents: strconv.Itoa(len(all)), phList: n.list(types, language), phLink: n.Konsole,
		}
	})
}

func (n *Notices) compose(id string, in func(language string, t Texte) (subject, text string, values map[string]string)) message {
	var subjects, texts []string
	for language := range strings.SplitSeq(n.Sprache, "+") {
		subject, text, values := in(language, n.texts(language))
		subjects = append(subjects, oneLine(fill(subject, values), maxSubject))
		texts = append(texts, fill(text, values))
	}
	return message{ID: id, Subject: strings.Join(slices.Compact(subjects), " / "), Text: strings.Join(texts, "\n\n")}
}

// texts are the operator's where there are some.
func (n *Notices) texts(language string) Texte {
	t, own := defaultTexts[language], n.Texte[language]
	for _, one := range []struct {
		into *string
		text string
	}{{&t.Betreff, own.Betreff}, {&t.Text, own.Text}, {&t.SammelBetreff, own.SammelBetreff}, {&t.SammelText, own.SammelText}} {
		if one.text != "" {
			*one.into = one.text
		}
	}
	return t
}

// fill puts values into a text. A line whose placeholders are all empty is left out.
func fill(text string, values map[string]string) string {
	var lines []string
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		had, filled := false, false
		full := placeholder.ReplaceAllStringFunc(line, func(m string) string {
			value := values[m[1:len(m)-1]]
			had, filled = true, filled || value != ""
			return value
		})
		if !had || filled {
			lines = append(lines, full)
		}
	}
	return strings.Join(lines, "\n")
}

func waiting(cases int, language string) string {
	switch {
	case language == german && cases == 1:
		return "1 Vorgang wartet"
	case language == german:
		return fmt.Sprintf("%d Vorgänge warten", cases)
	case cases == 1:
		return "1 case is waiting"
	}
	return fmt.Sprintf("%d cases are waiting", cases)
}

func (n *Notices) list(types map[string]int, language string) string {
	var lines []string
	names := slices.Sorted(maps.Keys(types))
	for i, name := range names {
		if i == maxList {
			lines = append(lines, "…")
			break
		}
		lines = append(lines, fmt.Sprintf("%d × %s", types[name], n.title(name, language)))
	}
	return strings.Join(lines, "\n")
}

// title is the type's title, or what its name says: "wohnung angemeldet (meldewesen)".
func (n *Notices) title(name, language string) string {
	t := n.Titel[name]
	if language == english && t.EN != "" {
		return t.EN
	}
	if t.DE != "" {
		return t.DE
	}
	parts := strings.Split(strings.TrimPrefix(name, "de."), ".")
	if last := len(parts) - 1; last > 0 && version.MatchString(parts[last]) {
		parts = parts[:last]
	}
	last := len(parts) - 1
	title := strings.ReplaceAll(parts[last], "-", " ")
	if last > 0 {
		title += " (" + strings.Join(parts[:last], ".") + ")"
	}
	return oneLine(title, maxTitle)
}

var version = regexp.MustCompile(`^v[0-9]+$`)

// link leads to the case where the settings say how, else to the console.
func (n *Notices) link(reference string) string {
	if n.Vorgang == "" || reference == "" {
		return n.Konsole
	}
	path := fill(n.Vorgang, map[string]string{phReference: url.PathEscape(reference)})
	return strings.TrimRight(n.Konsole, "/") + "/" + strings.TrimLeft(path, "/")
}

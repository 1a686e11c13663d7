package akdb

import (
	"regexp"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/akdb/xdomea"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xsd"
	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

// settings of source and sink; README.md explains them.
type settings struct {
	dropfolder.Config `yaml:",inline"`
	Messages          `yaml:",inline"`
}

// Messages are the settings of how messages become events and events messages,
// the same for every way by which messages travel.
type Messages struct {
	SourcePrefix string     `yaml:"source"`
	Leser        []string   `yaml:"leser"`
	Strict       bool       `yaml:"strict"`
	OhneKennung  string     `yaml:"ohne-kennung"`
	Religion     string     `yaml:"religion"`
	Rueckweisung rejections `yaml:"rueckweisung"`
	Quittung     receipts   `yaml:"quittung"`
	Xdomea       string     `yaml:"xdomea"`
	XSD          xsd.Config `yaml:"xsd"`
	Kopf         kopf       `yaml:"kopf"`
}

// kopf is the header of messages that are built.
type kopf struct {
	Autor   xmeld.Behoerde `yaml:"autor"`
	Leser   xmeld.Behoerde `yaml:"leser"`
	Produkt xmeld.Produkt  `yaml:"produkt"`
}

// keyForm is a DVDV key, prefix:key. Real prefixes have two to six characters,
// one of them an umlaut.
var keyForm = regexp.MustCompile(`^[^:\s\pC]{2,6}:[^:\s\pC]+$`)

func decode(env hub.Env, s hub.Settings) (settings, error) {
	set := settings{
		Config:   dropfolder.Defaults(),
		Messages: messageDefaults(),
	}
	if err := s.Decode(&set); err != nil {
		return set, err
	}
	set.Config = set.Under(env.Dir)
	set.place(env)
	if err := set.Check(s); err != nil {
		return set, err
	}
	return set, set.check(s)
}

func messageDefaults() Messages {
	return Messages{
		Rueckweisung: rejections{Hourly: defaultHourly},

		Xdomea: "3.1.0",
		XSD:    xsd.Defaults(),
		Kopf:   kopf{Produkt: xmeld.Produkt{Name: "Amtsbote", Hersteller: "Amtsbote"}},
	}
}

// place has relative paths start at the federation directory.
func (set *Messages) place(env hub.Env) {
	if set.XSD.Dir != "" {
		set.XSD.Dir = below(env.Federation, set.XSD.Dir)
	}
}

func (set Messages) check(s hub.Settings) error {
	for _, key := range set.Leser {
		if !keyForm.MatchString(key) {
			return s.Errorf("leser", "%q is no DVDV key (prefix:key)", key)
		}
	}
	if set.OhneKennung != "" && !keyForm.MatchString(set.OhneKennung) {
		return s.Errorf("ohne-kennung", "%q is no DVDV key (prefix:key)", set.OhneKennung)
	}
	if err := set.Rueckweisung.check(set.Kopf.Autor, s); err != nil {
		return err
	}
	if err := set.Quittung.check(set.Kopf.Autor, s); err != nil {
		return err
	}
	if !slices.Contains(xdomea.Versions, set.Xdomea) {
		return s.Errorf("xdomea", "%q is no version that can be written (%s)", set.Xdomea, strings.Join(xdomea.Versions, ", "))
	}
	if a := set.Kopf.Autor; a != (xmeld.Behoerde{}) {
		if lacks := a.AsAutor(); lacks != "" {
			return s.Errorf("kopf.autor", "%s is missing: XMeld wants it of every author", lacks)
		}
	}
	return nil
}

package akdb

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/hub"
)

// envelope is the header of a message built from an event. Who writes to whom
// says the event, if it discloses it, else the settings; the author's e-mail
// and postal address, which no event has, say the settings.
func (s *sink) envelope(e hub.Event, k *xoev.Kopf) xmeld.Envelope {
	v := xmeld.Envelope{
		UUID: cmp.Or(s.uuid, fileUUID(e)), Created: e.Time(),
		Autor: s.set.Kopf.Autor, Leser: s.set.Kopf.Leser, Produkt: s.set.Kopf.Produkt,
	}
	if k != nil {
		v.Autor.Kennung, v.Autor.Name = named(k.Autor, v.Autor)
		if k.Leser.Kennung != "" && k.Leser.Kennung != v.Leser.Kennung {
			v.Leser = xmeld.Behoerde{} // another reader's contact is not its contact
		}
		v.Leser.Kennung, v.Leser.Name = named(k.Leser, v.Leser)
		v.Test = k.Test
	}
	if v.Test == nil && isTest(e) {
		test := "true"
		v.Test = &test
	}
	return v
}

func named(s xoev.Stelle, otherwise xmeld.Behoerde) (kennung, name string) {
	switch {
	case s.Kennung == "":
		return otherwise.Kennung, otherwise.Name
	case s.Name == "" && s.Kennung == otherwise.Kennung:
		return s.Kennung, otherwise.Name
	}
	return s.Kennung, s.Name
}

// fileUUID is the event's id, or made of its identity: the same in every attempt. Files
// are named by it, and originals known by it, never by what the data say: an event must
// not replace the file of another, nor go out as another's message.
func fileUUID(e hub.Event) string {
	if id := strings.ToLower(e.ID()); uuidForm.MatchString(id) {
		return id
	}
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(e.Source()+" "+e.ID())).String()
}

func isTest(e hub.Event) bool { return extension(e, attrTest) != "" }

func extension(e hub.Event, name string) string {
	v, ok := e.Extensions()[name]
	if !ok {
		return ""
	}
	return fmt.Sprint(v)
}

// place is the AGS that a refusal concerns.
func place(e hub.Event, autor xmeld.Behoerde) string {
	if ags := extension(e, hub.AttrAGS); ags != "" {
		return ags
	}
	return agsOf(autor.Kennung)
}

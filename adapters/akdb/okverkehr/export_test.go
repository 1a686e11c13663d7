package okverkehr

import (
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// Read reads an answer about M AA1000 as Halter does.
func Read(raw []byte) (Auskunft, error) {
	var a Auskunft
	err := a.read(raw, "M AA1000")
	return a, err
}

// DataOf is what the event says of an answer.
func DataOf(a Auskunft, day time.Time) any { return dataOf(a, day) }

// QuestionOf reads an event by the two settings.
func QuestionOf(kennzeichen, stichtag string, e hub.Event) (string, time.Time, error) {
	k := &asking{set: settings{Kennzeichen: kennzeichen, Stichtag: stichtag}, now: time.Now}
	return k.question(e)
}

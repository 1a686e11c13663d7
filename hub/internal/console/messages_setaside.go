package console

import "strings"

// setAside says why an adapter has set a file aside; "" for a code that only the adapter
// knows.
func setAside(code, lang string) string {
	text, ok := asides[code]
	if rest, is := strings.CutPrefix(code, "xoev-"); is {
		text, ok = [2]string{
			"Die Nachricht wird nach XInneres zurückgewiesen, Code " + strings.ToUpper(rest) + ".", "The message is rejected as XInneres says, code " + strings.ToUpper(rest) + ".",
		}, true
	}
	switch {
	case !ok:
		return ""
	case lang == "de":
		return text[0]
	}
	return text[1]
}

// asides are the codes that several kinds of adapters share, German and English.
var asides = map[string][2]string{
	"not-an-event":      {"Die Datei ist kein Ereignis im JSON-Format von CloudEvents.", "The file is no event in the JSON format of CloudEvents."},
	"invalid-event":     {"Aus der Eingabe wurde kein gültiges Ereignis.", "The input did not become a valid event."},
	"unmappable":        {"Die Eingabe lässt sich mit der Abbildung des Adapters nicht in ein Ereignis übersetzen.", "The adapter's mapping cannot make an event of the input."},
	"too-large":         {"Die Eingabe ist zu groß.", "The input is too large."},
	"not-json":          {"Die Datei ist kein gültiges JSON.", "The file is not valid JSON."},
	"not-xml":           {"Die Datei ist kein gültiges XML.", "The file is not valid XML."},
	"unreadable":        {"Die Datei lässt sich nicht lesen.", "The file cannot be read."},
	"unlesbar":          {"Die Eingabe lässt sich nicht lesen.", "The input cannot be read."},
	"bad-encoding":      {"Die Zeichenkodierung der Datei stimmt nicht.", "The character encoding of the file is wrong."},
	"bad-header":        {"Die Kopfzeile der Datei passt nicht.", "The header line of the file does not fit."},
	"bad-name":          {"Der Name der Datei ist nicht erlaubt.", "The name of the file is not allowed."},
	"bad-quote":         {"In einer Zeile steht ein Anführungszeichen an falscher Stelle.", "A line has a quotation mark in a wrong place."},
	"open-quote":        {"Ein Anführungszeichen wird nicht geschlossen.", "A quotation mark is not closed."},
	"too-many-bad-rows": {"Zu viele Zeilen der Datei sind fehlerhaft.", "Too many rows of the file are faulty."},
	"not-a-file":        {"Was dort liegt, ist keine gewöhnliche Datei.", "What lies there is no ordinary file."},
	"symlink":           {"Was dort liegt, ist ein Verweis und keine Datei.", "What lies there is a link and no file."},
	"blob-missing":      {"Der große Inhalt zum Ereignis fehlt.", "The large payload of the event is missing."},
}

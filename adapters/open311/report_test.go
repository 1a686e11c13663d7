package open311

import "testing"

// A date is no telephone number, and a telephone number no date.
func TestDatesAndNumbers(t *testing.T) {
	for text, want := range map[string]bool{
		"Termin 05.10.2026": false, "05.10.26, 7 Uhr": false, "am 1.2. fertig": false, "(05.10.2026)": false,
		"089 12.34.56": true, "Ruf 089 12.10.26": true, "0171/12.10.2026": true, "+49 89 12.10.56": true, "a@b": true,
	} {
		r := &report{}
		r.describe(nil, text, notesEvent)
		if got := r.Notes == ""; got != want {
			t.Errorf("%s: personal %v", text, got)
		}
	}
}

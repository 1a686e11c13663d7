package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// cases of the story.
const (
	doneCase = "5f0c2c1e-7f3b-4a57-9d0e-6b1d2f8a4c01"
	refused  = "b7d1f2aa-0000-4000-8000-000000000001"
)

// hostile is an event whose texts are those of somebody who wants to do harm, and which
// breaks its schema.
const hostile = `{"specversion":"1.0","id":"%s","source":"urn:de:dvdv:ags:09162000","type":"de.meldewesen.wohnung-angemeldet.v1",
"time":"2026-11-03T09:00:00+01:00","correlationid":"%s","subject":"<img src=x onerror=alert(1)>","ags":"09162000","data":{"person":{"name":{
"familienname":"</style><style>body{display:none}</style><script>alert(1)</script>","vornamen":"{{constructor.constructor('alert(1)')()}}\u202egnp.exe"},
"geburtsdatum":"1979-02","staatsangehoerigkeiten":["000"],"deutsch":"javascript:alert(1)"},"anschrift":{"ags":"09162000",
"strasse":"%s","hausnummer":"14","plz":"80469","ort":"M\u00fcnchen"},"einzug":"2026-11-01"}}`

// seed has a case go its way, and some events refused.
func (h *hub) seed(t *testing.T) {
	t.Helper()
	into := filepath.Join(h.data, "drop", "okewo", "in")
	for i := range 3 {
		id := strings.Replace(refused, "01", fmt.Sprintf("%02d", i+1), 1)
		h.drop(t, into, fmt.Sprintf("boese-%d.json", i), fmt.Appendf(nil, hostile, id, id, strings.Repeat("x", 2000)))
	}
	h.left(t)
	raw, err := os.ReadFile(filepath.Join(h.story, "faelle", "rossi-1704.xml"))
	if err != nil {
		t.Fatal(err)
	}
	h.drop(t, filepath.Join(h.data, "drop", "onlinedienst", "in"), "fall.xml", raw)
	h.until(t, "explain", doneCase, "state        done")
	h.until(t, "explain", refused, "SCHEMA_INVALID")
	for id, code := range leaving {
		h.until(t, "explain", id, code)
	}
}

// leaving are events about people who have left Hamburg, and why each is refused: some
// have no day, the others no agreement.
var leaving = map[string]string{
	"wegzug-1": "SCHEMA_INVALID", "wegzug-2": "SCHEMA_INVALID", "wegzug-3": "NO_AGREEMENT", "wegzug-4": "NO_AGREEMENT", "wegzug-5": "NO_AGREEMENT",
}

func (h *hub) left(t *testing.T) {
	t.Helper()
	for id, code := range leaving {
		text := h.leaver(t, id)
		if code == "SCHEMA_INVALID" {
			text = strings.Replace(text, "2026-10-31", "gestern", 1)
		}
		h.drop(t, filepath.Join(h.data, "drop", "hamburg-melderegister", "in"), id+".json", []byte(text))
	}
}

// leaver is an event about somebody who has left.
func (h *hub) leaver(t *testing.T, id string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(h.story, "ereignisse", "umzug", "person-weggezogen.json"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("c27f5e13-8d40-4a96-b1e8-70d2f4a95b03", id, "8b0c4a7e-52d1-4e39-b6f8-0a9d3c5e7f21", "fall-"+id, `"deutsch": false`, `"deutsch": true`).Replace(string(raw))
}

// later puts an event aside that comes while its adapter is paused, and tells where.
func (h *hub) later(t *testing.T) string {
	t.Helper()
	dir := filepath.Dir(h.story)
	h.drop(t, dir, "wegzug-6.json", []byte(h.leaver(t, "wegzug-6")))
	return filepath.Join(dir, "wegzug-6.json")
}

func (h *hub) drop(t *testing.T, into, name string, raw []byte) {
	t.Helper()
	tmp := filepath.Join(into, name+".tmp")
	err := os.WriteFile(tmp, raw, 0o600)
	if err == nil {
		err = os.Rename(tmp, filepath.Join(into, name))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// until waits until a command about an id says something.
func (h *hub) until(t *testing.T, command, id, says string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; <-time.After(300 * time.Millisecond) {
		out, err := exec.Command(h.binary, command, id, "--data", h.data, "--lang", "en").CombinedOutput()
		if err == nil && strings.Contains(string(out), says) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s %s does not say %q: %v\n%s", command, id, says, err, out)
		}
	}
}

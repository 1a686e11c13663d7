package okewo

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
)

func TestBadSettings(t *testing.T) {
	env := adaptertest.Env(t.TempDir())
	for _, yaml := range []string{
		"{}", "{dir: .}", "{dir: ., rules: r}", "{dir: ., rules: r, source: s, poll: 0s}", "{dir: ., rules: missing.yaml, source: s}", "{quatsch: 1}",
	} {
		if err := Simulator().Run(t.Context(), env, adaptertest.Settings(yaml)); err == nil {
			t.Errorf("%s was accepted", yaml)
		}
	}
}

func TestBadRules(t *testing.T) {
	good, err := os.ReadFile(filepath.Join("testdata", "rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string][2]string{
		"condition": {"wenn: unzustaendig", "wenn: montags"},
		"no reason": {", ablehnen: Der Vorname fehlt.", ""},
		"both":      {"annehmen: true", "annehmen: true, ablehnen: x"},
		"no field":  {"feld: /anschrift/strasse, ", ""},
		"no days":   {"tage: 90, ", ""},
		"status":    {`status: "03"`, `status: "01"`},
		"date":      {"heute: 2026-03-02", "heute: morgen"},
		"register":  {"email: ewo@example.org", "email: ''"},
		"key":       {"zustaendig:", "zuständig:"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := strings.Replace(string(good), change[0], change[1], 1)
			if bad == string(good) {
				t.Fatal("the case changes nothing")
			}
			path := filepath.Join(t.TempDir(), "rules.yaml")
			write(t, path, bad)
			if _, err := loadRules(path); err == nil {
				t.Error("accepted")
			}
		})
	}
	if _, err := loadRules("testdata/none.yaml"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

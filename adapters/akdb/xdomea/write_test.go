package xdomea_test

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/akdb/xdomea"
	"github.com/amtsbote/amtsbote/adapters/akdb/xmlout"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

var created = time.Date(2026, 3, 2, 8, 15, 0, 0, time.UTC)

func id(n string) string { return "11111111-0000-4000-8000-00000000000" + n }

func abgabe() *xdomea.Abgabe {
	file := func(n string) xdomea.Dokument {
		return xdomea.Dokument{
			ID: id(n), Betreff: "Bauantrag & Anlagen", Datum: "2011-02-12", Dateiname: "../Antrag.PDF", Dateiformat: "018",
			Datei: &xoev.Original{Ref: "blob:" + n, Size: 4},
		}
	}
	return &xdomea.Abgabe{
		Prozess: strings.ToUpper(id("a")), Absender: xdomea.Stelle{Name: "Bauamt Isarstadt", Kennung: "bab:09162000"},
		Empfaenger: xdomea.Stelle{Name: "Stadtarchiv Isarstadt"},
		Schriftgut: []xdomea.Objekt{
			{
				ID: id("1"), Art: "akte", Kennzeichen: "BA-2010", Betreff: "Neubau", Aktenplaneinheit: "6321",
				Laufzeit: xdomea.Laufzeit{Beginn: "2010-04-04", Ende: "2012-04-04"}, Dokumente: []xdomea.Dokument{file("2")},
			},
			{ID: id("3"), Art: "vorgang", Dokumente: []xdomea.Dokument{file("4"), {ID: id("5")}}},
			{ID: id("6"), Art: "dokument", Betreff: "Plan", Dokumente: []xdomea.Dokument{file("7")}},
			{ID: id("8"), Art: "akte"},
		},
	}
}

func TestWrite(t *testing.T) {
	for _, version := range xdomea.Versions {
		for number, name := range map[string]string{"0501": "Aussonderung.Anbieteverzeichnis.0501", "0503": "Aussonderung.Aussonderung.0503"} {
			t.Run(version+" "+number, func(t *testing.T) {
				message, err := xdomea.Write(abgabe(), number, version, created)
				if err != nil {
					t.Fatal(err)
				}
				h, err := xoev.ReadHeader(bytes.NewReader(message), xmlguard.Limits{})
				if err != nil || h.Element != name || h.Dialect != xoev.XdomeaKopf || h.ProcessID != id("a") || h.Autor.Kennung != "bab:09162000" {
					t.Errorf("%+v %v", h, err)
				}
				if complaint := interop.Lint(t, message, "data", "xoev", "xdomea", "xsd", version, "xdomea.xsd"); complaint != "" {
					t.Errorf("%s\n%s", complaint, message)
				}
			})
		}
	}
}

func TestContainer(t *testing.T) {
	pack := func(number string) []byte {
		message, err := xdomea.Write(abgabe(), number, "3.1.0", created)
		if err != nil {
			t.Fatal(err)
		}
		b, err := xdomea.Container(abgabe(), number, message, 1<<20, func(d xdomea.Dokument) ([]byte, error) { return []byte("PDF " + d.ID), nil })
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for number, want := range map[string]string{
		"0501": id("a") + "_Aussonderung.Anbieteverzeichnis.0501.xml",
		"0503": id("a") + "_Aussonderung.Aussonderung.0503.xml " + id("2") + ".pdf " + id("4") + ".pdf " + id("6") + ".pdf",
	} {
		first := pack(number)
		if !bytes.Equal(first, pack(number)) {
			t.Error("a second attempt gives other bytes")
		}
		r, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range r.File {
			got = append(got, f.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("has %q", got)
		}
		body, err := xoev.OpenContainer(bytes.NewReader(first), int64(len(first)))
		if err != nil {
			t.Fatal(err)
		}
		if content, err := io.ReadAll(body); err != nil || !strings.Contains(string(content), "Neubau") {
			t.Error(err)
		}
	}
}

func TestUnmappable(t *testing.T) {
	for field, change := range map[string]func(*xdomea.Abgabe){
		"prozess":                                func(d *xdomea.Abgabe) { d.Prozess = "P" },
		"absender.name":                          func(d *xdomea.Abgabe) { d.Absender.Name = "" },
		"empfaenger.name":                        func(d *xdomea.Abgabe) { d.Empfaenger.Name = "" },
		"schriftgut":                             func(d *xdomea.Abgabe) { d.Schriftgut = nil },
		"schriftgut[0].id":                       func(d *xdomea.Abgabe) { d.Schriftgut[0].ID = "" },
		"schriftgut[1].art":                      func(d *xdomea.Abgabe) { d.Schriftgut[1].Art = "karton" },
		"schriftgut[0].laufzeit":                 func(d *xdomea.Abgabe) { d.Schriftgut[0].Laufzeit.Ende = "2012" },
		"schriftgut[1].dokumente[0].id":          func(d *xdomea.Abgabe) { d.Schriftgut[1].Dokumente[0].ID = id("2") },
		"schriftgut[1].dokumente[1].datum":       func(d *xdomea.Abgabe) { d.Schriftgut[1].Dokumente[1].Datum = "gestern" },
		"schriftgut[0].dokumente[0].dateiformat": func(d *xdomea.Abgabe) { d.Schriftgut[0].Dokumente[0].Dateiformat = "" },
		"xdomea:Name":                            func(d *xdomea.Abgabe) { d.Absender.Name = "Αθηνά" },
	} {
		t.Run(field, func(t *testing.T) {
			d := abgabe()
			change(d)
			_, err := xdomea.Write(d, "0503", "3.1.0", created)
			if got, ok := errors.AsType[*xmlout.UnmappableError](err); !ok || got.Field != field {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := xdomea.Write(abgabe(), "0503", "2.3.0", created); err == nil {
		t.Error("2.3.0 is written")
	}
}

// TestContainerTooLarge: documents that say that they are too large are not read,
// and those that say too little not further than the limit.
func TestContainerTooLarge(t *testing.T) {
	noise := make([]byte, 1<<17)
	_, _ = rand.Read(noise) // never fails
	for most, reads := range map[int64]int{11: 0, 100: 1} {
		read := 0
		_, err := xdomea.Container(abgabe(), "0503", nil, most, func(xdomea.Dokument) ([]byte, error) {
			read++
			return noise, nil
		})
		if _, ok := errors.AsType[*xmlout.UnmappableError](err); !ok || read > reads {
			t.Errorf("%d: %v, %d documents were read", most, err, read)
		}
	}
}

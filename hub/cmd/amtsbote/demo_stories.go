package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"

	"github.com/amtsbote/amtsbote/hub/internal/demo"
)

// demoStory is a story that demo runs: its folder in examples/ and what must happen.
type demoStory struct {
	name  string
	cases []demo.Case
	// files are handed in to a drop folder: glob in the story, folder below drop/.
	files, to string
	// after is true when they are handed in once the first step of every case is done.
	after bool
	// listen are addresses in the story's files; a demo has others, that are free.
	listen []string
}

// demoStories lists the stories; the first is the one without a name.
func demoStories() []demoStory {
	return []demoStory{wohnsitzanmeldung(), maengelmeldung()}
}

func demoNames() (names []string) {
	for _, s := range demoStories() {
		names = append(names, s.name)
	}
	return names
}

func findStory(args []string) demoStory {
	all := demoStories()
	if len(args) == 0 {
		return all[0]
	}
	return all[slices.IndexFunc(all, func(s demoStory) bool { return s.name == args[0] })]
}

func wohnsitzanmeldung() demoStory {
	received := demo.Step{Type: "de.meldewesen.anmeldung-eingegangen.v1", Receivers: []string{"akdb.okewo"}}
	return demoStory{
		name: "wohnsitzanmeldung", files: "faelle/*.xml", to: "onlinedienst",
		cases: []demo.Case{
			{ID: "5f0c2c1e-7f3b-4a57-9d0e-6b1d2f8a4c01", Title: "Case 1: Giulia Rossi moves to Munich; the register accepts", Steps: []demo.Step{
				received,
				{Type: "de.meldewesen.wohnung-angemeldet.v1", Receivers: []string{"lhm.abfall", "lhm.auslaenderbehoerde", "lhm.kfz"}},
				{Type: "de.meldewesen.anmeldung-angenommen.v1", Receivers: []string{"dataport.wohnsitzanmeldung"}},
			}},
			{ID: "5f0c2c1e-7f3b-4a57-9d0e-6b1d2f8a4c02", Title: "Case 2: Jonas Beispiel applies in the wrong city; the register refuses", Steps: []demo.Step{
				received,
				{Type: "de.meldewesen.anmeldung-zurueckgewiesen.v1", Receivers: []string{"dataport.wohnsitzanmeldung"}},
			}},
		},
	}
}

func maengelmeldung() demoStory {
	const portal, office, district = "lhm.meldeportal", "lhm.maengelstelle", "landkreis.maengel"
	received := demo.Step{Type: "de.maengel.meldung-eingegangen.v1", Receivers: []string{office}}
	solved := func(from string, to ...string) demo.Step {
		return demo.Step{Type: "de.maengel.meldung-geloest.v1", From: from, Receivers: to}
	}
	return demoStory{
		name: "maengelmeldung", files: "ereignisse/*.json", to: "maengelstelle", after: true,
		listen: []string{"127.0.0.1:8311", "127.0.0.1:8312"},
		cases: []demo.Case{
			{ID: "ac039719-8a42-54f7-8573-495ac56641e3", Title: "Case 1: a pothole on a road of the district", Steps: []demo.Step{
				received,
				{Type: "de.maengel.meldung-weitergeleitet.v1", Receivers: []string{district}},
				{Type: "de.maengel.weiterleitung-bestaetigt.v1", Receivers: []string{office}},
				solved(district, office, portal),
				solved(portal, office),
			}},
			{ID: "402311bd-cd4d-59f8-963a-b091658a38f4", Title: "Case 2: a street light, mended by the city itself", Steps: []demo.Step{
				received,
				solved(office, portal),
				solved(portal, office),
			}},
		},
	}
}

// unpack writes the story into a folder, with addresses that are free.
func (s demoStory) unpack(stories fs.FS, dir string) error {
	sub, err := fs.Sub(stories, s.name)
	if err != nil {
		return err
	}
	if err := os.CopyFS(dir, sub); err != nil {
		return fmt.Errorf("unpack the story: %w", err)
	}
	free, err := freeAddresses(len(s.listen))
	if err != nil {
		return err
	}
	for i, address := range s.listen {
		if err := replaceIn(dir, address, free[i]); err != nil {
			return fmt.Errorf("unpack the story: %w", err)
		}
	}
	return nil
}

// freeAddresses finds n addresses of loopback on which nobody listens.
func freeAddresses(n int) (free []string, err error) {
	var held []net.Listener
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		held, free = append(held, l), append(free, l.Addr().String())
	}
	for _, l := range held {
		err = errors.Join(err, l.Close())
	}
	return free, err
}

// replaceIn replaces a text in all YAML files of a folder.
func replaceIn(dir, old, text string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		raw, err := os.ReadFile(path) //nolint:gosec // our own story
		if err != nil || !bytes.Contains(raw, []byte(old)) {
			return err
		}
		return os.WriteFile(path, bytes.ReplaceAll(raw, []byte(old), []byte(text)), 0o600) //nolint:gosec // our own story
	})
}

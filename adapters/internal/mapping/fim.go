package mapping

import (
	_ "embed"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"go.yaml.in/yaml/v4"
)

// fim.yaml lists the data fields and groups of FIM (Föderales
// Informationsmanagement, Baustein Datenfelder) that come with the program; a
// federation directory adds its own in FIMFile.
//
//go:embed fim.yaml
var fimBuiltIn []byte

// FIMFile is where a federation directory lists further ids.
const FIMFile = "mappings/fim.yaml"

// fimList are known ids with their names.
type fimList map[string]string

// fimForm is an id of a data field (F) or a group (G): 8 digits in XDatenfelder 2,
// 11 in XDatenfelder 3.
var fimForm = regexp.MustCompile(`^[FG](?:[0-9]{8}|[0-9]{11})$`)

// knownFIM reads the list of the program and that of the directory.
func knownFIM(dir string) (fimList, error) {
	known := fimList{}
	if err := known.add("fim.yaml", fimBuiltIn); err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(FIMFile))); errors.Is(err, fs.ErrNotExist) {
		return known, nil
	}
	raw, err := readBelow(dir, FIMFile)
	if err != nil {
		return nil, err
	}
	return known, known.add(FIMFile, raw)
}

func (l fimList) add(file string, raw []byte) error {
	p := &problems{file: file}
	in := map[string]string{}
	var root yaml.Node
	if err := yaml.Load(raw, &root); err != nil {
		p.yaml(err)
		return p.joined()
	}
	if err := root.Load(&in); err != nil {
		p.yaml(err)
		return p.joined()
	}
	p.root = &root
	for id, name := range in {
		if !fimForm.MatchString(id) || name == "" {
			p.at([]string{id}, "must be an id of FIM (F60000227) with its name")
		}
		l[id] = name
	}
	return p.joined()
}

// fim judges an id of FIM. A step of a path may be one, and then must be known.
func (c *compiler) fim(keys []string, id string, step bool) {
	if step && !fimForm.MatchString(id) {
		return
	}
	if c.known[id] == "" {
		c.at(keys, "%s is no known id of FIM; add it with its name to %s once it is checked against the FIM-Baukasten", id, FIMFile)
	}
}

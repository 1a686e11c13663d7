package xsd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// name is a root element.
type name struct{ space, local string }

const (
	schemaSpace = "http://www.w3.org/2001/XMLSchema"
	maxFiles    = 10_000
)

// index finds which file declares which root element. Of several files that
// declare the same the first by path counts.
func index(dir string) (map[name]string, error) {
	found := map[name]string{}
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if !d.Type().IsRegular() || !strings.EqualFold(filepath.Ext(path), ".xsd") {
			return nil
		}
		if files++; files > maxFiles {
			return errors.New("more than 10000 schemas")
		}
		return declared(path, found)
	})
	if err != nil {
		return nil, fmt.Errorf("read schemas: %w", err)
	}
	return found, nil
}

// declared adds the root elements of one file. A file that is no schema, or that
// the guard refuses (some schemas of the W3C have a DTD), declares none.
func declared(path string, into map[name]string) error {
	f, err := os.Open(path) //nolint:gosec // found in the operator's own folder
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	var space string
	var roots []string
	_, err = xmlguard.Read(f, xmlguard.Limits{}, func(depth int, e *xmlguard.Element) bool {
		switch {
		case e.Space != schemaSpace:
		case depth == 1:
			space, _ = e.Attr("targetNamespace")
		case depth == 2 && e.Local == "element":
			local, _ := e.Attr("name")
			roots = append(roots, local)
		}
		return false
	})
	if _, refused := errors.AsType[*xmlguard.Error](err); refused {
		return nil
	}
	if err != nil {
		return err
	}
	for _, local := range roots {
		if _, taken := into[name{space, local}]; !taken {
			into[name{space, local}] = path
		}
	}
	return nil
}

package recht

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/strictyaml"
	"github.com/amtsbote/amtsbote/schemas"
)

// lawFile is a norm as it is written (schemas/recht/README.md).
type lawFile struct {
	Key        strictyaml.Text                       `yaml:"key,required"`
	Norm       strictyaml.Text                       `yaml:"norm,required"`
	Statute    strictyaml.Text                       `yaml:"statute,required"`
	Title      strictyaml.Text                       `yaml:"title,required"`
	TitleEn    strictyaml.Text                       `yaml:"title-en,required"`
	Says       strictyaml.Text                       `yaml:"says,required"`
	SaysEn     strictyaml.Text                       `yaml:"says-en,required"`
	Checked    strictyaml.Text                       `yaml:"checked"`
	Ungeprueft strictyaml.Text                       `yaml:"ungeprueft"`
	Transfer   strictyaml.Text                       `yaml:"transfer,required"`
	From       []strictyaml.Text                     `yaml:"from"`
	To         []strictyaml.Text                     `yaml:"to"`
	Fields     map[string][]strictyaml.Text          `yaml:"fields"`
	Transport  strictyaml.Text                       `yaml:"transport"`
	Blocks     strictyaml.OneOrMany[strictyaml.Text] `yaml:"blocks"`
}

var (
	keyPattern  = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*(-[A-Za-z0-9]+)*$`)
	wordPattern = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)
)

// Read reads the file of one norm and adds what is wrong to found; nil when the
// file says too little. Pointers are compared with the schemas in registry.
func Read(found *finding.List, registry *schemas.Registry, file string, raw []byte) *Law {
	in := strictyaml.Read[lawFile](found, file, raw)
	if in == nil || in.Key.Value == "" {
		return nil
	}
	r := &reader{found, file}
	l := &Law{
		Key: in.Key.Value, Norm: in.Norm.Value, Statute: in.Statute.Value,
		Title: in.Title.Value, TitleEn: in.TitleEn.Value, Says: in.Says.Value, SaysEn: in.SaysEn.Value,
		Checked: in.Checked.Value, Unchecked: in.Ungeprueft.Value, Transfer: Transfer(in.Transfer.Value),
		From: r.words(in.From), To: r.words(in.To), Blocks: r.words(in.Blocks),
	}
	r.form(in)
	if in.Transport.Value != "" {
		l.Transport = r.words([]strictyaml.Text{in.Transport})[0]
	}
	for typ, pointers := range in.Fields {
		if l.Fields == nil {
			l.Fields = map[string][]string{}
		}
		if _, ok := registry.Lookup(typ); !ok && len(pointers) == 0 {
			r.Add(in.Key.At, finding.AgrType, typ) // it would limit nothing
		}
		l.Fields[typ] = r.pointers(registry, typ, pointers)
	}
	return l
}

type reader struct {
	*finding.List
	file string
}

func (r *reader) form(in *lawFile) {
	if stem := strings.TrimSuffix(strings.TrimSuffix(path.Base(r.file), ".yaml"), ".yml"); stem != in.Key.Value || !keyPattern.MatchString(stem) {
		r.Add(in.Key.At, finding.LawFile, in.Key.Value)
	}
	switch Transfer(in.Transfer.Value) {
	case Any, WithinUnit, BetweenUnits, "":
	default:
		r.Add(in.Transfer.At, finding.YAMLValue, "any | within-unit | between-units")
	}
	_, err := time.Parse(time.DateOnly, in.Checked.Value)
	switch checked := in.Checked.Value != ""; {
	case checked && err != nil:
		r.Add(in.Checked.At, finding.YAMLValue, "2026-01-31")
	case checked && in.Ungeprueft.Value != "":
		r.Add(in.Ungeprueft.At, finding.YAMLValue, "checked | ungeprueft")
	case !checked && in.Ungeprueft.Value == "":
		r.Add(in.Key.At, finding.YAMLMissing, "checked")
	}
}

func (r *reader) words(texts []strictyaml.Text) []string {
	var out []string
	for _, t := range texts {
		if !wordPattern.MatchString(t.Value) {
			r.Add(t.At, finding.YAMLValue, "[a-z0-9-]{1,40}")
		}
		out = append(out, t.Value)
	}
	return out
}

func (r *reader) pointers(registry *schemas.Registry, typ string, texts []strictyaml.Text) []string {
	known := map[string]bool{}
	schema, ok := registry.Lookup(typ)
	if ok {
		for _, f := range schema.Fields() {
			known[f.Pointer] = true
		}
	}
	var out []string
	for _, t := range texts {
		if !ok {
			r.Add(t.At, finding.AgrType, typ)
			break
		}
		if !known[t.Value] {
			r.Add(t.At, finding.LawPointer, t.Value, typ)
		}
		out = append(out, t.Value)
	}
	return out
}

// Embedded gives the norms that come with the program.
var Embedded = sync.OnceValues(func() (List, error) {
	registry, err := schemas.Embedded()
	if err != nil {
		return nil, err
	}
	files := schemas.Recht()
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		return nil, err
	}
	found, list := &finding.List{}, List{}
	for _, name := range names {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		if l := Read(found, registry, name, raw); l != nil {
			list[l.Key] = l
		}
	}
	if err := found.Errors(); err != nil {
		return nil, fmt.Errorf("the embedded laws: %w", err)
	}
	return list, nil
})

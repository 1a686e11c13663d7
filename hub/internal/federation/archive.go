package federation

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
)

// maxArchive bounds what is unpacked.
const maxArchive = 1 << 30

// Archive writes the files of this version, so that what it decided can be
// explained when the directory has changed. The same version gives the same
// bytes.
func (f *Federation) Archive(w io.Writer) error {
	zip := gzip.NewWriter(w)
	out := tar.NewWriter(zip)
	for _, name := range f.files.names("") {
		raw := f.files.files[name]
		if err := out.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(raw)), Format: tar.FormatPAX}); err != nil {
			return fmt.Errorf("archive %s: %w", name, err)
		}
		if _, err := out.Write(raw); err != nil {
			return fmt.Errorf("archive %s: %w", name, err)
		}
	}
	return errors.Join(out.Close(), zip.Close())
}

// FromArchive compiles a version from what Archive wrote. Its adapters are not
// judged, nor are its approvals: they were when it came into force.
func FromArchive(r io.Reader) (*Federation, []finding.Finding, error) {
	files, err := unpack(r)
	if err != nil {
		return nil, nil, fmt.Errorf("unpack a version of the federation directory: %w", err)
	}
	b := newBuilder(anyKinds{}, time.Now())
	b.lenient = true
	fed, found := b.build(files)
	return fed, found, nil
}

func unpack(r io.Reader) (*snapshot, error) {
	zip, err := gzip.NewReader(r)
	if err != nil {
		return nil, err
	}
	files := &snapshot{files: map[string][]byte{}}
	in := tar.NewReader(io.LimitReader(zip, maxArchive))
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if files.files[h.Name], err = io.ReadAll(in); err != nil {
			return nil, err
		}
	}
}

type anyKinds struct{}

func (anyKinds) Has(string) (source, sink, ok bool) { return true, true, true }
func (anyKinds) HasSimulator(string) bool           { return true }

// Published gives the schemas of what receivers get, by dataschema: those of the
// types that an agreement names, and those derived for its cuts.
func (f *Federation) Published() map[string][]byte {
	out := map[string][]byte{}
	add := func(c *Clause) {
		switch schema, ok := f.Schemas.Lookup(c.Type); {
		case c.Cut != nil:
			out[c.DataSchema] = c.Cut.Schema()
		case ok:
			out[c.DataSchema] = schema.Raw
		}
	}
	for _, s := range f.clauses {
		for _, c := range s.ofGroups {
			add(c)
		}
		for _, list := range s.byAuthority {
			for _, c := range list {
				add(c)
			}
		}
	}
	return out
}

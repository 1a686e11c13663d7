package xdomea

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmlout"
)

// Container packs a message and its documents. The bytes depend on the arguments
// alone: a second attempt gives the same file. file gives the bytes of a document.
// Documents of more than most bytes together, and a container of more, give an
// *xmlout.UnmappableError; of documents that say so themselves none is read.
func Container(d *Abgabe, number string, message []byte, most int64, file func(Dokument) ([]byte, error)) ([]byte, error) {
	if number == Aussonderung && d.tooLarge(most) {
		return nil, errTooLarge
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if err := put(w, Name(d, number)+".xml", message); err != nil {
		return nil, err
	}
	for _, o := range d.Schriftgut {
		for _, doc := range o.Dokumente {
			if o.Art == "dokument" {
				doc.ID = o.ID
			}
			if number != Aussonderung || doc.Datei == nil {
				continue
			}
			content, err := file(doc)
			if err != nil {
				return nil, err
			}
			if err := put(w, doc.File(), content); err != nil {
				return nil, err
			}
			if int64(b.Len()) > most {
				return nil, errTooLarge
			}
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack container: %w", err)
	}
	if int64(b.Len()) > most {
		return nil, errTooLarge
	}
	return b.Bytes(), nil
}

var errTooLarge = xmlout.Unmappable("schriftgut", "makes a container larger than max-bytes")

// tooLarge holds when the documents say that they have more bytes together.
func (d *Abgabe) tooLarge(most int64) bool {
	for _, o := range d.Schriftgut {
		for _, doc := range o.Dokumente {
			if doc.Datei == nil {
				continue
			}
			if doc.Datei.Size > most {
				return true
			}
			most -= doc.Datei.Size
		}
	}
	return false
}

func put(w *zip.Writer, name string, content []byte) error {
	f, err := w.CreateHeader(&zip.FileHeader{Name: strings.ToValidUTF8(name, ""), Method: zip.Deflate})
	if err != nil {
		return fmt.Errorf("pack container: %w", err)
	}
	if _, err := f.Write(content); err != nil {
		return fmt.Errorf("pack container: %w", err)
	}
	return nil
}

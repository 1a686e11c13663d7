package xdomea

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
)

// Container packs a message and its documents. The bytes depend on the arguments
// alone: a second attempt gives the same file. file gives the bytes of a document.
func Container(d *Abgabe, number string, message []byte, file func(Dokument) ([]byte, error)) ([]byte, error) {
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
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack container: %w", err)
	}
	return b.Bytes(), nil
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

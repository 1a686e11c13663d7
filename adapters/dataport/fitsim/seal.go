package fitsim

import (
	"bytes"
	"compress/flate"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"io"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
)

// data gives the application data's bytes: XML stands as a JSON text.
func (d *desk) data() []byte {
	if d.effect == BadData {
		return []byte(`{"daten":`)
	}
	var text string
	if d.app.DataType != "application/json" && json.Unmarshal(d.app.Data, &text) == nil {
		return []byte(text)
	}
	if d.app.Data == nil {
		return []byte("{}")
	}
	return d.app.Data
}

func (d *desk) metadata(data []byte) ([]byte, error) {
	sum := sha512.Sum512(data)
	hash := hex.EncodeToString(sum[:])
	if d.effect == WrongDataHash {
		hash = strings.Repeat("0", 128)
	}
	attachments := append([]any{}, d.meta...)
	if d.effect == Undescribed && len(attachments) > 0 {
		attachments = attachments[1:]
	}
	m := map[string]any{
		"$schema": "https://schema.fitko.de/fit-connect/metadata/2.1.0/metadata.schema.json",
		"contentStructure": map[string]any{
			"data": map[string]any{
				"hash":             map[string]string{"type": "sha512", "content": hash},
				"submissionSchema": map[string]string{"schemaUri": d.app.SchemaURI, "mimeType": d.app.DataType},
			},
			"attachments": attachments,
		},
		"additionalReferenceInfo": map[string]any{"applicationDate": time.Now().Format(time.DateOnly)},
		"author":                  map[string]any{"name": "Onlinedienst (Simulator)", "product": map[string]string{"name": "Amtsbote", "version": "1"}},
	}
	for name, value := range d.app.Metadata {
		m[name] = value
	}
	switch d.effect {
	case BadMetadata:
		delete(m, "contentStructure")
	case OldMetadata:
		m["$schema"] = "https://schema.fitko.de/fit-connect/metadata/9.0.0/metadata.schema.json"
	case NoMetadata:
		return []byte("<metadata/>"), nil
	}
	return json.Marshal(m)
}

// seal encrypts metadata and data.
func (d *desk) seal() error {
	data := d.data()
	metadata, err := d.metadata(data)
	if err != nil {
		return err
	}
	if d.m.metadata, d.m.tags.Metadata, err = d.encrypt("application/json", metadata); err != nil {
		return err
	}
	d.m.data, d.m.tags.Data, err = d.encrypt(d.app.DataType, data)
	return err
}

func (d *desk) encrypt(contentType string, plain []byte) (compact, tag string, err error) {
	if !d.app.Zip {
		return fit.Encrypt(d.to, contentType, plain)
	}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.DefaultCompression)
	if err == nil {
		_, err = w.Write(plain)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return "", "", err
	}
	return fit.EncryptZipped(d.to, contentType, packed.Bytes())
}

// swap has the service hand out something else than was submitted.
func (d *desk) swap() (err error) {
	d.s.mu.Lock()
	defer d.s.mu.Unlock()
	switch d.effect {
	case SwapMetadata:
		d.m.metadata, _, err = fit.Encrypt(d.to, "application/json", []byte("{}"))
	case SwapData:
		d.m.data, _, err = fit.Encrypt(d.to, "application/json", []byte("{}"))
	case SwapAttachment:
		for id := range d.m.files {
			tag := d.m.tags.Attachments[id]
			d.s.mu.Unlock()
			err = d.s.keep(d.m, id, func(w io.Writer) (string, error) {
				return fit.Seal(w, d.to, "application/json", strings.NewReader("ein anderer Inhalt"))
			})
			d.s.mu.Lock()
			d.m.tags.Attachments[id] = tag
		}
	}
	return err
}

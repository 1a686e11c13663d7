package eakte

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/textproto"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/hub"
)

// document is a file that is filed: a blob that the event names, or its data.
type document struct {
	name, mediaType string
	ref             string // "" for content
	content         []byte
}

// maxDocuments is how many an event may have.
const maxDocuments = 100

var (
	refForm   = regexp.MustCompile(`^blob:[A-Za-z0-9_-]{1,200}$`)
	mediaForm = regexp.MustCompile(`^[A-Za-z0-9!#$&^_.+-]{1,80}/[A-Za-z0-9!#$&^_.+-]{1,120}$`)
)

var errTooMany = hub.Permanent("unmappable", "the event names more than %d documents", maxDocuments)

// documents lists what an event has: its data first, if that is wanted, then each blob
// once, in the order of the data.
func documents(e hub.Event, data any, withData bool) ([]document, error) {
	var all []document
	if withData && len(e.Data()) > 0 {
		all = append(all, document{name: "ereignis.json", mediaType: "application/json", content: e.Data()})
	}
	if ref, ok := e.Extensions()[hub.AttrDataRef].(string); ok && refForm.MatchString(ref) {
		all = append(all, document{name: "daten", mediaType: e.DataContentType(), ref: ref})
	}
	all = append(all, blobsIn(data)...)
	var refs []string
	all = slices.DeleteFunc(all, func(d document) bool {
		known := d.ref != "" && slices.Contains(refs, d.ref)
		refs = append(refs, d.ref)
		return known
	})
	if len(all) > maxDocuments {
		return nil, errTooMany
	}
	return named(all), nil
}

// blobsIn finds the shared part gemeinsam.original, wherever it is.
func blobsIn(v any) (all []document) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			all = append(all, blobsIn(item)...)
		}
	case map[string]any:
		if ref, ok := v["ref"].(string); ok && refForm.MatchString(ref) {
			name, _ := v["filename"].(string)
			media, _ := v["mediaType"].(string)
			return []document{{name: name, mediaType: media, ref: ref}}
		}
		for _, key := range sorted(v) {
			all = append(all, blobsIn(v[key])...)
		}
	}
	return all
}

func sorted(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// named gives each document a file name of its own, and a media type.
func named(all []document) []document {
	taken := map[string]bool{}
	for i := range all {
		d := &all[i]
		if !mediaForm.MatchString(d.mediaType) {
			d.mediaType = "application/octet-stream"
		}
		name := fileName(d.name)
		if name == "" {
			name = fmt.Sprintf("dokument-%d", i+1)
		}
		if taken[strings.ToLower(name)] {
			name = fmt.Sprintf("%d-%s", i+1, name)
		}
		taken[strings.ToLower(name)] = true
		d.name = name
	}
	return all
}

// fileName is a name without a path, of at most 120 characters; "" for none.
func fileName(name string) string {
	name = path.Base(strings.ReplaceAll(tame(name), `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`"<>:|?*/`, r) {
			return '_'
		}
		return r
	}, strings.TrimSpace(name))
	if strings.Trim(name, "._ ") == "" {
		return ""
	}
	if runes := []rune(name); len(runes) > 120 {
		return string(runes[len(runes)-120:]) // its ending is its end
	}
	return name
}

// opener opens the blobs of a delivery.
type opener interface {
	Open(ctx context.Context, ref string) (io.ReadCloser, error)
}

// upload is the body of POST /incomings, written while it is read: nobody holds a
// document whole.
type upload struct {
	*io.PipeReader
	contentType string
	done        chan struct{}
	err         error // what the documents had, once done is closed
}

func newUpload(ctx context.Context, params any, docs []document, blobs opener) (*upload, error) {
	head, err := json.Marshal(params)
	if err != nil {
		return nil, errors.New("write the parameters: they have no JSON")
	}
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	u := &upload{PipeReader: r, contentType: form.FormDataContentType(), done: make(chan struct{})}
	go func() {
		defer close(u.done)
		err := writeForm(ctx, form, head, docs, blobs)
		if !errors.Is(err, io.ErrClosedPipe) && !errors.Is(err, context.Canceled) {
			u.err = err // else nobody reads any more: the answer says why
		}
		_ = w.CloseWithError(err) // nil ends the body
	}()
	return u, nil
}

// end stops the writing, if it goes on, and gives what was wrong with a document.
func (u *upload) end() error {
	_ = u.Close()
	<-u.done
	return u.err
}

func writeForm(ctx context.Context, form *multipart.Writer, params []byte, docs []document, blobs opener) error {
	if err := writePart(form, "params", "", "application/json", bytes.NewReader(params)); err != nil {
		return err
	}
	for _, d := range docs {
		if err := writeDocument(ctx, form, d, blobs); err != nil {
			return err
		}
	}
	return form.Close()
}

func writeDocument(ctx context.Context, form *multipart.Writer, d document, blobs opener) error {
	if d.ref == "" {
		return writePart(form, "giattachmenttype", d.name, d.mediaType, bytes.NewReader(d.content))
	}
	if blobs == nil {
		return hub.Permanent("blob-missing", "open a document: the delivery has none")
	}
	in, err := blobs.Open(ctx, d.ref)
	if err != nil {
		return fmt.Errorf("open a document: %w", err)
	}
	defer func() { _ = in.Close() }()
	return writePart(form, "giattachmenttype", d.name, d.mediaType, in)
}

func writePart(form *multipart.Writer, field, name, mediaType string, content io.Reader) error {
	disposition := fmt.Sprintf(`form-data; name="%s"`, field)
	if name != "" {
		disposition += fmt.Sprintf(`; filename="%s"`, name)
	}
	part, err := form.CreatePart(textproto.MIMEHeader{"Content-Disposition": {disposition}, "Content-Type": {mediaType}})
	if err != nil {
		return err
	}
	_, err = io.Copy(part, content)
	return err
}

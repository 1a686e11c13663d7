package phoenix

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/amtsbote/amtsbote/hub"
)

type errorText string

func (e errorText) Error() string { return string(e) }

// validate refuses what cannot be written as JSON. Its errors quote no value.
func validate(e hub.Event) error {
	if e.Validate() != nil {
		return hub.Permanent("unmappable", "the event is no valid CloudEvent")
	}
	media := strings.ToLower(strings.TrimSpace(strings.SplitN(e.DataContentType(), ";", 2)[0]))
	isJSON := media == "" || media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json")
	if isJSON && len(e.Data()) > 0 && !jsontext.Value(e.Data()).IsValid() {
		return hub.Permanent("unmappable", "the data is not the JSON that datacontenttype promises")
	}
	return nil
}

// maxDocuments of one event.
const maxDocuments = 200

// documents puts what the data refer to beside the event: <stem>_1.pdf and so on.
func (s *webdavSink) documents(ctx context.Context, d hub.Delivery, stem string) error {
	if !s.set.Dokumente {
		return nil
	}
	refs := blobRefs(d.Event.Data())
	if len(refs) > maxDocuments {
		return hub.Permanent("too-large", "the event has %d documents, more than %d", len(refs), maxDocuments)
	}
	for i, ref := range refs {
		name := fmt.Sprintf("%s_%d%s", stem, i+1, endings[ref.media])
		media := ref.media
		if endings[media] == "" {
			media = "application/octet-stream"
		}
		if err := s.folder.put(ctx, name, media, func() (body, error) { return s.open(ctx, d, ref.ref) }); err != nil {
			return fmt.Errorf("document %d: %w", i+1, err)
		}
	}
	return nil
}

// open reads a document twice: servers that hand uploads on to a script need to be told
// the length before (Nextcloud behind FastCGI).
func (s *webdavSink) open(ctx context.Context, d hub.Delivery, ref string) (body, error) {
	first, err := d.Blobs.Open(ctx, ref)
	if err != nil {
		return body{}, fmt.Errorf("open the document: %w", err)
	}
	size, err := io.Copy(io.Discard, io.LimitReader(first, s.set.MaxBytes+1))
	_ = first.Close()
	switch {
	case err != nil:
		return body{}, hub.Retryable("blob-unreadable", "read the document: %w", err)
	case size > s.set.MaxBytes:
		return body{}, hub.Permanent("too-large", "the document is longer than %d bytes (setting max-bytes)", s.set.MaxBytes)
	}
	r, err := d.Blobs.Open(ctx, ref)
	if err != nil {
		return body{}, fmt.Errorf("open the document: %w", err)
	}
	return body{r, size}, nil
}

// endings of files by media type. Names come from nobody else.
var endings = map[string]string{
	"application/pdf": ".pdf", "application/xml": ".xml", "text/xml": ".xml", "application/json": ".json", "text/plain": ".txt",
	"image/jpeg": ".jpg", "image/png": ".png", "image/tiff": ".tif", "application/zip": ".zip", "text/csv": ".csv",
}

// refForm is that of hub.BlobRef; other texts that begin so are a person's.
var refForm = regexp.MustCompile(`^blob:[A-Za-z0-9_-]+$`)

type blobRef struct{ ref, media string }

// blobRefs finds each blob that data refers to, once, by the order of the members' names.
func blobRefs(data []byte) []blobRef {
	var v any
	if json.Unmarshal(data, &v) != nil {
		return nil
	}
	var found []blobRef
	collect(v, "", &found)
	return found
}

func collect(v any, media string, found *[]blobRef) {
	switch v := v.(type) {
	case string:
		known := slices.ContainsFunc(*found, func(b blobRef) bool { return b.ref == v })
		if refForm.MatchString(v) && !known {
			*found = append(*found, blobRef{v, media})
		}
	case []any:
		for _, item := range v {
			collect(item, "", found)
		}
	case map[string]any:
		collectObject(v, found)
	}
}

// mediaKeys are where events say what a document is.
var mediaKeys = []string{"typErkannt", "mimeType", "mediaType", "typ", "contentType"}

func collectObject(v map[string]any, found *[]blobRef) {
	media := ""
	for _, key := range mediaKeys {
		if text, ok := v[key].(string); ok && endings[strings.ToLower(text)] != "" {
			media = strings.ToLower(text)
			break
		}
	}
	for _, key := range slices.Sorted(maps.Keys(v)) {
		collect(v[key], media, found)
	}
}

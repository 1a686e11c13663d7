package akdb

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"unicode/utf8"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/hub"
)

// opener is a file that can be read several times.
type opener interface{ Open() (*os.File, error) }

// input is a message as it arrived.
type input struct {
	opener
	// test says that the transport marks the message as a test, whatever it says
	// itself.
	test        bool
	attachments []attachment
}

// attachment is a document that travelled beside the message.
type attachment struct {
	opener
	mediaType, filename string
}

// enclosing gives the bodies of a message with attachments: only the generic
// event has a place for them, so they become that one whatever their type is.
func enclosing(m *xoev.Message, all []*body, attachments []*xoev.Original) []*body {
	if len(attachments) == 0 {
		return all
	}
	all = numbered(generic(m))
	for _, b := range all {
		if d, ok := b.data.(*nachricht); ok {
			d.Anlagen = attachments
		}
	}
	return all
}

// storeAttachments keeps the attachments; empty ones have nothing to keep.
func storeAttachments(ctx context.Context, blobs hub.Blobs, all []attachment) ([]*xoev.Original, error) {
	var kept []*xoev.Original
	for _, a := range all {
		o, err := store(ctx, blobs, a)
		if err != nil {
			return nil, err
		}
		if o.Size == 0 {
			continue
		}
		if mediaTypeForm.MatchString(a.mediaType) {
			o.MediaType = a.mediaType
		}
		o.Filename = plainFilename(a.filename)
		kept = append(kept, o)
	}
	if len(kept) > maxAttachments {
		return nil, hub.Permanent(otherwise, "the message has more than %d attachments", maxAttachments)
	}
	return kept, nil
}

const maxAttachments = 200

var mediaTypeForm = regexp.MustCompile(`^[A-Za-z0-9!#$&^_.+-]{1,80}/[A-Za-z0-9!#$&^_.+-]{1,120}$`)

// plainFilename is the name without path; "" when it is none.
func plainFilename(name string) string {
	name = filepath.Base(filepath.FromSlash(name))
	if n := utf8.RuneCountInString(name); n > 255 || name == "." || name == string(filepath.Separator) || !utf8.ValidString(name) {
		return ""
	}
	return name
}

// reopen opens a file of the adapter's own by its path.
type reopen string

func (r reopen) Open() (*os.File, error) {
	f, err := os.Open(filepath.Clean(string(r)))
	if err != nil {
		return nil, fmt.Errorf("open message: %w", err)
	}
	return f, nil
}

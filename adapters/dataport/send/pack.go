package send

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/google/uuid"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/hub"
)

// pack finds the destination, and encrypts all of a submission into files. The
// service hears nothing of it.
func (x *sink) pack(ctx context.Context, d hub.Delivery, p *parcel, r *record) error {
	id, err := x.route(ctx, p)
	if err != nil {
		return err
	}
	to, key, err := x.destination(ctx, p, id)
	if err != nil {
		return err
	}
	*r = record{id: r.id, Destination: id, Service: p.service, Name: p.name, Region: region(to, p), Event: aboutOf(d.Event)}
	if err := errors.Join(os.RemoveAll(x.out.files(r.id)), os.MkdirAll(x.out.files(r.id), 0o700)); err != nil {
		return fmt.Errorf("encrypt: %w", err)
	}
	left := x.set.MaxGesamt
	for n, a := range p.attachments {
		one, err := x.sealAttachment(ctx, d, a, key, x.out.attachment(r.id, n), min(left, x.set.MaxAnlage))
		if err != nil {
			return fmt.Errorf("attachment %d: %w", n, err)
		}
		left -= one.Size
		r.Attachments = append(r.Attachments, one)
	}
	if err := x.seal(ctx, d, p, r, key); err != nil {
		return err
	}
	r.Packing = x.packing(p, key, r.Region)
	return x.out.save(r, packed)
}

func aboutOf(e hub.Event) about {
	text := func(name string) string { s, _ := e.Extensions()[name].(string); return s }
	return about{ID: e.ID(), Subject: e.Subject(), Correlation: text(hub.AttrCorrelationID), AGS: text(hub.AttrAGS)}
}

// sealAttachment streams an attachment from the hub, encrypted, into a file.
func (x *sink) sealAttachment(ctx context.Context, d hub.Delivery, a attachment, key fit.PublicKey, path string, limit int64) (sealed, error) {
	one := sealed{ID: uuid.NewString(), MediaType: a.blob.MediaType, Filename: a.blob.Filename, Purpose: a.purpose, Description: a.description}
	content := io.NopCloser(io.Reader(bytes.NewReader(nil)))
	if a.blob.Ref != "" {
		var err error
		if content, err = d.Blobs.Open(ctx, a.blob.Ref); err != nil {
			return one, fmt.Errorf("open: %w", err)
		}
	}
	defer func() { _ = content.Close() }()
	sum, check, count := sha512.New(), sha256.New(), new(counter)
	own := &readError{r: fit.Limit(content, limit)}
	tag, err := sealFile(path, key, "application/json", io.TeeReader(own, io.MultiWriter(sum, check, count)))
	switch {
	case errors.Is(err, fit.ErrTooLarge):
		return one, hub.Permanent("too-large", "is larger than allowed (max-anlage, max-gesamt)")
	case err != nil:
		return one, errors.Join(own.err, err)
	case a.blob.SHA256 != "" && hex.EncodeToString(check.Sum(nil)) != a.blob.SHA256:
		return one, hub.Permanent("fit-attachment", "its SHA-256 is not that of the event")
	}
	one.SHA512, one.Size, one.Tag = hex.EncodeToString(sum.Sum(nil)), int64(*count), tag
	return one, nil
}

// readError remembers what its reader said: it says whether a retry helps.
type readError struct {
	r   io.Reader
	err error
}

// Read implements io.Reader.
func (e *readError) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		e.err = err
	}
	return n, err
}

type counter int64

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// sealFile encrypts into a file, synced.
func sealFile(path string, key fit.PublicKey, contentType string, content io.Reader) (tag string, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600) //nolint:gosec // below the adapter's directory
	if err != nil {
		return "", fmt.Errorf("encrypt: %w", err)
	}
	tag, err = fit.Seal(f, key, contentType, content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", fmt.Errorf("encrypt: %w", err)
	}
	return tag, nil
}

// seal encrypts data and metadata, and notes their tags.
func (x *sink) seal(ctx context.Context, d hub.Delivery, p *parcel, r *record, key fit.PublicKey) error {
	data, err := p.data(ctx, d, r.Attachments)
	switch {
	case err != nil:
		return err
	case int64(len(data)) > x.set.MaxDaten:
		return hub.Permanent("too-large", "the application data are larger than allowed (max-daten)")
	case p.metadata.Data.MIMEType == mimeJSON && !isJSON(data):
		return unmappable("the application data are no JSON")
	}
	raw, err := x.metadata(p, r, data)
	if err != nil {
		return err
	}
	metadataTag, err := sealFile(x.out.metadata(r.id), key, mimeJSON, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	dataTag, err := sealFile(x.out.data(r.id), key, p.metadata.Data.MIMEType, bytes.NewReader(data))
	if err != nil {
		return err
	}
	r.Sealed, r.Tags = time.Now().UTC(), append(r.Tags, [2]string{metadataTag, dataTag})
	r.Tags = r.Tags[max(0, len(r.Tags)-maxTries):]
	return nil
}

// maxTries bounds the tags that are remembered.
const maxTries = 100

// metadata describes what is sent.
func (x *sink) metadata(p *parcel, r *record, data []byte) ([]byte, error) {
	m, sum := p.metadata, sha512.Sum512(data)
	m.Data.SHA512 = hex.EncodeToString(sum[:])
	m.Author.Name, m.Author.Product.Name, m.Author.Product.Version = x.set.Absender, "Amtsbote", "1"
	m.Attachments = nil
	for _, a := range r.Attachments {
		m.Attachments = append(m.Attachments, fit.AttachmentPart{
			ID: a.ID, Purpose: a.Purpose, Filename: a.Filename, Description: a.Description, MIMEType: a.MediaType, SHA512: a.SHA512,
		})
	}
	return m.Write(m.Schema) // destination has set it
}

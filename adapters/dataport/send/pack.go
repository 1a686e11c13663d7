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
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit/client"
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
	return x.out.save(r, packed)
}

func aboutOf(e hub.Event) about {
	text := func(name string) string { s, _ := e.Extensions()[name].(string); return s }
	return about{ID: e.ID(), Subject: e.Subject(), Correlation: text(hub.AttrCorrelationID), AGS: text(hub.AttrAGS)}
}

// route finds the one destination for a service in a place.
func (x *sink) route(ctx context.Context, p *parcel) (string, error) {
	if p.destination != "" {
		return p.destination, nil
	}
	routes, err := x.api.Routes(ctx, p.leika, p.area, p.key)
	if client.ClassOf(err) == client.Gone {
		routes, err = nil, nil
	}
	if err != nil {
		return "", err
	}
	if len(routes) == 0 {
		return "", hub.Permanent("fit-no-route", "the routing service knows no destination for this public service in this place")
	}
	found := routes[0]
	for _, r := range routes[1:] {
		if r.Destination != found.Destination {
			return "", hub.Permanent("fit-routes", "the routing service knows several destinations for this public service in this place; name one (zustellpunkt)")
		}
	}
	if !fit.IsUUID(found.Destination) {
		return "", hub.Retryable("fit-no-route", "the routing service's answer has no destination")
	}
	if x.routing != nil {
		if err := fit.VerifyRoute(found.Signature, found.Destination, p.leika, x.routing, x.minBits); err != nil {
			return "", hub.Permanent("fit-route-signature", "the route: %w", err)
		}
	}
	return found.Destination, nil
}

// destination asks whether a destination takes what is to be sent, in which version
// of the metadata, and for the key to encrypt it to, which is checked.
func (x *sink) destination(ctx context.Context, p *parcel, id string) (*client.Destination, fit.PublicKey, error) {
	to, err := x.api.Destination(ctx, id)
	if client.ClassOf(err) == client.Gone {
		return nil, fit.PublicKey{}, hub.Permanent("fit-no-destination", "the service does not know the destination")
	}
	if err != nil {
		return nil, fit.PublicKey{}, err
	}
	if to.Status != "active" {
		return nil, fit.PublicKey{}, hub.Permanent("fit-inactive", "the destination is not active")
	}
	if err := takes(to, p); err != nil {
		return nil, fit.PublicKey{}, err
	}
	if p.metadata.Schema, err = metadataVersion(to); err != nil {
		return nil, fit.PublicKey{}, err
	}
	jwk, err := x.api.DestinationKey(ctx, id, to.EncryptionKeyID)
	if client.ClassOf(err) == client.Gone {
		return nil, fit.PublicKey{}, hub.Permanent("fit-key", "the service does not have the key that the destination names")
	}
	if err != nil {
		return nil, fit.PublicKey{}, err
	}
	key, err := jwk.ForSending(to.EncryptionKeyID, fit.Trust{MinBits: x.minBits, Roots: x.roots, Now: time.Now()})
	if err != nil {
		return nil, fit.PublicKey{}, hub.Permanent("fit-key", "the destination's key: %w", err)
	}
	return to, key, nil
}

func offered(to *client.Destination, service string) *client.Service {
	i := slices.IndexFunc(to.Services, func(s client.Service) bool { return s.Identifier == service })
	if i < 0 {
		return nil
	}
	return &to.Services[i]
}

// takes says whether the destination offers the service with the schema. One that
// says nothing about it may take all.
func takes(to *client.Destination, p *parcel) error {
	if len(to.Services) == 0 {
		return nil
	}
	s := offered(to, p.service)
	if s == nil {
		return hub.Permanent("fit-service", "the destination does not take the public service")
	}
	for _, schema := range s.Schemas {
		if schema.URI == p.metadata.Data.SchemaURI && schema.MIMEType == p.metadata.Data.MIMEType {
			return nil
		}
	}
	if len(s.Schemas) > 0 {
		return hub.Permanent("fit-schema", "the destination does not take the schema of the data")
	}
	return nil
}

// region is one that the destination has for the service and that the place lies in;
// "" where none is known.
func region(to *client.Destination, p *parcel) string {
	s := offered(to, p.service)
	if s == nil {
		return ""
	}
	key := p.key
	if p.area == "ars" && len(key) == 12 { // regions have the key of the municipality without its association
		key = key[:5] + key[9:]
	}
	for _, one := range s.Regions {
		if code := strings.TrimPrefix(one, "DE"); key != "" && (strings.HasPrefix(p.key, code) || strings.HasPrefix(key, code)) {
			return one
		}
	}
	return ""
}

// metadataVersion is the newest of family 2 that the destination takes.
func metadataVersion(to *client.Destination) (string, error) {
	if len(to.MetadataVersions) == 0 || slices.Contains(to.MetadataVersions, fit.MetadataVersion) {
		return fit.MetadataVersion, nil
	}
	newest := ""
	for _, v := range to.MetadataVersions {
		if strings.HasPrefix(v, "2.") && v > newest {
			newest = v
		}
	}
	if newest == "" {
		return "", hub.Permanent("fit-metadata-version", "the destination takes no metadata of version 2")
	}
	return newest, nil
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

package dataport

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
)

// check decrypts all parts once and lets nothing of them stay: tag, hash, size,
// syntax, kind of file, virus.
func (s *source) check(ctx context.Context, o *opened) error {
	if !o.judged {
		if err := s.supported(o); err != nil {
			return err
		}
	}
	if o.data != nil {
		if err := s.checkData(ctx, o); err != nil {
			return err
		}
	}
	for _, a := range o.metadata.Attachments {
		if err := s.checkAttachment(ctx, o, a); err != nil {
			return err
		}
	}
	return nil
}

// supported says whether service and schema are what the destination is for.
func (s *source) supported(o *opened) error {
	if o.leistung == "" && len(s.set.Leistungen) > 0 { // both places that name it may be absent
		return ours("fit-no-service", "the submission does not say by a LeiKa key for which public service it is")
	}
	if !s.set.wants(o.leistung) {
		return theirs(fit.UnsupportedLeika, "submission", "the public service is not among those of this destination")
	}
	if _, known := s.set.data(o.metadata.Data.SchemaURI); o.data != nil && s.set.NurBekannte && !known {
		return theirs(fit.UnsupportedData, "metadata", "the schema of the data is not among those of this destination")
	}
	return nil
}

func (s *source) checkData(ctx context.Context, o *opened) error {
	const at = "data"
	c, err := o.data.jwe.Open(s.keys)
	if err != nil {
		return partRefusal(err, at)
	}
	o.data.content = c
	if _, err := s.inspect(ctx, o, c.Reader(o.limits.Daten), o.metadata.Data.SHA512, at); err != nil {
		return err
	}
	if o.metadata.Data.MIMEType != "application/json" {
		return nil
	}
	return checkJSON(c.Reader(o.limits.Daten))
}

// checkJSON reads one JSON value to its end, and keeps none of it.
func checkJSON(r io.Reader) error {
	d := jsontext.NewDecoder(r, jsontext.AllowDuplicateNames(true))
	if err := d.SkipValue(); err != nil {
		return theirs(fit.SyntaxViolation, "data", "is no JSON")
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return theirs(fit.SyntaxViolation, "data", "is more than one JSON value")
	}
	return nil
}

func (s *source) checkAttachment(ctx context.Context, o *opened, a fit.AttachmentPart) error {
	at := "attachment:" + a.ID
	for _, id := range a.Parts() {
		p := o.parts[id]
		c, err := p.jwe.Open(s.keys)
		p.release()
		if err != nil {
			return partRefusal(err, "attachment:"+id)
		}
		p.content = c
	}
	kind, err := s.inspect(ctx, o, o.attachment(a), a.SHA512, at)
	if err != nil {
		if r, is := errors.AsType[*refusal](err); is && len(a.Fragments) > 0 && r.Problem == fit.HashMismatch {
			return ours("fit-fragments", "%s: its fragments, put together in order, are not what the hash says", at)
		}
		return err
	}
	if o.judged {
		return nil
	}
	if !s.set.allows(a.MIMEType) || kind != unknownKind && !s.set.allows(kind) {
		return ours("fit-media-type", "%s: its media type is not among anlagen-typen, said or found", at)
	}
	return nil
}

// attachment is the plaintext of an attachment, of its fragments in order.
// All of them together are bounded.
func (o *opened) attachment(a fit.AttachmentPart) io.Reader {
	var all []io.Reader
	for _, id := range a.Parts() {
		p := o.parts[id]
		all = append(all, &releasing{p.content.Reader(o.limits.Anlage), p})
	}
	return fit.Limit(io.MultiReader(all...), o.limits.Anlage)
}

// releasing lets a part's file go when it was read to its end.
type releasing struct {
	io.Reader
	part *part
}

// Read implements io.Reader.
func (r *releasing) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil {
		r.part.release()
	}
	return n, err
}

// inspect reads a part to its end: its hash must be that of the metadata, and it
// must have no virus. It gives what kind of file the first bytes show.
func (s *source) inspect(ctx context.Context, o *opened, r io.Reader, wanted, at string) (kind string, err error) {
	sum, head := sha512.New(), &firstBytes{}
	all := io.MultiWriter(sum, head)
	var scan *scan
	if s.set.Clamd != "" {
		if scan, err = startScan(ctx, s.set.Clamd, s.set.Frist); err != nil {
			return "", err
		}
		defer scan.close()
		all = io.MultiWriter(sum, head, scan)
	}
	n, err := io.Copy(all, fit.Limit(r, o.limits.Gesamt-o.plain))
	o.plain += n
	if err != nil {
		return "", partRefusal(fmt.Errorf("read part: %w", err), at)
	}
	if hex.EncodeToString(sum.Sum(nil)) != wanted {
		return "", theirs(fit.HashMismatch, at, "its SHA-512 is not that of the metadata")
	}
	if scan != nil {
		if err := scan.end(); errors.Is(err, errVirus) {
			return "", ours("fit-virus", "%s: the virus scanner has found something", at)
		} else if err != nil {
			return "", err
		}
	}
	return head.kind(), nil
}

// firstBytes keeps what is needed to see the kind of a file.
type firstBytes struct{ bytes.Buffer }

const sniffed = 512

// Write implements io.Writer.
func (f *firstBytes) Write(p []byte) (int, error) {
	_, _ = f.Buffer.Write(p[:min(len(p), sniffed-f.Len())])
	return len(p), nil
}

const unknownKind = "application/octet-stream"

func (f *firstBytes) kind() string {
	kind, _, err := mime.ParseMediaType(http.DetectContentType(f.Bytes()))
	if err != nil {
		return unknownKind
	}
	return kind
}

package dataport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit/client"
	"github.com/amtsbote/amtsbote/hub"
)

// maxMetadata bounds metadata; they are held in memory.
const maxMetadata = 4 << 20

// take makes a submission an event: fetch, check all of it, store, publish. Nothing
// of it is with the hub before all of it was found good.
func (s *source) take(ctx context.Context, in hub.Intake, l client.Listed, r record) error {
	o, err := s.open(ctx, l, r)
	defer o.close()
	if err == nil {
		err = s.check(ctx, o)
	}
	if err == nil {
		err = s.publish(ctx, in, o, r)
	}
	switch {
	case err == nil, ctx.Err() != nil:
		return err
	case errors.Is(err, errEnded):
		s.log.Info("fit-connect: a submission was ended elsewhere", zap.String("submission", l.Submission))
		return nil
	case client.ClassOf(err) == client.TooLarge:
		err = ours("too-large", "%v (max-daten, max-anlage, max-gesamt)", err)
	}
	why := asRefusal(err)
	if !s.believed(l.Submission, why) {
		return err
	}
	return s.refuse(ctx, o, why)
}

// looks is how often a part is fetched before its not being what was submitted is
// held against the sender: what a proxy puts in its place passes.
const looks = 3

// believed says whether a refusal counts: at once, or one of transport when it was
// the same as often as looks in a row. Any other failure between begins anew.
func (s *source) believed(submission string, why *refusal) bool {
	t := s.try(submission)
	if why == nil || !why.transport() {
		t.refusal, t.same = "", 0
		return why != nil
	}
	if t.refusal != why.Text {
		t.refusal, t.same = why.Text, 0
	}
	t.same++
	return t.same >= looks
}

// errEnded is no failure: nothing is to be done any more.
var errEnded = errors.New("has ended")

// opened is a submission on its way: still encrypted, but for the metadata.
type opened struct {
	client.Listed
	submit     *fit.SET
	leistung   string
	metadata   *fit.Metadata
	rawMeta    []byte
	data       *part            // nil: version 1 allows none
	parts      map[string]*part // attachments' parts by id
	announced  []string         // ids that the service names; nil: it names none
	files      []io.Closer
	judged     bool // the hub may have it: what is wanted here was looked at then
	as         form // of an earlier try; empty: none
	limits     limits
	encrypted  int64 // bytes of attachments that were fetched
	plain      int64 // bytes of data and attachments that were decrypted
	dataReader *strings.Reader
}

// part is one encrypted part.
type part struct {
	jwe     *fit.JWE
	content *fit.Content // once it was authenticated
	file    *client.Part // nil: in memory
}

// release lets the file go until it is read again.
func (p *part) release() {
	if p.file != nil {
		p.file.Release()
	}
}

func (o *opened) close() {
	for _, f := range o.files {
		_ = f.Close() // what stays is swept at the next start
	}
}

// open fetches a submission, and compares each part's authentication tag with what
// the service has signed when it was submitted: no part was swapped.
func (s *source) open(ctx context.Context, l client.Listed, r record) (*opened, error) {
	o := &opened{Listed: l, parts: map[string]*part{}, limits: s.set.limits(), judged: r.Step == due}
	sub, err := s.api.Fetch(ctx, l.Submission)
	if client.ClassOf(err) == client.Gone {
		return o, errEnded
	}
	if err != nil {
		return o, err
	}
	if sub.Case != "" && sub.Case != l.Case {
		return o, errors.New("the service names two cases for one submission")
	}
	v, err := s.verdict(ctx, l.Submission, l.Case)
	switch {
	case err != nil:
		return o, err
	case v.end != nil: // and the service has not noticed yet
		return o, errEnded
	case v.submit == nil || v.submit.Payload.Tags == nil:
		return o, errNoSubmit
	}
	o.submit, o.leistung = v.submit, leistung(sub.ServiceID())
	if r.Tags != "" && r.Tags == v.submit.Payload.Tags.Digest() && r.As != nil {
		o.judged, o.as, o.limits = true, *r.As, o.limits.atLeast(r.As.Limits)
	}
	o.announced = sub.AttachmentIDs()
	if err := s.openMetadata(o, sub.Metadata); err != nil {
		return o, err
	}
	if err := o.openData(sub.Data); err != nil {
		return o, err
	}
	return o, s.openAttachments(ctx, o)
}

// leistung gives the LeiKa key of a service's URN, "" for any other name.
func leistung(identifier string) string {
	key := identifier[strings.LastIndexByte(identifier, ':')+1:]
	if leikaForm.MatchString(key) {
		return key
	}
	return ""
}

// openMetadata decrypts and reads the metadata.
func (s *source) openMetadata(o *opened, compact string) error {
	const at = "metadata"
	j, err := readPart(strings.NewReader(compact), int64(len(compact)), o.submit.Payload.Tags.Metadata, at)
	if err != nil {
		return err
	}
	c, err := j.Open(s.keys)
	if err != nil {
		return partRefusal(err, at)
	}
	if o.rawMeta, err = io.ReadAll(c.Reader(maxMetadata)); err != nil {
		return partRefusal(err, at)
	}
	o.metadata, err = fit.ReadMetadata(o.rawMeta)
	if e, is := fit.IsMetadata(err); is {
		return theirs(e.Problem, at, "%s", e.Where)
	}
	if o.leistung == "" && err == nil {
		o.leistung = leistung(o.metadata.Service)
	}
	return err
}

// readPart reads a part and compares its tag.
func readPart(r io.ReaderAt, size int64, tag, at string) (*fit.JWE, error) {
	j, err := fit.ReadJWE(r, size)
	if err != nil {
		return nil, partRefusal(err, at)
	}
	if !fit.SameTag(j.Tag, tag) {
		return nil, theirs(fit.IncorrectTag, at, "its authentication tag is not that of the event submit-submission")
	}
	return j, nil
}

func (o *opened) openData(compact string) error {
	const at = "data"
	if compact == "" && o.submit.Payload.Tags.Data == "" && o.metadata.Data.SchemaURI == "" {
		return nil
	}
	if o.metadata.Data.SchemaURI == "" {
		return theirs(fit.SchemaViolation, "metadata", "contentStructure.data is missing, and there are data")
	}
	o.dataReader = strings.NewReader(compact)
	j, err := readPart(o.dataReader, int64(len(compact)), o.submit.Payload.Tags.Data, at)
	if err != nil {
		return err
	}
	o.data = &part{jwe: j}
	return nil
}

// openAttachments streams the attachments to disk, as they are encrypted.
func (s *source) openAttachments(ctx context.Context, o *opened) error {
	if err := o.sameAttachments(); err != nil {
		return err
	}
	parts := 0
	for _, a := range o.metadata.Attachments {
		parts += len(a.Parts())
	}
	if parts > maxAnlagen {
		return ours("too-large", "there are more than %d attachments, counted with their fragments", maxAnlagen)
	}
	for _, a := range o.metadata.Attachments {
		for _, id := range a.Parts() {
			if err := s.openAttachment(ctx, o, id); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxAnlagen is what the event's schema takes; the fragments count.
const maxAnlagen = 200

// sameAttachments compares the attachments that the metadata describe with those
// that were submitted and, where the service says it, announced.
func (o *opened) sameAttachments() error {
	var described []string
	for _, a := range o.metadata.Attachments {
		described = append(described, a.Parts()...)
	}
	slices.Sort(described)
	announced := slices.Clone(o.announced)
	slices.Sort(announced)
	if !slices.Equal(described, o.submit.Payload.Tags.IDs()) {
		return theirs(fit.AttachmentsDiffer, "metadata", "the attachments described are not those that were submitted")
	}
	if announced != nil && !slices.Equal(described, announced) { // nobody has signed these
		return errors.New("the attachments that the service names are not those that were submitted")
	}
	return nil
}

func (s *source) openAttachment(ctx context.Context, o *opened, id string) error {
	at := "attachment:" + id
	most := min(encrypted(o.limits.Anlage), encrypted(o.limits.Gesamt)+maxAnlagen*encrypted(0)-o.encrypted)
	f, err := s.api.Attachment(ctx, o.Submission, id, most)
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	defer f.Release()
	o.files = append(o.files, f)
	o.encrypted += f.Size
	tag, _ := o.submit.Payload.Tags.Attachment(id)
	j, err := readPart(f, f.Size, tag, at)
	if err != nil {
		return err
	}
	o.parts[id] = &part{jwe: j, file: f}
	return nil
}

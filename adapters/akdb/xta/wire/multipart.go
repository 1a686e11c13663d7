package wire

import (
	"encoding/base64"
	"io"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"strings"
)

// multipart takes the parts in the order in which they come. The root part is
// the one that start names, else the first (RFC 2387, section 3.2).
func (s *spool) multipart(r io.Reader, boundary, start string) error {
	if boundary == "" {
		return formError("multipart without a boundary")
	}
	// What multipart keeps to itself, part headers and what is between parts, is
	// bounded as a whole.
	room := s.limits.envelope() + s.limits.Bytes/2*3
	in := &bounded{r: r, left: &room}
	reader := multipart.NewReader(in, boundary)
	for n := 0; ; n++ {
		p, err := reader.NextRawPart()
		if err == io.EOF { // a wrapped EOF is a message that was cut off
			return s.complete()
		}
		if err != nil {
			return parsing(in.failed)
		}
		if n >= s.limits.Parts {
			return formError("more than %d parts", s.limits.Parts)
		}
		id := contentID(p.Header.Get("Content-Id"))
		if err := s.take(p, id, s.envelope == nil && (start == id || start == "")); err != nil {
			if in.failed != nil {
				return receiving(in.failed)
			}
			return err
		}
	}
}

// parsing says what a MIME error means: reading failed, or the text is none.
func parsing(failed error) error {
	if failed != nil {
		return receiving(failed)
	}
	return formError("a MIME structure that cannot be read, or that was cut off")
}

func (s *spool) complete() error {
	if s.envelope == nil {
		return formError("the root part is missing")
	}
	return nil
}

func (s *spool) take(r *multipart.Part, id string, isRoot bool) error {
	plain, err := decoding(r, r.Header)
	if err != nil {
		return err
	}
	if isRoot {
		return s.root(plain)
	}
	if _, double := s.parts[id]; double || id == "" {
		return formError("a part without a Content-ID of its own")
	}
	p, err := s.fill(&bounded{r: plain, left: &s.left})
	s.parts[id] = p
	return err
}

// decoding undoes a Content-Transfer-Encoding.
func decoding(r io.Reader, h textproto.MIMEHeader) (io.Reader, error) {
	switch strings.ToLower(strings.TrimSpace(h.Get("Content-Transfer-Encoding"))) {
	case "", "binary", "8bit", "7bit":
		return r, nil
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, r), nil
	}
	return nil, formError("a part with an encoding that is not known")
}

// contentID takes the angle brackets off a Content-ID.
func contentID(s string) string {
	s = strings.TrimSpace(s)
	return strings.TrimSuffix(strings.TrimPrefix(s, "<"), ">")
}

// included gives the part that a xop:Include refers to: "cid:" and the content
// id, percent-encoded (RFC 2392).
func (s *spool) included(href string) (*part, error) {
	id, isCID := strings.CutPrefix(href, "cid:")
	if !isCID {
		return nil, formError("an Include that refers to something outside of the message")
	}
	p := s.parts[id]
	if p == nil {
		plain, err := url.PathUnescape(id)
		if err != nil {
			return nil, formError("an Include that cannot be read")
		}
		p = s.parts[plain]
	}
	switch {
	case p == nil:
		return nil, formError("an Include without its part")
	case p.used:
		return nil, formError("a part that is included twice")
	}
	p.used = true
	return p, nil
}

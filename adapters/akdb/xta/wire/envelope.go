package wire

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"
)

// Envelope is a SOAP message to be written.
type Envelope struct {
	Action    string
	MessageID string // of the SOAP message, not that of XTA; made when empty
	RelatesTo string // answers: the request's MessageID
	To        string // requests: the address
	Headers   []Node // behind those of WS-Addressing
	Body      []Node
}

// Encoded is an envelope that is ready to be sent. Contents are opened when its
// Body is read.
type Encoded struct {
	ContentType string
	Size        int64 // of the body, bytes
	pieces      []piece
	mtom        bool
}

// Encode writes the envelope: plain, with contents as base64, or as MTOM
// (XOP 1.0 in multipart/related), each content a part of its own.
func (e Envelope) Encode(mtom bool) (*Encoded, error) {
	id := uuid.NewString()
	w := &writer{mtom: mtom, host: id}
	w.text.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	if err := w.node(e.node()); err != nil {
		return nil, err
	}
	out := &Encoded{mtom: mtom, ContentType: fmt.Sprintf(`application/soap+xml; charset=utf-8; action="%s"`, e.Action)}
	if mtom {
		w.parts(e.Action, "uuid-"+id)
		out.ContentType = fmt.Sprintf(
			`multipart/related; type="application/xop+xml"; start="<root@%s>"; start-info="application/soap+xml"; action="%s"; boundary="uuid-%s"`,
			id, e.Action, id)
	}
	w.cut()
	out.pieces = w.pieces
	for _, p := range out.pieces {
		switch {
		case p.content == nil:
			out.Size += int64(len(p.text))
		case mtom:
			out.Size += p.content.Size
		default:
			out.Size += int64(base64.StdEncoding.EncodedLen(int(p.content.Size)))
		}
	}
	return out, nil
}

func (e Envelope) node() Node {
	if e.MessageID == "" {
		e.MessageID = "urn:uuid:" + uuid.NewString()
	}
	header := El("s:Header",
		Tx("wsa:Action", e.Action), Tx("wsa:MessageID", e.MessageID), opt("wsa:RelatesTo", e.RelatesTo), opt("wsa:To", e.To))
	header.Kids = append(header.Kids, e.Headers...)
	return El("s:Envelope", header, El("s:Body", e.Body...)).With(
		"xmlns:s", NsSOAP, "xmlns:wsa", NsWSA, "xmlns:xta", NsXTA, "xmlns:osci", NsOSCI, "xmlns:om", NsMeta)
}

// parts puts the text so far into the root part and each content behind it.
func (w *writer) parts(action, boundary string) {
	root := bytes.Clone(w.text.Bytes())
	w.text.Reset()
	fmt.Fprintf(&w.text, "--%s\r\nContent-Type: application/xop+xml; charset=UTF-8; type=\"application/soap+xml\"; action=\"%s\"\r\n"+
		"Content-Transfer-Encoding: binary\r\nContent-ID: <root@%s>\r\n\r\n", boundary, action, w.host)
	w.text.Write(root)
	for i, c := range w.contents {
		fmt.Fprintf(&w.text, "\r\n--%s\r\nContent-Type: application/octet-stream\r\n"+
			"Content-Transfer-Encoding: binary\r\nContent-ID: <part%d@%s>\r\n\r\n", boundary, i+1, w.host)
		w.cut()
		w.pieces = append(w.pieces, piece{content: c})
	}
	fmt.Fprintf(&w.text, "\r\n--%s--\r\n", boundary)
}

// Body streams what Encode made; Size bytes. The caller closes it.
func (e *Encoded) Body() io.ReadCloser { return &body{pieces: e.pieces, mtom: e.mtom} }

// body opens one content after the other.
type body struct {
	pieces []piece
	mtom   bool
	now    io.Reader
	open   io.Closer
}

func (b *body) Read(p []byte) (int, error) {
	for {
		if b.now == nil {
			if err := b.next(); err != nil {
				return 0, err
			}
		}
		n, err := b.now.Read(p)
		if errors.Is(err, io.EOF) {
			b.now = nil
			if closing := b.Close(); closing != nil {
				return n, closing
			}
			err = nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

func (b *body) next() error {
	if len(b.pieces) == 0 {
		return io.EOF
	}
	p := b.pieces[0]
	b.pieces = b.pieces[1:]
	if p.content == nil {
		b.now = bytes.NewReader(p.text)
		return nil
	}
	r, err := p.content.Open()
	if err != nil {
		return fmt.Errorf("read content: %w", err)
	}
	b.open = r
	exact := &exactly{r: r, left: p.content.Size}
	if b.now = exact; !b.mtom {
		b.now = &base64Reader{r: exact}
	}
	return nil
}

// Close closes the content that is being read.
func (b *body) Close() error {
	if b.open == nil {
		return nil
	}
	err := b.open.Close()
	b.open = nil
	return err
}

// exactly reads as many bytes as were promised, and fails when there are fewer
// or more.
type exactly struct {
	r    io.Reader
	left int64
}

var errSize = errors.New("the content has not the size that was promised")

func (e *exactly) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	e.left -= int64(n)
	if e.left < 0 || errors.Is(err, io.EOF) && e.left > 0 {
		return 0, errSize
	}
	return n, err
}

// base64Reader encodes what it reads.
type base64Reader struct {
	r       io.Reader
	raw     [3 << 10]byte
	encoded [4 << 10]byte
	rest    []byte
	err     error
}

func (b *base64Reader) Read(p []byte) (int, error) {
	if len(b.rest) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		n, err := io.ReadFull(b.r, b.raw[:])
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = io.EOF
		}
		b.err = err
		if err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		base64.StdEncoding.Encode(b.encoded[:], b.raw[:n])
		b.rest = b.encoded[:base64.StdEncoding.EncodedLen(n)]
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

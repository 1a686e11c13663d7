package okkomm

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
)

// Client calls one of OK.KOMM's services.
type Client struct{ EAI *eai.Client }

// Answer is an XMeld message that answers another.
type Answer struct {
	*xoev.Message
	Bytes []byte // as it was sent
}

// Ask sends a naked XMeld message to XoevService and gives the message that
// answers it. Errors are *eai.Error. An answer to another question than this one
// is none: it would tell of a person that nobody asked for.
func (c *Client) Ask(ctx context.Context, question []byte) (*Answer, error) {
	asked, err := xoev.ReadHeader(bytes.NewReader(question), limits())
	if err != nil || asked.UUID == "" {
		return nil, &eai.Error{Code: eai.Refused, Err: errors.New("the question is no XÖV message with a nachrichtenUUID")}
	}
	payload, err := c.call(ctx, XoevService, question)
	if err != nil {
		return nil, err
	}
	m, err := xoev.Read(bytes.NewReader(payload), limits(), nil)
	if err != nil {
		return nil, eai.BadAnswer("the answer is no XML: " + err.Error())
	}
	switch {
	case m.Dialect == xoev.NoHeader:
		return nil, eai.BadAnswer("the answer is no XÖV message")
	case !strings.EqualFold(m.Origin, asked.UUID):
		return nil, &eai.Error{Code: eai.Unreadable, Err: errors.New("the answer is to another question (ursprungsnachricht)")}
	}
	return &Answer{Message: m, Bytes: payload}, nil
}

// Call sends a ZKOCXML request to KomService. It gives what can be read of the
// answer; that a part cannot is no error, see [Antwort].
func (c *Client) Call(ctx context.Context, a Anfrage) (*Antwort, error) {
	answer, err := c.raw(ctx, a)
	if err != nil {
		return nil, err
	}
	return readEnvelope(answer)
}

// raw sends a ZKOCXML request and gives the answer as it came, unread.
func (c *Client) raw(ctx context.Context, a Anfrage) ([]byte, error) {
	document, err := a.Write()
	if err != nil {
		return nil, &eai.Error{Code: eai.Refused, Err: err}
	}
	return c.send(ctx, KomService, document)
}

func readEnvelope(answer []byte) (*Antwort, error) {
	payload, err := ReadAnswer(answer)
	if err != nil {
		return nil, err
	}
	return ReadAntwort(payload)
}

func (c *Client) call(ctx context.Context, s Service, payload []byte) ([]byte, error) {
	answer, err := c.send(ctx, s, payload)
	if err != nil {
		return nil, err
	}
	return ReadAnswer(answer)
}

func (c *Client) send(ctx context.Context, s Service, payload []byte) ([]byte, error) {
	answer, err := c.EAI.Do(ctx, eai.Request{
		Method: http.MethodPost, Body: WriteRequest(s, payload), AnyStatus: true,
		// SOAPAction is empty, in quotes; net/http would write it "Soapaction".
		Header: http.Header{"Content-Type": {"text/xml; charset=utf-8"}, "SOAPAction": {`""`}},
	})
	if err != nil {
		return nil, faultOr(answer, err)
	}
	return answer, nil
}

// faultOr prefers what a SOAP fault says over the HTTP status 500 that carries it.
func faultOr(answer []byte, status error) error {
	e, ok := errors.AsType[*eai.Error](status)
	if !ok || e.Status != http.StatusInternalServerError {
		return status
	}
	_, err := ReadAnswer(answer)
	if fault, ok := errors.AsType[*eai.Error](err); ok && fault.Code == eai.Failed {
		return fault
	}
	return status
}

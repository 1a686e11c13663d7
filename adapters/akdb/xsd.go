package akdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/akdb/xsd"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
	"github.com/amtsbote/amtsbote/hub"
)

// notChecked is the code of a message on which xmllint gave no verdict in time.
const notChecked = "xsd-timeout"

// validator opens the operator's folder of schemas, nil if there is none.
func (set Messages) validator(s hub.Settings) (*xsd.Validator, error) {
	if set.XSD.Dir == "" {
		return nil, nil
	}
	v, err := xsd.Open(set.XSD)
	if err != nil {
		return nil, s.Errorf("xsd", "%v", err)
	}
	return v, nil
}

// checkFile holds a file against its XSD.
func (s *source) checkFile(ctx context.Context, f opener, m *xoev.Message) error {
	if s.xsd == nil {
		return nil
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer func() { _ = r.Close() }()
	info, err := r.Stat()
	if err != nil {
		return fmt.Errorf("look at file: %w", err)
	}
	return checkXSD(ctx, s.xsd, &m.Header, r, info.Size())
}

// checkXSD holds a message, or the one in a container, against its XSD. A refusal
// says where; an error that is not Permanent says nothing about the message.
func checkXSD(ctx context.Context, v *xsd.Validator, h *xoev.Header, content io.ReaderAt, size int64) error {
	var message io.Reader = io.NewSectionReader(content, 0, size)
	start := make([]byte, 4)
	if n, _ := content.ReadAt(start, 0); xoev.IsContainer(start[:n]) {
		body, err := xoev.OpenContainer(content, size)
		if err != nil {
			return refusal(err)
		}
		defer func() { _ = body.Close() }()
		message = body
	}
	err := v.Check(ctx, h.Namespace, h.Element, message)
	wrong, invalid := errors.AsType[*xsd.InvalidError](err)
	switch {
	case invalid:
		return hub.Permanent(notValid, "check by XSD: %w", wrong)
	case errors.Is(err, xsd.ErrNoSchema) && v.Required():
		return hub.Permanent(noVersion, "check by XSD: %w", err)
	case errors.Is(err, xsd.ErrNoSchema):
		return nil
	case errors.Is(err, xsd.ErrTimeout):
		return hub.Permanent(notChecked, "check by XSD: %w", err)
	case err != nil:
		return fmt.Errorf("check by XSD: %w", err)
	}
	return nil
}

// valid holds a message that is about to leave against its XSD.
func (s *sink) valid(ctx context.Context, t template, content []byte) error {
	if s.xsd == nil {
		return nil
	}
	h, err := headerOf(content)
	if err != nil {
		return fmt.Errorf("read %s: %w", t, err)
	}
	err = checkXSD(ctx, s.xsd, h, bytes.NewReader(content), int64(len(content)))
	if f := hub.FaultOf(err); f != nil && f.Permanent && f.Code == notValid {
		return hub.Permanent(cannotMap, "write %s: %w", t, err)
	}
	return err
}

// headerOf reads the header of a message, or of the one in a container.
func headerOf(content []byte) (*xoev.Header, error) {
	if !xoev.IsContainer(content) {
		return xoev.ReadHeader(bytes.NewReader(content), xmlguard.Limits{})
	}
	body, err := xoev.OpenContainer(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	return xoev.ReadHeader(body, xmlguard.Limits{})
}

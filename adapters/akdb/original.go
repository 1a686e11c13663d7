package akdb

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
	"github.com/amtsbote/amtsbote/hub"
)

// original gives the message's own bytes when the delivery still has them,
// undamaged, and they are this message; nil when it has to be built.
func (s *sink) original(ctx context.Context, d hub.Delivery, o *xoev.Original, code string) ([]byte, error) {
	content, err := s.blob(ctx, d, o)
	if err != nil || content == nil {
		return nil, err
	}
	h, err := xoev.ReadHeader(bytes.NewReader(content), xmlguard.Limits{})
	if err != nil || h.Number() != code {
		return nil, nil // not this message: the fields are what counts
	}
	if h.UUID != fileUUID(d.Event) {
		content = oneCase(content, h, d.Event)
	}
	if content != nil && h.IsTest && s.production {
		return nil, hub.Permanent(otherwise, "a test message (attribute test) in production")
	}
	return content, nil
}

// oneCase gives the part of a message with several cases that the event is about,
// as a message of its own; nil when the event is about another message.
func oneCase(content []byte, h *xoev.Header, e hub.Event) []byte {
	message, number, ok := strings.Cut(strings.ToLower(e.ID()), ".")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || message != h.UUID {
		return nil
	}
	one, err := xoev.OneCase(content, n, fileUUID(e))
	if err != nil {
		return nil
	}
	return one
}

// blob reads what o refers to. It is nil when there is nothing, when it is gone,
// or when it is not what o says.
func (s *sink) blob(ctx context.Context, d hub.Delivery, o *xoev.Original) ([]byte, error) {
	if o == nil || d.Blobs == nil || o.Size > s.set.MaxBytes {
		return nil, nil
	}
	content, err := read(ctx, d, o)
	if fault := hub.FaultOf(err); fault != nil && fault.Permanent {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read blob: %w", err)
	}
	sum := sha256.Sum256(content)
	if int64(len(content)) != o.Size || hex.EncodeToString(sum[:]) != o.SHA256 {
		return nil, nil
	}
	return content, nil
}

func read(ctx context.Context, d hub.Delivery, o *xoev.Original) ([]byte, error) {
	r, err := d.Blobs.Open(ctx, o.Ref)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	return io.ReadAll(io.LimitReader(r, o.Size+1))
}

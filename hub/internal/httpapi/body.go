package httpapi

import (
	"errors"
	"io"
	"net"
	"net/http"

	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// readBody gives the body of r, which may have limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, *refusal.Refusal) {
	if r.ContentLength > limit {
		return nil, refusal.At(refusal.TooLarge, "")
	}
	in := http.MaxBytesReader(w, r.Body, limit)
	if r.ContentLength < 0 {
		body, err := io.ReadAll(in)
		return body, unread(err)
	}
	body := make([]byte, r.ContentLength)
	_, err := io.ReadFull(in, body)
	return body, unread(err)
}

// unread says why a body could not be read.
func unread(err error) *refusal.Refusal {
	if err == nil {
		return nil
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return refusal.At(refusal.TooLarge, "")
	}
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
		return refusal.At(refusal.Timeout, "")
	}
	return refusal.At(refusal.Smuggling, "")
}

package desk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/httpapi"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// Blob opens the bytes to which an event in a client's hand refers; nil when none of
// them does.
func (d *Desk) Blob(ctx context.Context, ref string) (io.ReadCloser, error) {
	d.mu.Lock()
	var open []hub.Delivery
	for _, l := range d.leases {
		if l.settled == "" && l.Delivery.Blobs != nil {
			open = append(open, l.Delivery)
		}
	}
	d.mu.Unlock()
	for _, one := range open {
		r, err := one.Blobs.Open(ctx, ref)
		if err == nil {
			return r, nil
		}
		if !hub.FaultOf(err).Permanent {
			return nil, err
		}
	}
	return nil, nil
}

// blob answers GET /mailboxes/{app}/blobs/{ref}.
func (h *Door) blob(w http.ResponseWriter, r *http.Request, p *httpapi.Principal) error {
	d, err := h.mine(r, p)
	if err != nil {
		return err
	}
	if !d.enter() {
		return tooMany()
	}
	defer d.leave()
	in, err := d.Blob(r.Context(), r.PathValue("ref"))
	if err != nil {
		return err
	}
	if in == nil {
		return httpapi.NewProblem(http.StatusNotFound, refusal.NotFound)
	}
	defer func() { _ = in.Close() }()
	w.Header().Set("Content-Type", "application/octet-stream")
	if b, ok := in.(*bus.Blob); ok {
		w.Header().Set("Content-Length", strconv.FormatInt(b.Size, 10))
	}
	w.WriteHeader(http.StatusOK)
	return send(w, in)
}

// send copies as long as the client reads. What breaks off is shorter than was said:
// the connection ends with it.
func send(w http.ResponseWriter, in io.Reader) error {
	control, part := http.NewResponseController(w), make([]byte, 64<<10)
	for {
		n, err := in.Read(part)
		if n > 0 {
			_ = control.SetWriteDeadline(time.Now().Add(writeTime))
			if _, gone := w.Write(part[:n]); gone != nil {
				return nil //nolint:nilerr // nobody is there to be told
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read a blob: %w", err)
		}
	}
}

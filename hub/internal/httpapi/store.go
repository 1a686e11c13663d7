package httpapi

import (
	"errors"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// When to try again: a full stream is emptied by the next removal run, any other
// trouble may be over at once.
const (
	retryFull = time.Minute
	retrySoon = 2 * time.Second
)

// notStored says why events were not stored, or that it is not known.
func (d *Door) notStored(err error) *Problem {
	if errors.Is(err, bus.ErrStreamFull) {
		return &Problem{Status: http.StatusInsufficientStorage, Code: refusal.QuotaFull, RetryAfter: retryFull}
	}
	d.Log.Error("events that came by HTTP were not stored", zap.Error(err))
	return &Problem{Status: http.StatusServiceUnavailable, Code: refusal.NotStored, RetryAfter: retrySoon}
}

package akdb

import (
	"context"
	"os"

	"github.com/amtsbote/amtsbote/hub"
)

// Reader makes XÖV messages events as the kind "akdb" does, for kinds of this adapter
// that get them by a way of their own.
type Reader struct{ source *source }

// NewReader makes a Reader for messages of at most maxBytes. Of the settings it
// needs source; leser, strict and ohne-kennung hold as for the kind "akdb", the
// others have no effect.
func NewReader(env hub.Env, set Messages, maxBytes int64) *Reader {
	s := &source{set: settings{Messages: set}, production: env.Production, log: env.Log}
	s.set.MaxBytes = maxBytes
	return &Reader{source: s}
}

// Take publishes the event of a message, or one of each of its cases, in order, with
// its original. A message that can never become an event is a Permanent Fault, with
// the code that a Rückweisung of XInneres would have.
func (r *Reader) Take(ctx context.Context, in hub.Intake, f interface{ Open() (*os.File, error) }) error {
	_, err := r.source.take(ctx, in, input{opener: f})
	return err
}

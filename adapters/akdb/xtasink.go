package akdb

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

// xtaSink sends events as messages of one account.
type xtaSink struct {
	*sender
	messages  *sink // makes messages; it has no folder
	transport *http.Transport
}

var (
	_ hub.Sink   = (*xtaSink)(nil)
	_ hub.Placed = (*xtaSink)(nil)
)

func newXTASink(env hub.Env, s hub.Settings) (hub.Sink, error) {
	set, err := decodeXTA(env, s)
	if err != nil {
		return nil, err
	}
	x := &xtaSink{
		sender:   &sender{set: set, production: env.Production, log: env.Log},
		messages: &sink{production: env.Production, log: env.Log, uuids: filepath.Join(set.Dir, uuidFolder)},
	}
	x.messages.set.Messages, x.messages.set.MaxBytes = set.Messages, set.MaxBytes
	if x.messages.xsd, err = set.validator(s); err != nil {
		return nil, err
	}
	if x.out, err = openOutbox(filepath.Join(set.Dir, "out"), set.Remember); err != nil {
		return nil, err
	}
	x.service, x.transport, err = set.dial(x.out.dir)
	return x, err
}

// Places implements hub.Placed.
func (x *xtaSink) Places() hub.Places { return hub.Places{Out: x.set.Send} }

// Deliver implements hub.Sink. A consignment that failed for good is forgotten:
// should a person release the copy again, it begins anew.
func (x *xtaSink) Deliver(ctx context.Context, d hub.Delivery) error {
	if err := x.out.tidy(); err != nil {
		x.log.Warn("xta: the outbox could not be tidied", zap.Error(err))
	}
	c, err := x.out.load(d.ID)
	if err != nil {
		return err
	}
	if c != nil && c.State == done {
		return nil
	}
	if x.stopped.Load() {
		return halted()
	}
	if c == nil {
		if c, err = x.pack(ctx, d); err != nil {
			return err
		}
	}
	err = x.advance(ctx, c)
	switch f := hub.FaultOf(err); {
	case f == nil:
		return nil
	case f.Permanent || errors.Is(err, errLost):
		return errors.Join(err, x.out.drop(c))
	case c.State == "":
		x.out.dropFiles(c)
	}
	return err
}

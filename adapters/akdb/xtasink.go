package akdb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/akdb/xta"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
	"github.com/amtsbote/amtsbote/hub"
)

// xtaSink sends events as messages of one account.
type xtaSink struct {
	messages  *sink // makes messages; it has no folder
	set       xtaSettings
	service   xta.Service
	transport *http.Transport
	out       *outbox
	stopped   atomic.Bool
	log       *zap.Logger
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
	x := &xtaSink{set: set, messages: &sink{production: env.Production, log: env.Log}, log: env.Log}
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

// Deliver implements hub.Sink. Each state is on disk before what follows it is
// tried, so a repetition goes on where the last try came to.
func (x *xtaSink) Deliver(ctx context.Context, d hub.Delivery) error {
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
		if c, err = x.prepare(ctx, d); err != nil {
			return err
		}
	}
	if c.State == offered {
		if err := x.send(ctx, c); err != nil {
			return err
		}
	}
	return x.follow(ctx, c)
}

// prepare chooses bytes and message id.
func (x *xtaSink) prepare(ctx context.Context, d hub.Delivery) (*consignment, error) {
	c, err := x.pack(ctx, d)
	if err != nil {
		return nil, err
	}
	if err = x.reachable(ctx, c.Meta); err != nil {
		x.out.dropFiles(c)
		return nil, err
	}
	if c.MessageID, err = x.service.NewMessageID(ctx); err != nil {
		x.out.dropFiles(c)
		return nil, x.fault(err, "create message id")
	}
	c.Meta.MessageID = c.MessageID
	return c, x.out.save(c, offered)
}

// reachable asks, if it is so set, whether the reader offers the service (DVDV).
func (x *xtaSink) reachable(ctx context.Context, m *wire.MetaData) error {
	if !x.set.Lookup {
		return nil
	}
	a, err := x.service.Lookup(ctx, m.Reader, m.Service)
	if err != nil {
		return x.fault(err, "look up service")
	}
	if a.Known && !a.Available {
		return hub.Permanent("xta-no-service", "the reader %s does not offer the service %s", plain(m.Reader.Kennung), plain(m.Service))
	}
	return nil
}

// send gives the message to the server. That its id is taken means that an
// earlier try arrived whose answer was lost.
func (x *xtaSink) send(ctx context.Context, c *consignment) error {
	container := x.out.container(c)
	if container == nil {
		return errors.Join(errors.New("the outbox has lost the message; it is made anew"), x.out.drop(c))
	}
	err := x.service.Send(ctx, c.Meta, container)
	switch class := wire.ClassOf(err); {
	case err == nil || class == wire.Taken:
		return x.out.save(c, sent)
	case class == wire.Refused || class == wire.Unknown || tooLarge(err):
		// should a person release the copy again, it begins anew
		return errors.Join(x.fault(err, "send"), x.out.drop(c))
	default:
		return x.fault(err, "send")
	}
}

func tooLarge(err error) bool {
	status, ok := errors.AsType[*xta.StatusError](err)
	return ok && status.Status == http.StatusRequestEntityTooLarge
}

// follow reads the transport report until it is final.
func (x *xtaSink) follow(ctx context.Context, c *consignment) error {
	if x.set.Report.Within <= 0 {
		return x.out.save(c, done)
	}
	r, err := x.service.Report(ctx, c.MessageID)
	if err != nil && wire.ClassOf(err) != wire.Unknown {
		return x.fault(err, "read transport report")
	}
	if err != nil {
		r = &wire.Report{Status: wire.Open} // not there yet
	}
	seen := []zap.Field{
		zap.String("xtamessageid", c.MessageID), zap.Strings("errors", plainCodes(r.Errors)), zap.Strings("warnings", plainCodes(r.Warnings)),
	}
	switch {
	case r.Status == wire.Red:
		x.log.Error("xta: the transport failed", seen...)
		return errors.Join(hub.Permanent("xta-red", "the transport report of %s says that it failed (status 3)", c.MessageID), x.out.drop(c))
	case r.Status == wire.Yellow:
		x.log.Warn("xta: transported with warnings", seen...)
	case r.Status == wire.Open && time.Since(c.Since) < x.set.Report.Within:
		return &hub.Fault{
			Code: "xta-open", Later: true, After: x.set.Report.Every,
			Err: fmt.Errorf("the transport report of %s is not final yet (status 0)", c.MessageID),
		}
	case r.Status == wire.Open:
		x.log.Warn("xta: sent, and the transport report is still not final; no longer waited for", seen...)
	}
	return x.out.save(c, done)
}

var codeForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,20}$`)

// plainCodes lets only codes into the log.
func plainCodes(codes []string) []string {
	return slices.DeleteFunc(slices.Clone(codes), func(c string) bool { return !codeForm.MatchString(c) })
}

// fault says what the server's answer means for the hub.
func (x *xtaSink) fault(err error, doing string) error {
	f, isFault := errors.AsType[*wire.Fault](err)
	switch {
	case tooLarge(err):
		return hub.Permanent("too-large", "%s: %w", doing, err)
	case !isFault:
		return fmt.Errorf("%s: %w", doing, err)
	}
	code := "xta-fault"
	if fourDigits.MatchString(f.Code) {
		code = "xta-" + f.Code
	}
	switch f.Class() {
	case wire.Stop:
		if !x.stopped.Swap(true) {
			x.log.Error("xta: the server refuses account or certificate; nothing is sent any more: "+
				"mend it, then restart the hub or change the adapter's settings", zap.Error(err))
		}
		return halted()
	case wire.Retry:
		return hub.Retryable(code, "%s: %w", doing, err)
	default:
		return hub.Permanent(code, "%s: %w", doing, err)
	}
}

var fourDigits = regexp.MustCompile(`^[0-9]{4}$`)

// halted is the answer as long as account or certificate are refused: no event is
// to blame, so none goes to quarantine, and none counts an attempt.
func halted() error {
	return &hub.Fault{
		Code: "xta-stopped", Later: true, After: time.Hour,
		Err: errors.New("the XTA server refused account or certificate; see the log"),
	}
}

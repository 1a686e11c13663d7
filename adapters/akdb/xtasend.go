package akdb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/akdb/xta"
	"github.com/amtsbote/amtsbote/adapters/akdb/xta/wire"
	"github.com/amtsbote/amtsbote/hub"
)

// sender brings what lies in its outbox to the server. Each state is on disk
// before what follows it is tried, so a repetition goes on where the last try came
// to.
type sender struct {
	set        xtaSettings
	service    xta.Service
	out        *outbox
	production bool
	stopped    atomic.Bool // the server refuses account or certificate
	log        *zap.Logger
}

// advance takes a consignment as far as it comes. Permanent faults and errLost
// leave it in the outbox, for the caller to decide about.
func (x *sender) advance(ctx context.Context, c *consignment) error {
	if x.stopped.Load() {
		return halted()
	}
	if c.State == "" || c.State == written {
		if err := x.fix(ctx, c); err != nil {
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

// fix chooses the message id under which every further try is made.
func (x *sender) fix(ctx context.Context, c *consignment) error {
	if err := x.reachable(ctx, c.Meta); err != nil {
		return err
	}
	id, err := x.service.NewMessageID(ctx)
	if err != nil {
		return x.fault(err, "create message id")
	}
	c.MessageID, c.Meta.MessageID = id, id
	return x.out.save(c, offered)
}

// reachable asks, if it is so set, whether the reader offers the service (DVDV).
func (x *sender) reachable(ctx context.Context, m *wire.MetaData) error {
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
func (x *sender) send(ctx context.Context, c *consignment) error {
	container := x.out.container(c)
	if container == nil {
		return errLost
	}
	err := x.service.Send(ctx, c.Meta, container)
	if err == nil || wire.ClassOf(err) == wire.Taken {
		return x.out.save(c, sent)
	}
	return x.fault(err, "send")
}

// errLost says that the outbox no longer has what was to be sent.
var errLost = errors.New("the outbox has lost the message")

func tooLarge(err error) bool {
	status, ok := errors.AsType[*xta.StatusError](err)
	return ok && status.Status == http.StatusRequestEntityTooLarge
}

// follow reads the transport report until it is final.
func (x *sender) follow(ctx context.Context, c *consignment) error {
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
		return hub.Permanent("xta-red", "the transport report of %s says that it failed (status 3)", c.MessageID)
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
func (x *sender) fault(err error, doing string) error {
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

package send

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/dataport/access"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit/client"
	"github.com/amtsbote/amtsbote/adapters/dataport/zbp"
	"github.com/amtsbote/amtsbote/hub"
)

// sink submits events.
type sink struct {
	set     settings
	api     *client.Client
	out     *outbox
	minBits int
	roots   *x509.CertPool // nil: certificates of keys need not lead anywhere
	routing []fit.JWK      // nil: signatures of routes are not looked at
	signer  *zbp.Signer    // nil: nothing goes to the ZBP
	log     *zap.Logger
}

var (
	_ hub.Sink   = (*sink)(nil)
	_ hub.Placed = (*sink)(nil)
	_ hub.Worker = (*sink)(nil)
)

func newSink(env hub.Env, s hub.Settings) (hub.Sink, error) {
	set, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	x := &sink{set: set, minBits: access.MinBits(env.Production), log: env.Log}
	if set.unchecked {
		x.log.Error("fit-connect: zertifikate: keine: whose key it encrypts to is the service's word alone")
	}
	if err := x.readFiles(s); err != nil {
		return nil, err
	}
	if x.out, err = openOutbox(set.Dir, set.Merken); err != nil {
		return nil, err
	}
	x.api, err = set.dial(env.Production, s)
	return x, err
}

// dial makes the client of sink or source.
func (set *settings) dial(production bool, s hub.Settings) (*client.Client, error) {
	cfg, err := set.Config(production)
	if err != nil {
		return nil, s.Errorf("ca", "%w", err)
	}
	cfg.Routing = set.Routing
	return client.New(cfg), nil
}

func (x *sink) readFiles(s hub.Settings) (err error) {
	if x.set.Roots != "" {
		if x.roots, err = access.Roots(x.set.Roots); err != nil {
			return s.Errorf("zertifikate", "%w", err)
		}
	}
	if x.set.RoutingKeys != "" {
		raw, err := os.ReadFile(x.set.RoutingKeys)
		if err == nil {
			x.routing, err = fit.ReadJWKS(raw)
		}
		if err != nil {
			return s.Errorf("routing-schluessel", "%w", err)
		}
	}
	if z := x.set.ZBP; z != nil {
		if x.signer, err = z.signer(); err != nil {
			return s.Errorf("zbp.zertifikat", "%w", err)
		}
	}
	return nil
}

// zbpBits is the least of the key that signs for the ZBP: it is not one of
// FIT-Connect's.
const zbpBits = 2048

func (z *zbpBox) signer() (*zbp.Signer, error) {
	keys, err := fit.ReadPrivateKeys(z.Schluessel, fit.ZBP, zbpBits)
	if err != nil {
		return nil, err
	}
	certificate, err := os.ReadFile(z.Zertifikat)
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	if len(keys) != 1 {
		return nil, errors.New("the file zbp.schluessel must have one key")
	}
	return zbp.NewSigner(keys[0].Key, certificate)
}

// Places implements hub.Placed.
func (x *sink) Places() hub.Places { return hub.Places{Out: x.set.API} }

// Deliver implements hub.Sink. It returns nil when the service has all that the
// event becomes; what the receiver makes of it comes as events of the source.
func (x *sink) Deliver(ctx context.Context, d hub.Delivery) error {
	parcels, err := x.parcels(d)
	failed := []error{err}
	for _, p := range parcels { // none waits for another
		failed = append(failed, x.deliver(ctx, d, p))
	}
	return together(failed)
}

// together puts one that passes first, which decides: what failed for good does so
// again once the others are done.
func together(failed []error) error {
	for i, err := range failed {
		if err != nil && !hub.FaultOf(err).Permanent {
			failed[0], failed[i] = failed[i], failed[0]
			break
		}
	}
	return errors.Join(failed...)
}

// Work implements hub.Worker: it forgets what is old.
func (x *sink) Work(ctx context.Context) error {
	for {
		if err := x.out.tidy(); err != nil {
			x.log.Warn("fit-connect: the outbox could not be tidied", zap.Error(err))
		}
		if !pause(ctx, tidyEvery) {
			return nil
		}
	}
}

func (x *sink) deliver(ctx context.Context, d hub.Delivery, p *parcel) error {
	r, err := x.out.load(d.ID + p.suffix)
	if errors.Is(err, errDamaged) { // whether it was sent cannot be known: a person must look
		return hub.Permanent("fit-record", "submit: %w; ask the receiver whether it has the submission, then delete the file to have it sent again", err)
	}
	if err != nil {
		return err
	}
	if r.State == submitting { // an earlier try may have arrived
		r.unclear = true
		whole, err := x.arrived(ctx, r)
		if err != nil {
			return x.fault(err)
		}
		if r.State == submitting && !x.out.whole(r) && !r.never(whole) { // it cannot be completed again
			return hub.Retryable("fit-unclear", "submit again: the event log does not say whether an earlier try arrived, and what was encrypted is gone")
		}
	}
	return x.advance(ctx, d, p, r)
}

// advance takes a submission as far as it comes.
func (x *sink) advance(ctx context.Context, d hub.Delivery, p *parcel, r *record) error {
	if r.State != "" && r.State != sent && r.State != done && !x.out.whole(r) {
		if err := x.out.drop(r); err != nil {
			return err
		}
	}
	if err := x.renew(ctx, p, r); err != nil {
		return x.after(ctx, r, err)
	}
	for r.State != sent && r.State != done {
		if err := x.step(ctx, d, p, r); err != nil {
			return x.after(ctx, r, err)
		}
	}
	return nil
}

func (x *sink) step(ctx context.Context, d hub.Delivery, p *parcel, r *record) error {
	switch r.State {
	case "":
		return x.pack(ctx, d, p, r)
	case packed:
		return x.announce(ctx, r)
	case announced:
		return x.upload(ctx, d, p, r)
	}
	if err := x.refresh(ctx, d, p, r); err != nil {
		return err
	}
	if err := x.api.Submit(ctx, r.Submission, x.out.metadata(r.id), x.out.data(r.id)); err != nil {
		return err
	}
	if err := x.out.save(r, sent); err != nil {
		return err
	}
	x.log.Info("fit-connect: submitted", zap.String("submission", r.Submission), zap.String("destination", r.Destination))
	return nil
}

// announce begins the submission. Should the answer be lost, or the process end
// here, the service forgets what was begun: only what is submitted reaches anybody.
func (x *sink) announce(ctx context.Context, r *record) error {
	a := client.Announcement{Destination: r.Destination, Attachments: []string{}, Region: r.Region}
	a.Service.Identifier, a.Service.Name = r.Service, r.Name
	for _, one := range r.Attachments {
		a.Attachments = append(a.Attachments, one.ID)
	}
	ids, err := x.api.Announce(ctx, a)
	if err != nil {
		return err
	}
	r.Submission, r.Case, r.Uploaded, r.Tried = ids.Submission, ids.Case, 0, 0
	return x.out.save(r, announced)
}

// upload brings the attachments up, each from its file.
func (x *sink) upload(ctx context.Context, d hub.Delivery, p *parcel, r *record) error {
	for n := r.Uploaded; n < len(r.Attachments); n++ {
		r.repeated, r.Tried = r.Tried > n, n+1
		if !r.repeated { // so that the next try knows that there was one
			if err := x.out.save(r, announced); err != nil {
				return err
			}
		}
		if err := x.api.PutAttachment(ctx, r.Submission, r.Attachments[n].ID, x.out.attachment(r.id, n)); err != nil {
			return err
		}
		r.Uploaded, r.repeated = n+1, false // on disk with the next step
	}
	if err := x.refresh(ctx, d, p, r); err != nil {
		return err
	}
	return x.out.save(r, submitting)
}

// refresh encrypts metadata and data anew when what is in them is not good for
// long enough any more. The tags of what was may have been sent are kept.
func (x *sink) refresh(ctx context.Context, d hub.Delivery, p *parcel, r *record) error {
	if p.life == 0 || time.Since(r.Sealed) < p.life {
		return nil
	}
	_, key, err := x.destination(ctx, p, r.Destination)
	if err != nil {
		return err
	}
	r.Sealed = time.Time{} // should the process end among the files, they are written again
	if err := x.out.save(r, r.State); err != nil {
		return err
	}
	if err := x.seal(ctx, d, p, r, key); err != nil {
		return err
	}
	return x.out.save(r, r.State)
}

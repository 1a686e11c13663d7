package digiwf

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
)

// alone is whether what is asked is answered later, out of this adapter's memory: then
// nobody else may take requests of its group, whose answers would come here or not.
func (set *settings) alone() bool {
	return slices.ContainsFunc(set.Integration.Requests, func(q request) bool {
		return q.Reply == replyDelivered || q.Reply == replyEvent
	})
}

const (
	lookEvery  = time.Second      // for others to leave
	lookAround = 30 * time.Second // for others who came
)

// errShared says that somebody else is in the group and was there before, or may have been.
var errShared = errors.New("another consumer is in the group")

// readAlone reads whenever the group has nobody else. What is owed does not wait for that.
func (r *run) readAlone(ctx context.Context) error {
	for {
		if err := r.vacant(ctx); err != nil {
			return err
		}
		err := r.readGroup(ctx)
		if !errors.Is(err, errShared) {
			return err
		}
		r.shared("nothing is read until it has left")
		// Two that came together both leave; they must not come back together.
		if err := pause(ctx, rand.N(r.set.Kafka.Timeout)); err != nil { //nolint:gosec // no secret
			return err
		}
	}
}

// vacant waits until the group has no consumer. One that was killed is in it until its
// session ends (45 s); who stays for twice the setting timeout is another one.
func (r *run) vacant(ctx context.Context) error {
	if !r.set.alone() {
		return nil
	}
	told := time.Now()
	for {
		members, err := r.set.Kafka.Members(ctx, r.set.Kafka.Group)
		switch {
		case errors.Is(err, wire.ErrMayNotAsk):
			r.log.Warn("digiwf: whether the group has another consumer cannot be told", zap.Error(err))
			return nil
		case err != nil:
			return err
		case len(members) == 0:
			return nil
		case time.Since(told) >= 2*r.set.Kafka.Timeout:
			r.shared("nothing is read until it has left")
			told = time.Now()
		}
		if err := pause(ctx, lookEvery); err != nil {
			return err
		}
	}
}

func (r *run) shared(what string) {
	r.log.Error("digiwf: the group has another consumer, which takes requests that only the adapter that took them can answer (reply: delivered, event): "+
		"give each hub a group of its own, or end the other one (operator); "+what, zap.String("group", r.set.Kafka.Group))
}

// watchGroup ends when somebody is in the group who may have been there before.
func (r *run) watchGroup(ctx context.Context) error {
	if !r.set.alone() {
		return nil
	}
	var c company
	for wait := lookEvery; ; {
		if err := pause(ctx, wait); err != nil {
			return err
		}
		wait = lookAround
		members, err := r.set.Kafka.Members(ctx, r.set.Kafka.Group)
		if err != nil {
			continue
		}
		me, _ := r.kafka.GroupMetadata()
		switch c.look(members, me) {
		case outside:
			wait = lookEvery
		case guest:
			return errShared
		case host:
			r.shared("this one was there first and reads on")
		case single:
		}
	}
}

// company is what a member knows of its group.
type company struct{ first string }

type place int

const (
	outside place = iota // not in the group yet
	single               // with nobody else
	host                 // with others, who came later
	guest                // with others, who may have been there before
)

// look tells the place of a member among those of its group. Who has seen itself alone
// was there first, as long as it has that name: one that was thrown out comes back under
// another.
func (c *company) look(members []string, me string) place {
	switch {
	case !slices.Contains(members, me):
		return outside
	case len(members) == 1:
		c.first = me
		return single
	case c.first == me:
		return host
	}
	return guest
}

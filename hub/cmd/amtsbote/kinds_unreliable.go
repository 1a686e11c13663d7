//go:build amtsbote_unreliable

package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"time"

	"github.com/amtsbote/amtsbote/adapters"
	"github.com/amtsbote/amtsbote/adapters/filedrop"
	"github.com/amtsbote/amtsbote/hub"
)

// kinds are the adapters of a binary under test: those of every binary, and a
// receiver that cannot be relied on.
func kinds() []hub.Kind {
	return append(adapters.Kinds(), hub.Kind{
		Name: "unreliable", Title: "filedrop that fails and hangs", Sink: newUnreliable,
	})
}

// unreliable is the sink of filedrop, but fails and hangs. What it does follows
// from the seed, the delivery and the attempt alone, so that a run can be
// replayed. It takes every copy within four attempts: no key is parked.
type unreliable struct {
	sink hub.Sink
	seed string
}

func newUnreliable(env hub.Env, s hub.Settings) (hub.Sink, error) {
	sink, err := filedrop.Kind().Sink(env, s)
	return &unreliable{sink, os.Getenv("AMTSBOTE_UNRELIABLE_SEED")}, err
}

const hangs = 3 * time.Second

// Deliver implements hub.Sink.
func (u *unreliable) Deliver(ctx context.Context, d hub.Delivery) error {
	if d.Attempt > 3 {
		return u.sink.Deliver(ctx, d)
	}
	h := fnv.New32a()
	fmt.Fprintf(h, "%s %s %d", u.seed, d.ID, d.Attempt)
	switch x := h.Sum32() >> 8 % 100; {
	case x < 5:
		return errors.New("it fails")
	case x < 10:
		return errors.Join(u.sink.Deliver(ctx, d), errors.New("it has the event and says that it failed"))
	case x < 12:
		select {
		case <-time.After(hangs):
		case <-ctx.Done():
		}
		if x == 11 {
			return errors.New("it hung, and failed then")
		}
	}
	return u.sink.Deliver(ctx, d)
}

// Package bus is the only room that knows NATS. It starts or joins a JetStream
// server, holds its settings to what the promises need, and offers the few
// verbs that the hub is built of: append a batch behind a cursor, read on from
// a sequence, work an in stream, hold what lies in a mailbox, remember, keep
// blobs.
package bus

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/event"
)

// Bus is a connection to JetStream.
type Bus struct {
	nc  *nats.Conn
	js  jetstream.JetStream
	log *zap.Logger
	// account is told what is stored and what is removed; nil: nobody.
	account Account
	groups  groups

	ahead    *ahead // of all in streams
	costs    *costs // of storing several messages
	chains   *chains
	ends     ends // of the hub's own streams
	known    known
	cursors  cursors
	loose    loose
	turns    turns
	answers  answers
	handed   handed
	unstaged atomic.Uint64 // batches that ended with ErrNotStaged
}

// Timeout is how long one call to JetStream may take.
const Timeout = 5 * time.Second

// Errors of this package.
var (
	// ErrFenced means that the cursor is not where the caller left it: another
	// owner has written, or this batch was stored already.
	ErrFenced = errors.New("the cursor was moved by another owner")
	// ErrStreamFull means that a stream is at its limit: nothing was stored.
	ErrStreamFull = errors.New("the stream is full")
	// ErrNotStaged means that the server could not put a batch together, most
	// often since its disk is full: nothing was stored. No stream is the worse for
	// it: the same batch passes as soon as there is room.
	ErrNotStaged = errors.New("the server could not stage the batch: its disk may be full")
)

// External says how to reach an existing NATS server.
type External struct {
	URL   string // nats://… or tls://…, may hold several, comma-separated
	Creds string // credentials file; "" for none
	Nkey  string // nkey seed file; "" for none
	// OperatorKey and SystemCreds are files with the seed of a signing key of its
	// operator and with credentials of its system account: the hub makes the accounts
	// there, its own too (JoinOperator). "": it does not.
	OperatorKey, SystemCreds string
	// Socket is a Unix socket to use instead (see Socket); "" for none.
	Socket string
}

// Dial joins an existing server.
func Dial(ctx context.Context, ext External, log *zap.Logger) (*Bus, error) {
	var opts []nats.Option
	if ext.Socket != "" {
		opts = append(opts, nats.InProcessServer(unixSocket(ext.Socket)))
	}
	if ext.Creds != "" {
		opts = append(opts, nats.UserCredentials(ext.Creds))
	}
	if ext.Nkey != "" {
		opt, err := nats.NkeyOptionFromSeed(ext.Nkey)
		if err != nil {
			return nil, fmt.Errorf("read the nkey seed %s: %w", ext.Nkey, err)
		}
		opts = append(opts, opt)
	}
	return dial(ctx, ext.URL, log, opts...)
}

func dial(ctx context.Context, url string, log *zap.Logger, opts ...nats.Option) (*Bus, error) {
	opts = append(opts,
		nats.Name("amtsbote"),
		nats.MaxReconnects(-1),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			fields := []zap.Field{zap.Error(err)}
			if sub != nil {
				fields = append(fields, zap.String("subject", sub.Subject))
			}
			log.Warn("nats", fields...)
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { log.Info("nats: disconnected", zap.Error(err)) }),
		nats.ReconnectHandler(func(nc *nats.Conn) { log.Info("nats: connected again", zap.String("server", nc.ConnectedServerName())) }),
	)
	nc, err := nats.Connect(url, opts...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS at %s: %w", redact(url), err)
	}
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(Timeout))
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("open JetStream: %w", err)
	}
	if _, err := js.AccountInfo(ctx); err != nil {
		nc.Close()
		return nil, fmt.Errorf("ask the server for JetStream: %w", err)
	}
	return &Bus{nc: nc, js: js, log: log, ahead: newAhead(DefaultAhead), costs: newCosts(), chains: newChains()}, nil
}

// Again connects again at once, and waits until the server answers: after a
// restart of it.
func (b *Bus) Again(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWait)
	defer cancel()
	if err := b.nc.ForceReconnect(); err != nil {
		return fmt.Errorf("connect to NATS again: %w", err)
	}
	for {
		one, done := context.WithTimeout(ctx, time.Second) // what is asked just now may be lost
		_, err := b.js.AccountInfo(one)
		done()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("connect to NATS again: %w", err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Close lets go of the connection. What was acknowledged is stored; nothing is
// waited for.
func (b *Bus) Close() { b.nc.Close() }

// Extent tells when a stream was made, and its last sequence, 0 when it is empty.
func (b *Bus) Extent(ctx context.Context, stream string) (created time.Time, last uint64, err error) {
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return created, 0, fmt.Errorf("look at stream %s: %w", stream, err)
	}
	return s.CachedInfo().Created, s.CachedInfo().State.LastSeq, nil
}

// First gives sequence and time of the first message of a stream, and nothing else of
// it; nil when there is none. The server knows them by heart.
func (b *Bus) First(ctx context.Context, stream string) (*event.Message, error) {
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return nil, fmt.Errorf("look at stream %s: %w", stream, err)
	}
	state := s.CachedInfo().State
	switch {
	case state.Msgs == 0:
		return nil, nil
	case state.FirstTime.IsZero(): // it could not read it when the one before it went
		return b.At(ctx, stream, 1, ">")
	}
	return &event.Message{Stream: stream, Seq: state.FirstSeq, Time: state.FirstTime}, nil
}

// LastSeq gives the last sequence of a stream, 0 when it is empty.
func (b *Bus) LastSeq(ctx context.Context, stream string) (uint64, error) {
	s, err := b.js.Stream(ctx, stream)
	if err != nil {
		return 0, fmt.Errorf("look at stream %s: %w", stream, err)
	}
	return s.CachedInfo().State.LastSeq, nil
}

package dataport

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/dataport/access"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit/client"
	"github.com/amtsbote/amtsbote/hub"
)

// api is what is asked of the service; another version of it would be another
// client.
type api interface {
	fit.Issuers
	List(ctx context.Context, offset, limit int) (*client.Page, error)
	Fetch(ctx context.Context, submission string) (*client.Submission, error)
	Attachment(ctx context.Context, submission, attachment string, limit int64) (*client.Part, error)
	Events(ctx context.Context, theCase string) ([]string, error)
	Post(ctx context.Context, theCase, set string) error
	Close()
}

// source reads one destination. A submission stays with the service until it is
// accepted or rejected: whatever crashes in between, it is listed again.
type source struct {
	set      settings
	api      api
	keys     fit.Keyring
	sign     fit.PrivateKey
	callback []byte // secret; nil: no callbacks
	work     string // encrypted attachments; nothing of worth after a crash
	aside    string
	approve  string // files by which a person accepts
	log      *zap.Logger
	hub.Looks

	state   hub.State // set once, before begun is closed
	begun   chan struct{}
	begin   sync.Once
	journal sync.Mutex // one change of a record at a time
	ack     sync.Mutex // one SET at a time: each looks first whether it is there
	wake    chan struct{}
	seen    replays

	// of Run alone
	tries  map[string]*try
	told   map[string]telling
	listed map[string]string // what was listed and not seen to its end: submission to case
}

var (
	_ hub.Source   = (*source)(nil)
	_ hub.Listener = (*source)(nil)
	_ hub.Placed   = (*source)(nil)
)

func newSource(env hub.Env, s hub.Settings) (hub.Source, error) {
	set, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	if _, err := set.try(); err != nil {
		return nil, err
	}
	x := &source{
		set: set, log: env.Log, wake: make(chan struct{}, 1), begun: make(chan struct{}),
		work: filepath.Join(set.Dir, "work"), aside: filepath.Join(set.Dir, "error"), approve: filepath.Join(set.Dir, "annehmen"),
		tries: map[string]*try{}, told: map[string]telling{}, listed: map[string]string{},
	}
	for _, dir := range []string{x.work, x.aside, x.approve} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return nil, fmt.Errorf("make directory: %w", err)
		}
	}
	if err := x.readKeys(env.Production, s); err != nil {
		return nil, err
	}
	cfg, err := set.Config(env.Production)
	if err != nil {
		return nil, s.Errorf("ca", "%w", err)
	}
	cfg.Destination, cfg.MaxData, cfg.Dir = set.Zustellpunkt, encrypted(set.MaxDaten)+encrypted(maxMetadata)+64<<10, x.work
	x.api = client.New(cfg)
	return x, nil
}

// encrypted is how long a part of so many bytes may be as a JWE.
func encrypted(plain int64) int64 { return plain/3*4 + 16<<10 }

func (s *source) readKeys(production bool, set hub.Settings) error {
	bits := access.MinBits(production)
	for i, path := range s.set.Schluessel {
		keys, err := fit.ReadPrivateKeys(path, fit.Decryption, bits)
		if err != nil {
			return set.Errorf(fmt.Sprintf("schluessel.%d", i), "%w", err)
		}
		s.keys = append(s.keys, keys...)
	}
	keys, err := fit.ReadPrivateKeys(s.set.Signatur, fit.Signature, bits)
	if err != nil {
		return set.Errorf("signaturschluessel", "%w", err)
	}
	if len(keys) != 1 {
		return set.Errorf("signaturschluessel", "the file must have one key")
	}
	s.sign = keys[0]
	if s.set.Callback == nil {
		return nil
	}
	mac, err := access.Secret(s.set.Callback.Geheimnis)
	if err != nil {
		return set.Errorf("callback.geheimnis", "%w", err)
	}
	s.callback = []byte(mac)
	return nil
}

// Places implements hub.Placed.
func (s *source) Places() hub.Places { return hub.Places{In: s.set.API, SetAside: s.aside} }

// Run implements hub.Source: the list again and again, sooner when a callback came.
func (s *source) Run(ctx context.Context, in hub.Intake) error {
	defer s.api.Close()
	s.begin.Do(func() { s.state = in.State(); close(s.begun) })
	if err := s.sweep(); err != nil {
		return err
	}
	if err := s.readListed(ctx); ctx.Err() != nil {
		return nil
	} else if err != nil {
		return err
	}
	if s.set.Callback == nil {
		return s.poll(ctx, in)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	door, err := s.openDoor(ctx)
	if err != nil {
		return err
	}
	polled := make(chan error, 1)
	go func() { polled <- s.poll(ctx, in) }()
	select {
	case err = <-door.end:
		stop()
		return errors.Join(fmt.Errorf("callback: %w", err), <-polled)
	case err = <-polled:
		return errors.Join(err, door.close())
	}
}

// sweep removes what an earlier run had fetched: all of it is with the service.
func (s *source) sweep() error {
	left, err := filepath.Glob(filepath.Join(s.work, client.WorkPattern))
	for _, file := range left {
		err = errors.Join(err, os.Remove(file))
	}
	if err != nil {
		return fmt.Errorf("empty the work directory: %w", err)
	}
	return nil
}

func (s *source) poll(ctx context.Context, in hub.Intake) error {
	for failed := 0; ; {
		err := s.round(ctx, in)
		if ctx.Err() != nil {
			return nil
		}
		failed++
		if err == nil {
			failed = 0
		} else {
			s.log.Warn("fit-connect: will try again", zap.Int("failures", failed), zap.Error(err))
		}
		if !s.pause(ctx, max(backoff(s.set.Poll, failed), askedFor(err)), mustWait(err, backoff(s.set.Poll, failed))) {
			return nil
		}
	}
}

// askedFor is how long the service wants us to wait.
func askedFor(err error) time.Duration {
	if e, ok := errors.AsType[*client.Error](err); ok {
		return e.After
	}
	return 0
}

// mustWait is how long nothing may wake us: as long as the service asks for, and
// where it does not let us in, until the next try.
func mustWait(err error, next time.Duration) time.Duration {
	if class := client.ClassOf(err); class == client.Login || class == client.Unlinked {
		return max(next, askedFor(err))
	}
	return askedFor(err)
}

const maxPause = 5 * time.Minute

// backoff is poll, doubled with each failure up to five minutes.
func backoff(poll time.Duration, failures int) time.Duration {
	wait := poll
	for range failures - 1 {
		if wait *= 2; wait > maxPause {
			return max(maxPause, poll)
		}
	}
	return wait
}

// pause waits for d, or until a callback or a settlement wakes it, which it does not
// hear before least.
func (s *source) pause(ctx context.Context, d, least time.Duration) bool {
	t := time.NewTimer(least)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
	}
	t.Reset(d - least)
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
	case <-s.wake:
	}
	return true
}

// Key implements fit.Issuers with our own key, which needs no asking.
func (s *source) Key(ctx context.Context, issuer, keyID string) (*rsa.PublicKey, error) {
	if strings.EqualFold(issuer, s.set.Zustellpunkt) && keyID == s.sign.ID {
		return &s.sign.Key.PublicKey, nil
	}
	return s.api.Key(ctx, issuer, keyID)
}

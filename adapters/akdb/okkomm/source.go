package okkomm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/amtsbote/amtsbote/adapters/akdb/eai"
	"github.com/amtsbote/amtsbote/adapters/akdb/spool"
	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

// source publishes what lies in the folder of answers, and, if asked to, fetches
// messages from KomService into it.
type source struct {
	set        settings
	production bool
	folder     *dropfolder.Folder
	log        *zap.Logger
	now        func() time.Time
}

var (
	_ hub.Source = (*source)(nil)
	_ hub.Placed = (*source)(nil)
)

func newSource(env hub.Env, s hub.Settings) (hub.Source, error) {
	set, err := decodeSettings(env, s)
	if err != nil {
		return nil, err
	}
	if set.Source == "" {
		return nil, s.Errorf("source", "the prefix of the events' source is missing, for example urn:de:dvdv:")
	}
	folder, err := dropfolder.Open(set.folder(), []string{".xml"}, env.Log)
	if err != nil {
		return nil, err
	}
	return &source{set: set, production: env.Production, folder: folder, log: env.Log, now: time.Now}, nil
}

// Places implements hub.Placed.
func (s *source) Places() hub.Places {
	p := s.folder.Places()
	return hub.Places{In: p.In, SetAside: p.SetAside}
}

// Run implements hub.Source.
func (s *source) Run(ctx context.Context, in hub.Intake) error {
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error {
		return s.folder.Watch(ctx, func(ctx context.Context, f dropfolder.File) error { return s.take(ctx, in, f) })
	})
	if s.set.Abruf != nil {
		both.Go(func() error { return s.fetchAgainAndAgain(ctx) })
	}
	return both.Wait()
}

// fetchAgainAndAgain calls KomService. What it gives is on disk before the next
// call. A call that fails is made again at the next time.
func (s *source) fetchAgainAndAgain(ctx context.Context) error {
	anfrage, client, err := s.open()
	if err != nil {
		return err
	}
	defer client.EAI.Close()
	tick := time.NewTicker(s.set.Abruf.Alle)
	defer tick.Stop()
	for {
		if err := s.fetch(ctx, client, anfrage); err != nil && ctx.Err() == nil {
			s.log.Warn("okkomm: nothing fetched", zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (s *source) open() (Anfrage, *Client, error) {
	a := s.set.Abruf
	anfrage := Anfrage{
		Verfahren: a.Verfahren, Typ: a.Typ, Ausfuehrung: a.Ausfuehrung, ZielAGS: a.ZielAGS, TechUser: a.TechUser,
		App:   App{Typ: a.AppTyp, Name: a.AppName, Version: a.AppVersion, AGS: a.AppAGS},
		Suche: a.Suche,
	}
	if a.TechPwd != "" {
		var err error
		if anfrage.TechPwd, err = eai.Secret(a.TechPwd); err != nil {
			return anfrage, nil, fmt.Errorf("okkomm: %w", err)
		}
	}
	client, err := s.set.Kom.Open()
	if err != nil {
		return anfrage, nil, fmt.Errorf("okkomm: %w", err)
	}
	if err := os.MkdirAll(s.set.in(""), spool.DirMode); err != nil {
		return anfrage, nil, fmt.Errorf("okkomm: %w", err)
	}
	return anfrage, &Client{EAI: client}, nil
}

// grace is how long a call may go on after ctx has ended: what OK.KOMM has given
// it may not give again.
const grace = 1500 * time.Millisecond

// fetch calls once. The same content again has the same name, and the same
// message again is the same event.
func (s *source) fetch(ctx context.Context, client *Client, anfrage Anfrage) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	call, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		late := time.NewTimer(grace)
		defer late.Stop()
		select {
		case <-late.C:
			cancel()
		case <-call.Done():
		}
	})()
	anfrage.App.Zeit = s.now()
	answer, err := client.Call(call, anfrage)
	if err != nil {
		return err
	}
	for _, content := range answer.Inhalte {
		sum := sha256.Sum256(content)
		if err := spool.Replace(s.set.in("k-"+hex.EncodeToString(sum[:])+".xml"), content); err != nil {
			return fmt.Errorf("keep what was fetched: %w", err)
		}
	}
	if n := len(answer.Inhalte); n > 0 {
		s.log.Info("okkomm: fetched", zap.Int("messages", n))
	}
	return nil
}

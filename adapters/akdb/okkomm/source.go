package okkomm

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/amtsbote/amtsbote/adapters/akdb"
	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/adapters/internal/spool"
	"github.com/amtsbote/amtsbote/hub"
)

// The endings of what lies in the folder: XML messages, and answers of KomService as
// they came, not looked into yet.
const (
	messageEnding = ".xml"
	rawEnding     = ".soap"
)

// source publishes what lies in the folder of answers, and, if asked to, fetches
// messages from KomService into it.
type source struct {
	set    settings
	reader *akdb.Reader
	folder *dropfolder.Folder
	log    *zap.Logger
	now    func() time.Time
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
	folder, err := set.Folder(env.Log, messageEnding, rawEnding)
	if err != nil {
		return nil, err
	}
	if err := spool.Sweep(filepath.Dir(set.In("x"))); err != nil {
		return nil, fmt.Errorf("okkomm: remove what a crash has left: %w", err)
	}
	reader := akdb.NewReader(env, akdb.Messages{SourcePrefix: set.Source, Leser: set.Leser}, eai.MaxAnswer)
	return &source{set: set, reader: reader, folder: folder, log: env.Log, now: time.Now}, nil
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
		return s.folder.Watch(ctx, func(ctx context.Context, f dropfolder.File) error {
			if filepath.Ext(f.Name) == rawEnding {
				return s.asideOnce(f, s.unpack(f))
			}
			return s.asideOnce(f, s.reader.Take(ctx, in, f))
		})
	})
	both.Go(func() error {
		s.set.Tend(ctx, s.log)
		return nil
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
	return anfrage, &Client{EAI: client}, nil
}

// grace is how long a call may go on after ctx has ended: what OK.KOMM has given
// it may not give again.
const grace = 1500 * time.Millisecond

// fetch calls once. The answer is on disk before anything in it is looked at: what
// OK.KOMM has given it may not give again. The same answer has the same name.
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
	answer, err := client.raw(call, anfrage)
	if err != nil {
		return err
	}
	if err := spool.Private(s.set.In("k-"+digest(answer)+rawEnding), answer); err != nil {
		return fmt.Errorf("keep what was fetched: %w", err)
	}
	return nil
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// unpack lays the messages of an answer into the folder. The same message again has
// the same name, and becomes the same event. An answer of which some part cannot be
// read is set aside whole, after its other parts went on; one that is a fault, or
// tells of one, holds nothing.
func (s *source) unpack(f dropfolder.File) error {
	raw, err := f.Bytes()
	if err != nil {
		return err
	}
	answer, err := readEnvelope(raw)
	if e, ok := errors.AsType[*eai.Error](err); ok && e.Code == eai.Failed {
		s.log.Warn("okkomm: nothing fetched", zap.Error(err))
		return nil
	}
	if err != nil {
		return s.page(err)
	}
	for _, content := range answer.Inhalte {
		if err := spool.Private(s.set.In("k-"+digest(content)+messageEnding), content); err != nil {
			return fmt.Errorf("keep what was fetched: %w", err)
		}
	}
	if n := len(answer.Inhalte); n > 0 {
		s.log.Info("okkomm: fetched", zap.Int("messages", n))
	}
	return unreadable(errors.Join(answer.Unlesbar...))
}

func unreadable(err error) error {
	if err == nil {
		return nil
	}
	return hub.Permanent(eai.Code(err), "read an answer of KomService: %w", err)
}

// pagesADay is how many answers of KomService that are none are set aside in a day.
const pagesADay = 10

// page is for an answer that is none, such as the page of a server under repair. Each
// may have other bytes; the first of a day are enough to see what is wrong.
func (s *source) page(err error) error {
	fresh := s.asideAlready(func(e os.DirEntry) bool {
		info, err := e.Info()
		return err == nil && filepath.Ext(e.Name()) == rawEnding && s.now().Sub(info.ModTime()) < 24*time.Hour
	})
	if fresh < pagesADay {
		return unreadable(err)
	}
	s.log.Warn("okkomm: an answer is none and is not kept, since many were set aside today", zap.String("code", eai.Code(err)))
	return nil
}

// asideOnce keeps what KomService gives again and again from being set aside again and
// again: names are made of the bytes. After a crash between report and file the file has
// the other name that the folder gives (its id, a ULID, before its own).
func (s *source) asideOnce(f dropfolder.File, err error) error {
	if fault := hub.FaultOf(err); fault == nil || !fault.Permanent {
		return err
	}
	before := s.asideAlready(func(e os.DirEntry) bool {
		return e.Name() == f.Name || strings.HasSuffix(e.Name(), "-"+f.Name) && len(e.Name()) == len(f.ID)+1+len(f.Name)
	})
	if before == 0 {
		return err
	}
	s.log.Warn("okkomm: a file was set aside before and is not kept again", zap.String("code", hub.FaultOf(err).Code))
	return nil
}

// asideAlready counts what lies in error/. What cannot be looked at counts as absent.
func (s *source) asideAlready(is func(os.DirEntry) bool) int {
	entries, _ := os.ReadDir(s.folder.Places().SetAside)
	return len(slices.DeleteFunc(entries, func(e os.DirEntry) bool { return !is(e) }))
}

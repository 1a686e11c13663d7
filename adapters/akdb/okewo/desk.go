package okewo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/akdb/xmeld"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
	"github.com/amtsbote/amtsbote/hub"
)

// desk is where applications are taken, decided and answered.
type desk struct {
	set      settings
	rules    *rules
	register *register
	now      func() time.Time
	log      *zap.Logger
}

func open(env hub.Env, set settings, s hub.Settings) (*desk, error) {
	r, err := loadRules(set.Rules)
	if err != nil {
		return nil, s.Errorf("rules", "%w", err)
	}
	d := &desk{set: set, rules: r, now: time.Now, log: env.Log}
	for _, dir := range []string{d.in(), d.out(), d.aside(), filepath.Dir(set.State)} {
		if err := os.MkdirAll(dir, dirMode); err != nil {
			return nil, fmt.Errorf("make folders of the register: %w", err)
		}
	}
	d.register, err = loadRegister(set.State)
	return d, err
}

func (d *desk) in(name ...string) string  { return d.path(d.set.In, name) }
func (d *desk) out(name ...string) string { return d.path(d.set.Out, name) }

// aside is where files lie that the register does not understand.
func (d *desk) aside(name ...string) string { return d.path("okewo-abgelegt", name) }

func (d *desk) path(dir string, name []string) string {
	return filepath.Join(append([]string{d.set.Dir, dir}, name...)...)
}

// batch is how many applications are decided before the register is saved.
const batch = 50

// work takes what lies in out/. Decisions are saved before they are answered,
// and a file is taken away only after its answers are there: what a crash
// interrupts is done again, with the same result.
func (d *desk) work(ctx context.Context) error {
	names, err := waiting(d.out())
	if err != nil {
		return err
	}
	for len(names) > 0 && ctx.Err() == nil {
		n := min(batch, len(names))
		if err := d.workOn(names[:n]); err != nil {
			return err
		}
		names = names[n:]
	}
	return nil
}

// workOn decides, saves, answers, and clears away.
func (d *desk) workOn(names []string) error {
	cases := map[string]*fall{} // by file name
	news := false
	for _, name := range names {
		c, isNew, err := d.take(name)
		if err != nil {
			return err
		}
		if c != nil {
			cases[name] = c
		}
		news = news || isNew
	}
	if news {
		if err := d.register.save(); err != nil {
			return err
		}
	}
	for name, c := range cases {
		if err := d.answer(c); err != nil {
			return err
		}
		if err := removed(d.out(name)); err != nil {
			return fmt.Errorf("take away: %w", err)
		}
	}
	return nil
}

// take gives the case of one file; a file that is no application for this
// register is laid aside and gives nil.
func (d *desk) take(name string) (c *fall, isNew bool, err error) {
	content, err := os.ReadFile(d.out(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("take application: %w", err)
	}
	application, err := d.read(content)
	if err != nil {
		d.log.Warn("okewo: laid aside", zap.Error(err))
		return nil, false, os.Rename(d.out(name), d.aside(name))
	}
	id := application.Kopf.NachrichtenUUID
	if known := d.register.Cases[id]; known != nil {
		return known, false, nil
	}
	if c, err = d.decide(application); err != nil {
		return nil, false, err
	}
	if _, err := c.result(); err != nil {
		d.log.Warn("okewo: laid aside, no answer can be written", zap.Error(err))
		return nil, false, os.Rename(d.out(name), d.aside(name))
	}
	d.register.enter(id, c)
	d.log.Info("okewo: decided", zap.String("application", id), zap.Bool("accepted", c.Verdict.Accepted))
	return c, true, nil
}

func (d *desk) read(content []byte) (*xmeld.Eingegangen, error) {
	m, err := xoev.Read(bytes.NewReader(content), xmlguard.Limits{}, xmeld.Typed)
	if err != nil {
		return nil, err
	}
	switch {
	case m.Tree == nil || m.Number() != xmeld.Meldeschein:
		return nil, errors.New("not an XMeld 1704")
	case !strings.EqualFold(m.Leser.Kennung, d.rules.Register.Kennung):
		return nil, errors.New("the message names another reader (T080)")
	case uuid.Validate(m.UUID) != nil || m.Autor.Kennung == "":
		return nil, errors.New("nachrichtenUUID or author is missing")
	}
	return xmeld.ReadMeldeschein(m)
}

// decide makes a case of an application, and chooses all ids for its answers.
func (d *desk) decide(application *xmeld.Eingegangen) (*fall, error) {
	now := d.now().In(xoev.Berlin()).Truncate(time.Millisecond)
	today := d.rules.Heute
	if today == "" {
		today = now.Format(time.DateOnly)
	}
	day, err := time.Parse(time.DateOnly, today)
	if err != nil {
		return nil, fmt.Errorf("decide: %w", err)
	}
	v, err := d.rules.decide(application, day)
	if err != nil {
		return nil, err
	}
	c := &fall{
		Application: application, Verdict: v, DecidedAt: now, Today: today,
		Aktenzeichen: fmt.Sprintf("EWO-%d-%06d", day.Year(), len(d.register.Cases)+1),
		AnswerUUID:   uuid.NewString(),
		Register:     d.rules.Register, Source: d.set.Source,
	}
	if v.Accepted {
		c.EventID = uuid.NewString()
		c.Sperren = d.rules.blocks(application)
	}
	return c, nil
}

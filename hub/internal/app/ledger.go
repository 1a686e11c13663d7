package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/flow/trail"
	"github.com/amtsbote/amtsbote/hub/internal/ledger"
	"github.com/amtsbote/amtsbote/hub/internal/mend"
)

// What lies in the data directory for the comparison at start.
const (
	ledgerDir    = "ledger"
	comparedFile = "compared.json" // the last comparison
	damageFile   = "damage.json"   // the last one that found something missing, or not to be compared
	acceptedFile = "accepted.json" // that a person has taken note of it
	damagedDir   = "damaged"       // files of streams that were made anew
	wholeFile    = "compare-whole" // the next start must compare everything
)

// quick is how many of the newest messages of the trail are compared before the
// hub starts; the older ones are while it is at work.
const quick = 300_000

// openLedger opens the hub's own account of its streams, and has it told from
// here on.
func (a *App) openLedger() error {
	dir := filepath.Join(a.cfg.Data, ledgerDir)
	key, lost, err := ledger.Key(dir)
	if err != nil {
		return err
	}
	if lost {
		a.log.Error("the key of the ledger was gone: it begins anew with what the streams hold, which could not be compared")
	}
	a.secret = key
	if a.ledger, err = ledger.Open(dir, key, a.log); err != nil {
		return err
	}
	a.bus.Tell(a.ledger)
	specs, err := a.specs(a.Federation())
	if err != nil {
		return err
	}
	a.mender = &mend.Mender{Bus: a.bus, Ledger: a.ledger, Specs: specs, Log: a.log.Named("ledger")}
	if a.server != nil {
		a.mender.Aside, a.mender.Hasty = a.aside, true
	}
	if _, err := os.Stat(filepath.Join(dir, wholeFile)); err != nil {
		a.mender.Quick = cmp.Or(a.cfg.Quick, quick)
	}
	return nil
}

// scrub compares the older part of the trail while the hub is at work. Damage
// there is put back by the next start, which compares everything.
func (a *App) scrub(ctx context.Context) error {
	losses, err := a.mender.Scrub(ctx)
	if err != nil || len(losses) == 0 {
		if err != nil && ctx.Err() == nil {
			a.log.Error("the older part of the trail could not be compared; the next start tries again", zap.Error(err))
		}
		return nil
	}
	a.log.Error("the trail is damaged: records are missing; restart the hub, it puts them back",
		zap.Int("records", len(losses)), zap.Uint64("first", losses[0].Seq), zap.Uint64("last", losses[len(losses)-1].Seq))
	if err := a.write(wholeFile, losses); err != nil {
		a.log.Error("the next start cannot be told to compare everything", zap.Error(err))
	}
	return nil
}

// aside copies the files of a damaged stream before it is made anew.
func (a *App) aside(stream string) error {
	from := bus.StreamDir(a.cfg.Data, stream)
	to := filepath.Join(a.cfg.Data, damagedDir, stream+time.Now().UTC().Format("-20060102T150405.000"))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	a.log.Warn("the files of a damaged stream are kept", zap.String("stream", stream), zap.String("in", to))
	return os.CopyFS(to, os.DirFS(from))
}

// records compares the streams. A server that has come upon damaged blocks is
// restarted, once for each stream at most.
func (a *App) records(ctx context.Context) error {
	for {
		err := a.mender.Records(ctx)
		stumbled, ok := errors.AsType[mend.StumbledError](err)
		if !ok {
			return err
		}
		a.log.Warn("blocks of the store are damaged; the embedded server is started anew, so that it looks through them", zap.Strings("streams", stumbled.Streams))
		if err := a.server.Restart(stumbled.Streams...); err != nil {
			return err
		}
		if err := a.bus.Again(ctx); err != nil {
			return err
		}
	}
}

// compared finishes the comparison: what can be put back is, the rest must have
// been taken note of.
func (a *App) compared(ctx context.Context) error {
	report, err := a.mender.Copies(ctx, a.index, a.version.Load().Sender, mailboxes(a.Federation()).All)
	if err != nil {
		return fmt.Errorf("compare the store with the ledger: %w", err)
	}
	if err := a.write(comparedFile, report); err != nil {
		return err
	}
	if a.mender.Quick == 0 {
		if err := os.Remove(filepath.Join(a.cfg.Data, ledgerDir, wholeFile)); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	if !report.Damaged() && len(report.Blind()) == 0 {
		return a.spare()
	}
	if err := a.write(damageFile, report); err != nil {
		return err
	}
	var note Acceptance
	if lost := report.Lost(); len(lost) > 0 {
		if err := read(a.cfg.Data, acceptedFile, &note); err != nil {
			a.log.Error("that losses were taken note of cannot be read", zap.Error(err))
			note = Acceptance{}
		}
		if note.Digest != report.Digest() {
			return &DamageError{Report: report, File: filepath.Join(a.cfg.Data, ledgerDir, damageFile)}
		}
		a.log.Warn("lost messages were taken note of; the hub goes on without them", zap.Int("messages", len(lost)))
	}
	if err := a.recordDamage(ctx, report, note); err != nil {
		return err
	}
	if err := a.mender.Settle(); err != nil {
		return err
	}
	report.Settled = true
	if err := errors.Join(a.write(comparedFile, report), a.write(damageFile, report)); err != nil {
		return err
	}
	err = os.Remove(filepath.Join(a.cfg.Data, ledgerDir, acceptedFile))
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, a.spare())
}

// perRecord is how many messages one record of damage names.
const perRecord = 1000

func (a *App) recordDamage(ctx context.Context, report *mend.Report, note Acceptance) error {
	by := map[string][]decision.LostItem{}
	for _, l := range report.Losses {
		by[l.Stream] = append(by[l.Stream], decision.LostItem{Seq: l.Seq, Of: l.Of, ID: l.ID, Fate: string(l.Fate)})
		for _, id := range l.Others {
			by[l.Stream] = append(by[l.Stream], decision.LostItem{Seq: l.Seq, ID: id, Fate: string(l.Fate)})
		}
	}
	for _, s := range report.Streams {
		items := by[s.Stream]
		for first := true; first && s.Blind != "" || len(items) > 0; first = false {
			n := min(len(items), perRecord)
			m, err := trail.Damage(&decision.Damage{Stream: s.Stream, Lost: items[:n], Blind: s.Blind, At: report.At, Who: note.Who, Reason: note.Reason})
			if err != nil {
				return err
			}
			if _, err := a.bus.AppendUnguarded(ctx, []event.Message{m}); err != nil {
				return fmt.Errorf("record the damage: %w", err)
			}
			items = items[n:]
		}
	}
	return nil
}

func (a *App) write(name string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(a.cfg.Data, ledgerDir, name)
	if err = os.WriteFile(path+".tmp", append(raw, '\n'), 0o600); err == nil {
		err = os.Rename(path+".tmp", path)
	}
	return err
}

// read reads what write wrote; v stays as it is when there is nothing.
func read(data, name string, v any) error {
	raw, err := os.ReadFile(filepath.Join(data, ledgerDir, name)) //nolint:gosec // our own data directory
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// keepLedger tells the ledger what nobody told it of, and how far mailboxes are.
func (a *App) keepLedger(ctx context.Context) error {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	quiet := map[string]uint64{} // where a book stood a tick ago
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := errors.Join(a.noteFloors(ctx), a.spare())
		for _, stream := range bus.OwnStreams() {
			err = errors.Join(err, a.completeBook(ctx, stream, quiet))
		}
		if err != nil && ctx.Err() == nil {
			a.log.Warn("look after the ledger; trying again", zap.Error(err))
		}
	}
}

// completeBook reads from a stream what its book was not told of for a tick:
// writes whose outcome was unknown.
func (a *App) completeBook(ctx context.Context, stream string, quiet map[string]uint64) error {
	book, err := a.ledger.Book(stream)
	if err != nil {
		return err
	}
	upTo := book.UpTo()
	if before, seen := quiet[stream]; !seen || before != upTo {
		quiet[stream] = upTo
		return nil
	}
	last, err := a.bus.LastSeq(ctx, stream)
	for err == nil && upTo < last {
		var page []*event.Message
		page, err = a.bus.Page(ctx, stream, ">", upTo, bus.MaxBatch)
		if len(page) == 0 {
			break
		}
		a.ledger.Holds(stream, upTo+1, page[len(page)-1].Seq, page)
		upTo = book.UpTo()
	}
	return err
}

// spare keeps spares of the settings and keys of the embedded server's streams.
func (a *App) spare() error {
	if a.server == nil {
		return nil
	}
	return a.server.Spare()
}

func (a *App) noteFloors(ctx context.Context) error {
	boxes, err := a.bus.Boxes(ctx)
	if err != nil {
		return err
	}
	floors := map[string]uint64{}
	for _, box := range boxes {
		if app, ok := strings.CutPrefix(strings.TrimSuffix(box.Filter, ".>"), "out."); ok && box.Floor > 0 {
			floors[app] = box.Floor
		}
	}
	return a.ledger.Floors(bus.Out, floors)
}

// DamageError means that messages are lost which the hub cannot have back. It
// does not start until a person has taken note of them.
type DamageError struct {
	Report *mend.Report
	File   string // where all of them stand
}

// named is how many lost messages an error names.
const named = 20

func (e *DamageError) Error() string {
	lost := e.Report.Lost()
	var b strings.Builder
	fmt.Fprintf(&b, "the store is damaged: %d messages are lost and cannot be put back. Check the disk; have them sent again, or restore a backup; then take note of them with \"amtsbote ledger accept\" and start again. All of them stand in %s:", len(lost), e.File)
	for i, l := range lost {
		if i == named {
			fmt.Fprintf(&b, "\n  … and %d more", len(lost)-named)
			break
		}
		fmt.Fprintf(&b, "\n  %s", l)
	}
	for _, s := range e.Report.Blind() {
		fmt.Fprintf(&b, "\n  %s: not all could be compared: %s", s.Stream, s.Blind)
	}
	return b.String()
}

// Acceptance is that a person has taken note of what is lost.
type Acceptance struct {
	Digest string    `json:"digest"` // of the report
	Who    string    `json:"who"`
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
}

// Ledger is the last comparison of a data directory; Damage is the last one that
// found something missing or not to be compared, Accepted whether its losses were taken note of and
// the hub was not started since.
type Ledger struct {
	Compared, Damage *mend.Report
	Accepted         bool
	// Unreadable tells why the last damage cannot be shown; "" when it can.
	Unreadable string
}

// ReadLedger reads what the starts of the hub have found.
func ReadLedger(data string) (l Ledger, err error) {
	var note Acceptance
	if read(data, acceptedFile, &note) != nil { // damaged: it says nothing
		note = Acceptance{}
	}
	if err = read(data, damageFile, &l.Damage); err != nil {
		l.Damage, l.Unreadable = nil, err.Error()
	}
	err = read(data, comparedFile, &l.Compared)
	l.Accepted = l.Damage != nil && note.Digest == l.Damage.Digest()
	return l, err
}

// AcceptDamage takes note of what is lost, so that the hub starts without it.
func AcceptDamage(data, who, reason string) (*mend.Report, error) {
	data, f, err := lockStopped(data)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	l, err := ReadLedger(data)
	if err != nil {
		return nil, err
	}
	if l.Compared == nil || l.Compared.Settled || len(l.Compared.Lost()) == 0 {
		return nil, errors.New("nothing is lost that must be taken note of")
	}
	a := &App{cfg: Config{Data: data}}
	return l.Compared, a.write(acceptedFile, Acceptance{Digest: l.Compared.Digest(), Who: who, Reason: reason, At: time.Now().UTC()})
}

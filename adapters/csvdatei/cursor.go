package csvdatei

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
)

// cursor is how far a file has been read, and which rows could not become events.
// It holds nothing of the file's content.
type cursor struct {
	Offset int64    `json:"o"`
	Line   int      `json:"l"` // of the next row; 0 at the beginning
	Sum    string   `json:"s"` // SHA-256 of the file when it was first read, and
	Size   int64    `json:"n"` // its size then; "" and 0 before
	Bad    []badRow `json:"b,omitempty"`
}

type badRow struct {
	Line   int    `json:"l"`
	Offset int64  `json:"o"`
	End    int64  `json:"e"`
	Code   string `json:"c"`
	Text   string `json:"t"`
}

func cursorKey(file string) string { return "file." + file }

func loadCursor(ctx context.Context, s hub.State, file string) (cursor, error) {
	var c cursor
	raw, err := s.Get(ctx, cursorKey(file))
	if err != nil {
		return c, fmt.Errorf("read the place in the file: %w", err)
	}
	if raw == nil {
		return c, nil
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return cursor{}, nil //nolint:nilerr // from the beginning: the hub knows the rows
	}
	return c, nil
}

func (c *cursor) save(ctx context.Context, s hub.State, file string) error {
	raw, err := json.Marshal(c)
	if err == nil {
		err = s.Put(ctx, cursorKey(file), raw)
	}
	if err != nil {
		return fmt.Errorf("remember the place in the file: %w", err)
	}
	return nil
}

// stopped keeps the place before the file is left to be tried again, and forgets
// it when the file is given up.
func (p *progress) stopped(ctx context.Context, cause error) error {
	switch {
	case ctx.Err() == nil && hub.FaultOf(cause).Permanent:
		if err := p.forget(ctx); err != nil {
			return err
		}
	case p.since > 0:
		return errors.Join(cause, p.leave(ctx))
	}
	return cause
}

// leave remembers the place, also when the adapter is told to stop.
func (p *progress) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return p.remember(ctx)
}

func (p *progress) remember(ctx context.Context) error {
	p.since = 0
	return p.cursor.save(ctx, p.in.State(), p.file.ID)
}

func (p *progress) forget(ctx context.Context) error {
	if err := p.in.State().Delete(ctx, cursorKey(p.file.ID)); err != nil {
		return fmt.Errorf("forget the place in the file: %w", err)
	}
	return nil
}

// finishedKey is where the last file that was read to its end is noted.
const finishedKey = "finished"

// finish sets bad rows aside, then notes the file as finished, then forgets the
// place: after a crash in between the same is done again, with the same names, and
// after one before the file was moved nothing is.
func (p *progress) finish(ctx context.Context) error {
	if len(p.cursor.Bad) > 0 {
		if err := p.setAside(p.content); err != nil {
			return err
		}
	}
	if err := p.in.State().Put(ctx, finishedKey, []byte(p.file.ID)); err != nil {
		return fmt.Errorf("note the file as finished: %w", err)
	}
	if err := p.forget(ctx); err != nil {
		return err
	}
	p.log.Info("csv: file done", zap.String("file", p.file.ID), zap.Int("rows", p.good), zap.Int("set-aside", len(p.cursor.Bad)))
	return nil
}

// finished tells a file that only waits to be moved.
func (r *run) finished(ctx context.Context, file string) (bool, error) {
	last, err := r.in.State().Get(ctx, finishedKey)
	if err != nil {
		return false, fmt.Errorf("ask whether the file is finished: %w", err)
	}
	if string(last) != file {
		return false, nil
	}
	return true, r.in.State().Delete(ctx, cursorKey(file))
}

package csvdatei

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/amtsbote/amtsbote/adapters/internal/csvrows"
	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/adapters/internal/mapping"
	"github.com/amtsbote/amtsbote/hub"
)

// source makes an event of each row of each file.
type source struct {
	set     settings
	mapping *mapping.Mapping
	folder  *dropfolder.Folder
	remote  *remote // nil when the files come by the folder alone
	log     *zap.Logger
	key     []byte // of case-key-file; nil without
}

var (
	_ hub.Source  = (*source)(nil)
	_ hub.Placed  = (*source)(nil)
	_ hub.Watched = (*source)(nil)
)

// Places implements hub.Placed.
func (s *source) Places() hub.Places {
	p := s.folder.Places()
	if s.remote != nil {
		p.In = s.remote.place()
	}
	return hub.Places{In: p.In, SetAside: p.SetAside}
}

// Looked implements hub.Watched.
func (s *source) Looked() time.Time {
	if s.remote != nil {
		return s.remote.Looked()
	}
	return s.folder.Looked()
}

// Run implements hub.Source.
func (s *source) Run(ctx context.Context, in hub.Intake) error {
	key, err := mapping.CaseKey(ctx, in.State(), s.key)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	if s.key == nil && s.mapping.ValueID() {
		s.log.Warn("csv: ids are made of values of the rows, without case-key-file: who knows what these may be finds them by trying")
	}
	group, ctx := errgroup.WithContext(ctx)
	r := &run{source: s, in: in, key: key}
	group.Go(func() error { return s.folder.Watch(ctx, r.file) })
	if s.remote != nil {
		group.Go(func() error { return s.remote.run(ctx, in.State()) })
	}
	return group.Wait()
}

// run is one Run of a source.
type run struct {
	*source
	in  hub.Intake
	key []byte
}

// rowNames is the name space of the rows' ids.
var rowNames = uuid.NewSHA1(uuid.NameSpaceURL, []byte("https://github.com/amtsbote/amtsbote/adapters/csv"))

// rowID is the same for the same row of the same file, whenever it comes; the
// file's name is part of it, since a list that is the same on another day is
// another list. The type is too: two adapters of one source may read one file.
func rowID(typ, sum, name string, line int) string {
	return uuid.NewSHA1(rowNames, []byte(typ+"|"+sum+"|"+name+"|"+strconv.Itoa(line))).String()
}

// every is after how many rows the place in a file is remembered: a crash makes
// at most so many rows come again, which the hub recognises.
const every = 200

// file handles one file of the folder: nil, and it is done; a Permanent Fault,
// and it is set aside whole; else it is tried again from where it got to.
func (r *run) file(ctx context.Context, file dropfolder.File) error {
	if done, err := r.finished(ctx, file.ID); err != nil || done {
		return err
	}
	at, err := loadCursor(ctx, r.in.State(), file.ID)
	if err != nil {
		return err
	}
	content, err := file.Open()
	if err != nil {
		return err
	}
	defer content.Close() //nolint:errcheck // read only
	p := &progress{run: r, file: file, content: content, cursor: at}
	if err := p.survey(ctx); err != nil {
		return p.stopped(ctx, err)
	}
	if p.rows, err = csvrows.Open(io.NewSectionReader(content, 0, p.seen.Size()), r.mapping.CSV(), r.mapping.Columns()); err != nil {
		return p.stopped(ctx, err)
	}
	if at.Line > 0 {
		if err := p.rows.GoOn(at.Offset, at.Line); err != nil {
			return err
		}
	}
	if err := p.all(ctx); err != nil {
		return p.stopped(ctx, err)
	}
	return p.finish(ctx)
}

// progress is the work on one file.
type progress struct {
	*run
	file    dropfolder.File
	content *os.File
	seen    fs.FileInfo // of the content, when it was surveyed
	rows    *csvrows.Rows
	cursor  cursor
	since   int // rows since the place was remembered
	good    int
}

func (p *progress) all(ctx context.Context) error {
	for {
		row, err := p.rows.Next()
		switch {
		case errors.Is(err, io.EOF):
			return p.unchanged()
		case err != nil:
			return err
		}
		if row.End == p.seen.Size() { // the last: it may be half of one
			if err := p.unchanged(); err != nil {
				return err
			}
		}
		if err := p.row(ctx, row); err != nil {
			return err
		}
		p.cursor.Offset, p.cursor.Line = row.End, p.rows.Line()
		if p.since++; p.since >= every {
			if err := p.remember(ctx); err != nil {
				return err
			}
		}
	}
}

// row publishes one row, or notes why it cannot become an event.
func (p *progress) row(ctx context.Context, row csvrows.Row) error {
	err := p.publish(ctx, row)
	if err == nil {
		p.good++
		return nil
	}
	f := hub.FaultOf(err)
	if !f.Permanent || ctx.Err() != nil {
		return err
	}
	if len(p.cursor.Bad) >= p.set.MaxBad {
		return hub.Permanent("too-many-bad-rows",
			"read file: more than %d rows cannot become events; the rest, from line %d, was not read (%s)", p.set.MaxBad, row.Line, f.Code)
	}
	p.cursor.add(row, err)
	return nil
}

func (p *progress) publish(ctx context.Context, row csvrows.Row) error {
	if row.Bad != nil {
		return row.Bad
	}
	e, err := mapping.Set{p.mapping}.Event(mapping.Row(p.rows.Columns(), row.Fields), mapping.With{
		Source: p.set.Source, Key: p.key, IDKey: p.source.key, ID: rowID(p.mapping.Type(), p.cursor.Sum, p.file.Name, row.Line),
	})
	if err != nil {
		return err
	}
	if err := p.in.Publish(ctx, e); err != nil {
		return fmt.Errorf("publish event: %w", err)
	}
	return nil
}

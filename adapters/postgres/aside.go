package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

const (
	// pieceSize is how much of a row lies in memory at a time, in bytes.
	pieceSize = 8 << 20
	// maxCopy is the largest row that is copied; of a larger one the report alone is
	// kept, and the row stays in the table.
	maxCopy = 64 << 20
)

// putAside copies the whole row into the folder of what could not become an event,
// with its reason beside it. gone is false when the copy could not be made: such a
// row must not be deleted.
func (r *run) putAside(ctx context.Context, s *session, o row, cause error) (gone bool, err error) {
	name := asideName(o)
	temp := filepath.Join(r.aside(), "."+name+".tmp")
	if err := os.MkdirAll(r.aside(), 0o750); err != nil {
		return false, fmt.Errorf("make the folder of what is set aside: %w", err)
	}
	whole, err := r.copyRow(ctx, s, o, temp)
	if err != nil {
		return false, fmt.Errorf("copy a row that is set aside: %w", err)
	}
	if !whole && r.set.Habit == remove {
		if err := r.leaveRow(ctx, o.id); err != nil {
			return false, err
		}
	}
	if err := dropfolder.SetAside(r.aside(), temp, name, cause); err != nil {
		return false, err
	}
	r.log.Warn("postgres: row set aside", zap.String("file", name), zap.String("code", hub.FaultOf(cause).Code), zap.Bool("whole", whole))
	return whole || r.set.Habit != remove, nil
}

// asideName is the same for the same row: one that is set aside again after a crash
// replaces itself.
func asideName(o row) string {
	id := digest(o.id)
	if uuidForm.MatchString(o.id) {
		id = o.id
	}
	if o.XID == 0 {
		return id + ".zeile.json"
	}
	return fmt.Sprintf("%d-%d-%s.zeile.json", o.XID, o.Seq, id)
}

// copyRow writes the row as a JSON object, piece by piece. A row that the server
// cannot give, or that is too large, leaves a file that only says where it stands.
func (r *run) copyRow(ctx context.Context, s *session, o row, path string) (whole bool, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o640) //nolint:gosec // read by the hub's group, as everything in drop folders
	if err != nil {
		return false, err
	}
	defer f.Close()                          //nolint:errcheck // closed below; a second time after an error
	if o.size == nil || *o.size <= maxCopy { // a larger one is not even made to JSON
		whole, err = r.pieces(ctx, s, o, f)
	}
	if err != nil {
		return false, err
	}
	if !whole {
		if err := f.Truncate(0); err != nil {
			return false, err
		}
		if _, err := f.WriteAt([]byte(stub(o)), 0); err != nil {
			return false, err
		}
	}
	return whole, errors.Join(f.Sync(), f.Close())
}

// stub says where the row stands.
func stub(o row) string {
	raw, err := json.Marshal(map[string]string{"xid": strconv.FormatUint(o.XID, 10), "seq": strconv.FormatInt(o.Seq, 10), "id": o.id})
	if err != nil {
		return "{}"
	}
	return string(raw) + "\n"
}

func (r *run) pieces(ctx context.Context, s *session, o row, f *os.File) (whole bool, err error) {
	for from := 1; ; from += pieceSize {
		piece, size, err := r.piece(ctx, s, o, from)
		switch {
		case rowsFault(err), o.unread != nil && stubborn(err), errors.Is(err, pgx.ErrNoRows), err == nil && size > maxCopy:
			return false, nil // it cannot be read, is gone, or is too large
		case err != nil:
			return false, tame(err)
		}
		if _, err := f.Write(piece); err != nil {
			return false, err
		}
		if from+len(piece) > size {
			_, err := f.WriteString("\n")
			return err == nil, err
		}
	}
}

func (r *run) piece(ctx context.Context, s *session, o row, from int) (piece []byte, size int, err error) {
	ctx, cancel := r.limit(ctx)
	defer cancel()
	args := []any{o.id}
	if r.set.Habit == leave {
		args = append(args, strconv.FormatUint(o.XID, 10), o.Seq)
	}
	err = s.conn.QueryRow(ctx, s.sql.piece(from, pieceSize), args...).Scan(&piece, &size)
	return piece, size, err
}

// The rows that stay in the table with the habit delete are remembered, so that
// they are not read again and again.
const (
	leftKey = "left"
	maxLeft = 500
)

func (r *run) loadLeft(ctx context.Context, s *session) error {
	raw, err := r.in.State().Get(ctx, leftKey)
	if err != nil || raw == nil {
		return err
	}
	if err := json.Unmarshal(raw, &r.left); err != nil {
		return refuse("the adapter's memory holds no list of rows that can be read: restore it from a backup (operator)")
	}
	if r.set.Habit != remove || len(r.left) == 0 {
		return nil
	}
	return r.pruneLeft(ctx, s)
}

// pruneLeft forgets rows that the table no longer has.
func (r *run) pruneLeft(ctx context.Context, s *session) error {
	id := "t." + quoted(r.set.Columns.ID)
	rows, err := s.conn.Query(ctx, fmt.Sprintf("SELECT %s::text FROM %s t WHERE %s = ANY (%s)", id, s.table.sql(), id, s.sql.ids("$1")), r.left)
	if err != nil {
		return fmt.Errorf("look for rows that stay: %w", tame(err))
	}
	there, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("look for rows that stay: %w", tame(err))
	}
	if len(there) == len(r.left) {
		return nil
	}
	r.left = append([]string{}, there...)
	raw, err := json.Marshal(r.left)
	if err == nil {
		err = r.in.State().Put(ctx, leftKey, raw)
	}
	if err != nil {
		return fmt.Errorf("remember the rows that stay: %w", err)
	}
	return nil
}

func (r *run) leaveRow(ctx context.Context, id string) error {
	if slices.Contains(r.left, id) {
		return nil
	}
	left := append(slices.Clone(r.left), id)
	raw, err := json.Marshal(left)
	if err != nil {
		return fmt.Errorf("remember a row that stays: %w", err)
	}
	if len(left) > maxLeft || len(raw) > 60_000 {
		return refuse("more than %d rows of table %s can neither become events nor be copied aside: the owner of the database must mend or delete them (%s)", maxLeft, r.set.name, r.aside())
	}
	if err := r.in.State().Put(ctx, leftKey, raw); err != nil {
		return fmt.Errorf("remember a row that stays: %w", err)
	}
	r.left = left
	return nil
}

package csvdatei

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/csvrows"
	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

// cursor is how far a file has been read, and which rows could not become events.
// It holds nothing of the file's content.
type cursor struct {
	Offset int64    `json:"o"`
	Line   int      `json:"l"` // of the next row; 0 at the beginning
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

// maxReason keeps all reasons within one value of the memory.
const maxReason = 140

func (c *cursor) add(row csvrows.Row, err error) {
	f := hub.FaultOf(err)
	reason := strings.ToValidUTF8(f.Error(), "?")
	if len(reason) > maxReason {
		end := maxReason
		for !utf8.RuneStart(reason[end]) {
			end--
		}
		reason = reason[:end] + "…"
	}
	c.Bad = append(c.Bad, badRow{Line: row.Line, Offset: row.Offset, End: row.End, Code: f.Code, Text: reason})
}

// setAside puts the bad rows, as they stand in the file and below its line of
// names, into a file of their own, with their reasons beside it: repaired, it can
// be dropped again.
func (p *progress) setAside(content io.ReaderAt) error {
	temp := filepath.Join(p.set.Dir, p.set.Work, "."+p.file.ID+".zeilen.tmp")
	if err := p.writeRows(temp, content); err != nil {
		return fmt.Errorf("write the rows that are set aside: %w", err)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%d rows could not become events:", len(p.cursor.Bad))
	for _, b := range p.cursor.Bad {
		fmt.Fprintf(&text, "\nline %d: %s", b.Line, b.Text)
	}
	if err := dropfolder.SetAside(p.set.aside(), temp, p.asideName(), hub.Permanent("bad-rows", "%s", text.String())); err != nil {
		return err
	}
	p.log.Warn("csv: rows set aside", zap.String("file", p.file.ID), zap.Int("rows", len(p.cursor.Bad)))
	return nil
}

// asideName is the file's own name, with the id of its claim before the ending:
// liste.01J….zeilen.csv.
func (p *progress) asideName() string {
	const most = 120
	ext := filepath.Ext(p.file.Name)
	stem := strings.TrimSuffix(p.file.Name, ext)
	for len(stem) > most {
		_, size := utf8.DecodeLastRuneInString(stem)
		stem = stem[:len(stem)-size]
	}
	return stem + "." + p.file.ID + ".zeilen" + ext
}

func (p *progress) writeRows(path string, content io.ReaderAt) error {
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	w, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640) //nolint:gosec // read by the office's group
	if err != nil {
		return err
	}
	defer w.Close() //nolint:errcheck // closed below; a second time after an error
	if err := writeLine(w, strings.NewReader(string(p.rows.Header())), int64(len(p.rows.Header()))); err != nil {
		return err
	}
	for _, b := range p.cursor.Bad {
		if err := writeLine(w, io.NewSectionReader(content, b.Offset, b.End-b.Offset), b.End-b.Offset); err != nil {
			return err
		}
	}
	if err := w.Sync(); err != nil {
		return err
	}
	return w.Close()
}

// writeLine copies a row and sees to the line break that the last of a file may
// lack.
func writeLine(w io.Writer, r io.ReaderAt, size int64) error {
	if size == 0 {
		return nil
	}
	if _, err := io.Copy(w, io.NewSectionReader(r, 0, size)); err != nil {
		return err
	}
	last := make([]byte, 1)
	if _, err := r.ReadAt(last, size-1); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if last[0] == '\n' {
		return nil
	}
	_, err := w.Write([]byte{'\n'})
	return err
}

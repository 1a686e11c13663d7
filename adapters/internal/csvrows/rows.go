package csvrows

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/hub"
)

// Row is a row of a file.
type Row struct {
	Line   int   // from 1, where the row begins
	Offset int64 // of its first byte
	End    int64 // behind its line break
	Fields []string
	// Bad is why the row cannot be used, a Permanent Fault; nil if it can.
	Bad error
}

// Rows reads the rows of a file.
type Rows struct {
	in      io.ReadSeeker
	buf     *bufio.Reader
	format  Format
	columns map[string]int
	width   int    // how many columns there are; 0 while the names are read
	header  []byte // what stands before the rows, as it stands in the file
	line    int    // of the next row
	offset  int64
}

// Open reads the header. A column of need that is not there or there twice, and
// unknown columns where they are refused, give a Permanent Fault "bad-header".
func Open(in io.ReadSeeker, f Format, need []string) (*Rows, error) {
	r := &Rows{in: in, format: f}
	if err := r.GoOn(0, 1); err != nil {
		return nil, err
	}
	if start, err := r.buf.Peek(len(bom)); err == nil && string(start) == bom && f.Encoding == UTF8 {
		_, _ = r.buf.Discard(len(bom))
		r.offset = int64(len(bom))
	}
	names, err := r.names()
	if err != nil {
		return nil, err
	}
	columns, none := columnsOf(names)
	r.width, r.columns = len(names), columns
	return r, f.judge(columns, none, need)
}

// names reads what stands before the rows: lines to skip, and the columns' names,
// unless the format has them.
func (r *Rows) names() ([]string, error) {
	from := r.offset
	for range r.format.Skip {
		line, err := r.physical()
		switch {
		case errors.Is(err, io.EOF): // told below
		case err != nil:
			return nil, err
		case line == nil:
			return nil, hub.Permanent("bad-header", "skip the lines before the column names: one is longer than %d bytes", r.format.MaxRow)
		}
	}
	names, end := r.format.Header, r.offset
	if names == nil {
		row, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil, hub.Permanent("bad-header", "read file: it is empty, or has no line of column names")
		case err != nil:
			return nil, err
		case row.Bad != nil:
			return nil, hub.Permanent("bad-header", "read the column names: %w", row.Bad)
		}
		names, end = row.Fields, row.End
	}
	if end == from {
		return names, nil
	}
	var err error
	r.header, err = r.Raw(from, end)
	return names, err
}

// columnsOf numbers the names. In none are the columns, from 0, that cannot be named:
// without a name, or with one that stands twice.
func columnsOf(names []string) (columns map[string]int, none []int) {
	columns, twice := map[string]int{}, map[string]bool{}
	for i, name := range names {
		name = strings.TrimSpace(name)
		first, there := columns[name]
		switch {
		case name == "" || twice[name]:
			none = append(none, i)
		case there:
			none = append(none, first, i)
			twice[name] = true
			delete(columns, name)
		default:
			columns[name] = i
		}
	}
	return columns, none
}

// judge compares the columns with those that are needed; names of needed columns
// are the setting's, those of others are not told.
func (f Format) judge(columns map[string]int, none []int, need []string) error {
	for _, name := range need {
		if _, there := columns[name]; !there {
			return hub.Permanent("bad-header", "read the column names: the column %s is missing, or there twice (separator %s, encoding %s)", name, f.Separator, f.Encoding)
		}
	}
	if f.Unknown != refuse {
		return nil
	}
	for name, i := range columns {
		if !slices.Contains(need, name) {
			none = append(none, i)
		}
	}
	if len(none) > 0 {
		return hub.Permanent("bad-header", "read the column names: column %d is none that the mapping knows", slices.Min(none)+1)
	}
	return nil
}

// Columns gives the place of each column, by name.
func (r *Rows) Columns() map[string]int { return r.columns }

// Header is what stands before the rows: lines that are skipped, and that of names; nil
// when there are none.
func (r *Rows) Header() []byte { return r.header }

// GoOn goes on at a row whose place is known.
func (r *Rows) GoOn(offset int64, line int) error {
	if _, err := r.in.Seek(offset, io.SeekStart); err != nil {
		return fmt.Errorf("read file: %w", err)
	}
	if r.buf == nil {
		r.buf = bufio.NewReaderSize(r.in, 64<<10)
	} else {
		r.buf.Reset(r.in)
	}
	r.offset, r.line = offset, line
	return nil
}

// Raw gives bytes of the file; reading goes on where it was.
func (r *Rows) Raw(from, to int64) ([]byte, error) {
	offset, line := r.offset, r.line
	if _, err := r.in.Seek(from, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read file: %w", err)
	}
	raw := make([]byte, to-from)
	if _, err := io.ReadFull(r.in, raw); err != nil {
		return nil, fmt.Errorf("read file: %w", err)
	}
	return raw, r.GoOn(offset, line)
}

// Next gives the next row; empty lines are none, nor are those of separators (any number)
// and white space alone, which spreadsheets write below a table. A quotation is more. At the end it gives io.EOF.
func (r *Rows) Next() (Row, error) {
	for {
		row := Row{Line: r.line, Offset: r.offset}
		line, err := r.physical()
		if err != nil {
			return row, err
		}
		row.End = r.offset
		if line == nil {
			row.Bad = tooLong(r.format)
			return row, nil
		}
		if len(bytes.Trim(line, " \t\r\n"+string(rune(r.format.separator())))) > 0 {
			return r.row(row, line)
		}
	}
}

func tooLong(f Format) error {
	return hub.Permanent("row-too-long", "read row: it is longer than %d bytes", f.MaxRow)
}

// row takes further lines as long as a quotation is open, where the format allows
// that. A bad row costs its first line alone, however many lines were tried: one
// stray mark must not swallow the good rows up to the next.
func (r *Rows) row(row Row, text []byte) (Row, error) {
	offset, line := r.offset, r.line
	for {
		fields, open, err := r.format.split(text)
		if !open {
			row.Fields, row.Bad = fields, r.judge(fields, err)
			break
		}
		if !r.format.Multiline {
			row.Bad = hub.Permanent("open-quote", "read row: a quotation is not closed on its line; does the mapping's csv need multiline: true?")
			break
		}
		more, err := r.physical()
		if err != nil && !errors.Is(err, io.EOF) {
			return row, err
		}
		if more == nil || len(text)+len(more) > r.format.MaxRow {
			row.Bad = hub.Permanent("open-quote", "read row: a quotation is not closed")
			break
		}
		text = append(text, more...)
	}
	switch {
	case row.Bad == nil:
		row.End = r.offset
	case r.offset != offset || r.line != line:
		return row, r.GoOn(offset, line)
	}
	return row, nil
}

// judge holds the fields of a row against the columns.
func (r *Rows) judge(fields []string, err error) error {
	if err == nil && r.width > 0 && len(fields) != r.width {
		return hub.Permanent("bad-row", "read row: it has %d fields, and there are %d columns", len(fields), r.width)
	}
	return err
}

// physical gives the next line with its break; nil when it is too long.
func (r *Rows) physical() ([]byte, error) {
	var out []byte
	long := false
	for {
		part, err := r.buf.ReadSlice('\n')
		r.offset += int64(len(part))
		if long = long || len(out)+len(part) > r.format.MaxRow+len("\r\n"); !long {
			out = append(out, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return nil, fmt.Errorf("read file: %w", err)
		case err != nil && len(out) == 0 && !long:
			return nil, io.EOF
		}
		r.line++
		if long {
			return nil, nil
		}
		return out, nil
	}
}

// split takes a row apart (RFC 4180, section 2); open means that a quotation goes
// on beyond the text.
func (f Format) split(text []byte) (fields []string, open bool, err error) {
	sep, quote := f.separator(), f.quote()
	rest := bytes.TrimSuffix(text, []byte("\n"))
	rest = bytes.TrimSuffix(rest, []byte("\r"))
	for {
		var field []byte
		if quote != 0 && len(rest) > 0 && rest[0] == quote {
			var closed bool
			if field, rest, closed = unquote(rest[1:], quote); !closed {
				return nil, true, nil
			}
		} else {
			end := bytes.IndexByte(rest, sep)
			if end < 0 {
				end = len(rest)
			}
			field, rest = rest[:end], rest[end:]
			if quote != 0 && bytes.IndexByte(field, quote) >= 0 {
				return nil, false, hub.Permanent("bad-quote", "read row: a quotation mark stands within field %d, which is not quoted", len(fields)+1)
			}
		}
		fields = append(fields, f.decode(field))
		switch {
		case len(rest) == 0:
			return fields, false, nil
		case rest[0] != sep:
			return nil, false, hub.Permanent("bad-quote", "read row: something follows the quotation of field %d", len(fields))
		}
		rest = rest[1:]
	}
}

// unquote takes the text of a quotation up to its end; a doubled mark is one.
func unquote(rest []byte, quote byte) (field, behind []byte, closed bool) {
	for {
		end := bytes.IndexByte(rest, quote)
		if end < 0 {
			return nil, nil, false
		}
		field = append(field, rest[:end]...)
		rest = rest[end+1:]
		if len(rest) == 0 || rest[0] != quote {
			return field, rest, true
		}
		field = append(field, quote)
		rest = rest[1:]
	}
}

// Line is that of the next row.
func (r *Rows) Line() int { return r.line }

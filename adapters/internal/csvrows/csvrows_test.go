package csvrows

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/internal/interop"
	"github.com/amtsbote/amtsbote/hub"
)

// read gives the rows as texts: line, fields, or the code of a bad one.
func read(t testing.TB, f Format, text string, need ...string) ([]string, error) {
	t.Helper()
	f = f.OrDefaults()
	if _, err := Survey(strings.NewReader(text), f); err != nil {
		return nil, err
	}
	rows, err := Open(strings.NewReader(text), f, need)
	if err != nil {
		return nil, err
	}
	var out []string
	for {
		row, err := rows.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			t.Fatal(err)
		}
		if row.Bad != nil {
			out = append(out, fmt.Sprintf("%d %s", row.Line, hub.FaultOf(row.Bad).Code))
		} else {
			out = append(out, fmt.Sprintf("%d %q", row.Line, row.Fields))
		}
		if row.Offset >= row.End || row.End > int64(len(text)) {
			t.Fatalf("row from %d to %d of %d", row.Offset, row.End, len(text))
		}
	}
}

func TestRows(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		f    Format
		text string
		want []string
	}{
		{"plain", Format{}, "a;b\n1;2\r\n3;4", []string{`2 ["1" "2"]`, `3 ["3" "4"]`}},
		{"mark of UTF-8", Format{}, "\xef\xbb\xbfa;b\nä;2\n", []string{`2 ["ä" "2"]`}},
		{"windows", Format{Encoding: Windows1252}, "a;b\n\x80;\xe4\n", []string{`2 ["€" "ä"]`}},
		{"latin", Format{Encoding: Latin1}, "a;b\n\xc3\xa4;\xe4\n", []string{`2 ["Ã¤" "ä"]`}},
		{"quotes", Format{Separator: ",", Multiline: true}, "a,b\n\"x,\"\"y\"\"\",\"1\n2\"\n3,\"\"\n", []string{`2 ["x,\"y\"" "1\n2"]`, `4 ["3" ""]`}},
		{"no quotes", Format{Separator: "|", Quote: "none"}, "a|b\n\"x|y\"\n", []string{`2 ["\"x" "y\""]`}},
		{"tab", Format{Separator: "tab", Quote: "'"}, "a\tb\n'x\ty'\tz\n", []string{`2 ["x\ty" "z"]`}},
		{"empty lines", Format{}, "a;b\n\n1;2\n\r\n3;4\n", []string{`3 ["1" "2"]`, `5 ["3" "4"]`}},
		{"header given", Format{Header: []string{"a", "b"}}, "1;2\n", []string{`1 ["1" "2"]`}},
		{"latin with euro", Format{Encoding: Latin9}, "a;b\n\xa4;\xe4\n", []string{`2 ["€" "ä"]`}},
		{"DOS", Format{Encoding: DOS}, "a;b\n\x84;\xe1\n", []string{`2 ["ä" "ß"]`}},
		{"columns that nobody can name", Format{}, ";a;b;b;\n1;2;3;4;\n", []string{`2 ["1" "2" "3" "4" ""]`}},
		{"a title and what a spreadsheet says of itself", Format{Skip: 2}, "\xef\xbb\xbfsep=;\nListe;;\na;b\n1;2\n", []string{`4 ["1" "2"]`}},
		{"a title, names given", Format{Skip: 1, Header: []string{"a", "b"}}, "Liste\n1;2\n", []string{`2 ["1" "2"]`}},
		{"rows of separators", Format{}, "a;b\n1;2\n;\n ;\t\r\n;;;\n3;4\n", []string{`2 ["1" "2"]`, `6 ["3" "4"]`}},
		{"quoted blanks", Format{}, "a;b\n\" \";\"\"\n\"\"\n1;2\n", []string{`2 [" " ""]`, "3 bad-row", `4 ["1" "2"]`}},
		{"number of fields", Format{}, "a;b\n1\n1;2;3\n1;2\n", []string{"2 bad-row", "3 bad-row", `4 ["1" "2"]`}},
		{"stray quotes", Format{}, "a;b\n1;x\"y\n\"1\"2;3\n1;2\n", []string{"2 bad-quote", "3 bad-quote", `4 ["1" "2"]`}},
		{"open quotation", Format{}, "a;b\n\"1;2\n3;4\n5;6\n", []string{"2 open-quote", `3 ["3" "4"]`, `4 ["5" "6"]`}},
		{"open quotation, several lines allowed", Format{Multiline: true}, "a;b\n\"1;2\n3;4\n5;6\n", []string{"2 open-quote", `3 ["3" "4"]`, `4 ["5" "6"]`}},
		{"two stray quotes that pair", Format{}, "a;b\n1;\"\n2;\"\n3;c", []string{"2 open-quote", "3 open-quote", `4 ["3" "c"]`}},
		{"a stray quote that meets a good one", Format{Multiline: true}, "a;b\n1;\"foo\n2;x\n3;y\n4;\"zzz\"\n5;z", []string{
			"2 bad-quote", `3 ["2" "x"]`, `4 ["3" "y"]`, `5 ["4" "zzz"]`, `6 ["5" "z"]`,
		}},
		{"the same, one line a row", Format{}, "a;b\n1;\"foo\n2;x\n3;y\n4;\"zzz\"\n5;z", []string{
			"2 open-quote", `3 ["2" "x"]`, `4 ["3" "y"]`, `5 ["4" "zzz"]`, `6 ["5" "z"]`,
		}},
		{"number of fields over several lines", Format{Multiline: true}, "a;b\n1;\"x\n2;y\";3\n4;5", []string{"2 bad-row", "3 bad-quote", `4 ["4" "5"]`}},
		{"open quotation beyond the limit", Format{MaxRow: 20, Multiline: true}, "a;b\n\"1;2\n" + strings.Repeat("3;4\n", 6), []string{
			"2 open-quote", `3 ["3" "4"]`, `4 ["3" "4"]`, `5 ["3" "4"]`, `6 ["3" "4"]`, `7 ["3" "4"]`, `8 ["3" "4"]`,
		}},
		{"long row", Format{MaxRow: 10}, "a;b\n" + strings.Repeat("x", 200_000) + ";2\n1;2\n" + strings.Repeat("y", 11), []string{"2 row-too-long", `3 ["1" "2"]`, "4 bad-row"}},
	} {
		got, err := read(t, tc.f, tc.text, "a")
		if err != nil || fmt.Sprint(got) != fmt.Sprint(tc.want) {
			t.Errorf("%s: %q, %v\nwant %q", tc.name, got, err, tc.want)
		}
	}
}

func TestWholeFileRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		f          Format
		text, code string
		says       string
	}{
		{Format{}, "a;b\nx;1\n\xe4;2\n", "bad-encoding", "line 3 is not UTF-8"},
		{Format{}, "\xff\xfea\x00", "bad-encoding", "UTF-16"},
		{Format{}, "a;b\n\x00;1\n", "bad-encoding", "zero byte"},
		{Format{Encoding: Windows1252}, "\xef\xbb\xbfa;b\n", "bad-encoding", "mark of UTF-8"},
		{Format{Encoding: Windows1252}, "a;b\n\x81;2\n", "bad-encoding", "line 2 has a byte"},
		{Format{Encoding: Latin1}, "a;b\n\x80;2\n", "bad-encoding", "windows-1252?"},
		{Format{}, "", "bad-header", "empty"},
		{Format{}, "b;c\n", "bad-header", "the column a is missing"},
		{Format{}, "a,b\n", "bad-header", "separator ;"},
		{Format{}, "a;b;a\n", "bad-header", "the column a is missing, or there twice"},
		{Format{Unknown: "refuse"}, "a;\n", "bad-header", "column 2"},
		{Format{Skip: 1, MaxRow: 10}, strings.Repeat("x", 100) + "\na\n", "bad-header", "longer than 10 bytes"},
		{Format{Skip: 2}, "Titel\n", "bad-header", "no line of column names"},
		{Format{Encoding: Latin9}, "a;b\n\x80;2\n", "bad-encoding", "does not know"},
		{Format{Unknown: "refuse"}, "a;geheim\n", "bad-header", "column 2"},
		{Format{}, "\"a;b\n", "bad-header", "not closed"},
	} {
		_, err := read(t, tc.f, tc.text, "a")
		if f := hub.FaultOf(err); f == nil || !f.Permanent || f.Code != tc.code || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%q: %v, want %s %s", tc.text, err, tc.code, tc.says)
		}
	}
}

// TestCityLists: lists that programs of cities write (../shared/data/city: psc, swim).
func TestCityLists(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		f     Format
		need  []string
		rows  int
		first string
	}{
		"psc/GP_2026-07-09.csv":  {Format{Separator: ","}, []string{"GP-ID", "Geb.-Datum"}, 10, `2 ["1000034569" "Musterfrau" "Frauvorname" "01.01.1975" "2804"]`},
		"swim/matching-test.csv": {Format{}, []string{"Externe ID", "Mandant"}, 3, `2 ["1" "123456789" "COO.1234.1234.1.1234567" "Test User Inbox" "" "DPF-123" "DPF"]`},
		"swim/protocol.csv":      {Format{Separator: "|", Skip: 1}, []string{"PDF", "Seiten"}, 2, `3 ["test1.pdf" "" "" "20241024_13_00659780" "1"]`},
	} {
		text, err := os.ReadFile(interop.Path(t, "data", "city", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := read(t, tc.f, string(text), tc.need...)
		if err != nil || len(got) != tc.rows || got[0] != tc.first {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
}

func TestGoOn(t *testing.T) {
	t.Parallel()
	const text = "a;b\n\"1\nx\";2\n3;4\n5;6\n"
	format := Format{Multiline: true}.OrDefaults()
	rows, err := Open(strings.NewReader(text), format, nil)
	if err != nil {
		t.Fatal(err)
	}
	first, err := rows.Next()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Open(strings.NewReader(text), format, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.GoOn(first.End, rows.Line()); err != nil {
		t.Fatal(err)
	}
	if row, err := again.Next(); err != nil || row.Line != 4 || row.Fields[0] != "3" {
		t.Errorf("%+v %v", row, err)
	}
}

func TestFormatProblems(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		f    Format
		want string
	}{
		{Format{}, ""},
		{Format{Separator: "tab", Quote: "none", Encoding: Latin1, Header: []string{"a"}}, ""},
		{Format{Encoding: "utf-16"}, "encoding"},
		{Format{Separator: ";;"}, "separator"},
		{Format{Separator: "ä"}, "separator"},
		{Format{Separator: "\n"}, "separator"},
		{Format{Quote: ";"}, "quote"},
		{Format{Quote: "''"}, "quote"},
		{Format{Unknown: "drop"}, "unknown-columns"},
		{Format{MaxRow: 2 << 20}, "max-row"},
		{Format{Skip: 101}, "skip"},
		{Format{Encoding: DOS, Skip: 3}, ""},
		{Format{Header: []string{"a", "a"}}, "header"},
	} {
		if key, _ := tc.f.OrDefaults().Problem(); key != tc.want {
			t.Errorf("%+v: %q, want %q", tc.f, key, tc.want)
		}
	}
}

// FuzzRows: reading ends, places grow, and no field is lost between the rows.
func FuzzRows(f *testing.F) {
	f.Add([]byte("a;b\n1;\"2\n3\"\n\"x;y\n4;5"), byte(0))
	f.Add([]byte("\xef\xbb\xbfa;b\r\n\r\n;\r\n"), byte(1))
	f.Add([]byte(";0\n0;"), byte(0)) // a column without a name
	f.Fuzz(func(t *testing.T, raw []byte, kind byte) {
		format := []Format{{Multiline: true}, {Separator: ",", Encoding: Windows1252}, {Quote: "none", Encoding: Latin1, Header: []string{"a"}}}[kind%3].OrDefaults()
		format.MaxRow = 64
		if _, err := Survey(bytes.NewReader(raw), format); err != nil {
			return
		}
		rows, err := Open(bytes.NewReader(raw), format, nil)
		if err != nil {
			return
		}
		last, line := int64(0), 0
		for {
			row, err := rows.Next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if row.Offset < last || row.End <= row.Offset || row.End > int64(len(raw)) || row.Line <= line {
				t.Fatalf("row %d from %d to %d, after line %d up to %d of %d", row.Line, row.Offset, row.End, line, last, len(raw))
			}
			if row.Bad == nil && len(row.Fields) != rows.width {
				t.Fatal("a good row has another number of fields than there are columns")
			}
			last, line = row.End, row.Line
		}
	})
}

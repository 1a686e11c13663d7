package federation

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/raced"
)

// hostile changes one file of the base and loads it.
func hostile(t *testing.T, file string, change func(text string) string) (*Federation, []finding.Finding) {
	t.Helper()
	dir := copyBase(t)
	name := filepath.Join(dir, file)
	write(t, name, []byte(change(string(read(t, name)))))
	return load(dir, kinds{}, goldenNow)
}

func has(found []finding.Finding, code finding.Code) bool {
	return slices.ContainsFunc(found, func(f finding.Finding) bool { return f.Code == code })
}

// Thousands of senders times thousands of receivers are refused before they are
// multiplied, whether they are one or many.
func TestTooManyWays(t *testing.T) {
	raced.Alone(t)
	const from, to = "from: {application: akdb.okewo, authority: ags:09162000}", "to: [{application: lhm.kfz, authority: ags:09162000}]"
	for code, key := range map[finding.Code]func(i int) string{
		finding.AgrPartyTwice: func(int) string { return "ags:09162000" },
		finding.AgrTooMany:    func(i int) string { return fmt.Sprintf("ags:1%07d", i) },
	} {
		var parties, authorities strings.Builder
		for i := range 5000 {
			fmt.Fprintf(&parties, "\n  - {application: akdb.okewo, authority: %s}", key(i))
			fmt.Fprintf(&authorities, "  - {key: ags:1%07d, name: x, contract: c}\n", i)
		}
		dir := copyBase(t)
		for file, change := range map[string]*strings.Replacer{
			"agreements/kfz-umzug.yaml": strings.NewReplacer(from, "from:"+parties.String(), to, "to:"+parties.String()),
			"organisations/akdb.yaml":   strings.NewReplacer("applications:\n", authorities.String()+"applications:\n"),
		} {
			name := filepath.Join(dir, file)
			write(t, name, []byte(change.Replace(string(read(t, name)))))
		}
		b := newBuilder(kinds{}, goldenNow)
		fed, found := b.build(take(dir, b.List))
		if fed != nil || !has(found, code) || len(b.ways) > 100 {
			t.Errorf("%s: %v, %d ways", code, fed, len(b.ways))
		}
	}
}

// A file full of wrong pointers is read whole, each with its place.
func TestManyPointers(t *testing.T) {
	var list strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&list, "\n  - /x%d", i)
	}
	_, found := hostile(t, "agreements/kfz-umzug.yaml", func(text string) string {
		return strings.Replace(text, "disclose: [/person/name, /anschrift, /einzug]", "disclose:"+list.String(), 1)
	})
	last := slices.IndexFunc(found, func(f finding.Finding) bool { return strings.Contains(f.Message.En, "/x39999.") })
	if last < 0 || found[last].Line != 40_010 {
		t.Errorf("%d findings, the last %v", len(found), found[max(last, 0)])
	}
}

// What a file holds does not steer the terminal that shows the finding, nor fill
// it.
func TestFindingsAreClean(t *testing.T) {
	for _, id := range []string{`"\e[2J"`, `"a\nb"`, `"\u202eb"`, `"` + strings.Repeat("ä", 100_000) + `"`} {
		_, found := hostile(t, "agreements/kfz-umzug.yaml", func(text string) string {
			return strings.Replace(text, "id: kfz-umzug", "id: "+id, 1)
		})
		for _, f := range found {
			for _, line := range []string{f.In("de"), f.In("en")} {
				if len(line) > 1000 || strings.ContainsFunc(line, finding.Hidden) {
					t.Errorf("%.100q", line)
				}
			}
		}
		if len(found) == 0 {
			t.Errorf("%.20q is taken", id)
		}
	}
}

// Many agreements that may meet are told of, not each with each.
func TestMeetingsAreBounded(t *testing.T) {
	dir := copyBase(t)
	write(t, filepath.Join(dir, "groups/g.yaml"), []byte("id: g\ntitle: G\nmembers: [{application: akdb.okewo, authorities: ags:09162000}]\n"))
	text := strings.NewReplacer("from: {application: akdb.okewo, authority: ags:09162000}", "from: {group: g}").
		Replace(string(read(t, filepath.Join(dir, "agreements/kfz-umzug.yaml"))))
	for i := range 100 {
		write(t, filepath.Join(dir, fmt.Sprintf("agreements/g%d.yaml", i)), []byte(strings.Replace(text, "id: kfz-umzug", fmt.Sprintf("id: g%d", i), 1)))
	}
	_, found := load(dir, kinds{}, goldenNow)
	n := 0
	for _, f := range found {
		if f.Code == finding.AgrMayOverlap {
			n++
		}
	}
	if n == 0 || n > 100*mostMeetings {
		t.Errorf("%d warnings", n)
	}
}

// An approval is entered, or the file stays as it is: YAML has ways to write in
// which a line is not what it looks like.
func TestApproveHostileFiles(t *testing.T) {
	const file = "agreements/kfz-umzug.yaml"
	tests := []struct {
		name, old, new string
		ok             bool
	}{
		{"as it is", "", "", true},
		{"CRLF", "\n", "\r\n", true},
		{"no end of line", "eaa\"}\n", "eaa\"}", true},
		{"quoted key", "approved:", `"approved":`, false},
		{"within a text", "purpose: Fortschreibung", "purpose: \"Fort\napproved: x\ny\"\nactivity: Fortschreibung", false},
		{"end of the document", "eaa\"}\n", "eaa\"}\n...\n", true},
		{"comment", "approved:", "approved: # von allen", true},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			dir := copyBase(t)
			name := filepath.Join(dir, file)
			old := strings.ReplaceAll(string(read(t, name)), tc.old, tc.new)
			if tc.old == "" {
				old = string(read(t, name))
			}
			old = strings.Replace(old, "activity: VVT-2031\n", "", 1)
			write(t, name, []byte(old))
			ref := "V\u202e 7\n\"}], approved: []\x00"
			got, found, err := Approve(dir, kinds{}, "kfz-umzug", Approval{Authority: "ags:09162000", On: Day{2026, 1, 2}, Ref: "V 8/26"})
			if tc.ok != (err == nil && got == file) || len(found) > 0 {
				t.Fatalf("%q, %v, %v", got, found, err)
			}
			if !tc.ok && string(read(t, name)) != old {
				t.Errorf("changed to %s", read(t, name))
			}
			if _, found := load(dir, kinds{}, goldenNow); tc.ok && len(found) > 0 {
				t.Errorf("%v in\n%s", found, read(t, name))
			}
			before := read(t, name)
			if _, _, err := Approve(dir, kinds{}, "kfz-umzug", Approval{Authority: "ags:09162000", On: Day{2026, 1, 2}, Ref: ref}); err == nil || !bytes.Equal(before, read(t, name)) {
				t.Errorf("a reference that cannot be read is entered: %s", read(t, name))
			}
		})
	}
	dir := copyBase(t)
	if _, _, err := Approve(dir, kinds{}, "../x", Approval{Authority: "ags:09162000"}); err == nil {
		t.Error("an agreement outside")
	}
	if _, _, err := Approve(dir, kinds{}, "kfz-umzug", Approval{Authority: "ags:09162000\n"}); !errors.Is(err, ErrNoParty) {
		t.Error(err)
	}
	if rest, _ := filepath.Glob(filepath.Join(dir, "agreements/.*")); len(rest) > 0 {
		t.Errorf("left behind %v", rest)
	}
	if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
		t.Error(err)
	}
}

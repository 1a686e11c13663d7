package federation

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestReadmeYAML lints every YAML block of every document of the repository. What
// is no whole file of a federation directory is fenced as text.
func TestReadmeYAML(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	blocks, kinds := 0, map[string]int{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root:
			return filepath.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		for _, block := range yamlBlocks(t, name, string(text)) {
			blocks++
			kinds[folderOf(snippetName([]byte(block.text)))]++
			for _, f := range Snippet(filepath.ToSlash(name), []byte(block.text)) {
				f.Line += block.line
				t.Error(f)
			}
		}
		return err
	})
	if err != nil || blocks < 12 {
		t.Errorf("%d blocks: %v", blocks, err)
	}
	for _, kind := range []string{"federation.yaml", "organisations", "groups", "agreements", "recht", "adapters"} {
		if kinds[kind] == 0 {
			t.Errorf("no example of %s: %v", kind, kinds)
		}
	}
}

func folderOf(name string) string {
	folder, _, _ := strings.Cut(name, "/")
	return folder
}

type yamlBlock struct {
	line int // of the fence, from 1
	text string
}

// yamlBlocks gives the blocks of a document; other ways to write the fence would
// get past this test and are refused.
func yamlBlocks(t *testing.T, name, text string) (out []yamlBlock) {
	t.Helper()
	var fence, indent string
	line := 0
	for l := range strings.Lines(text) {
		line++
		bare := strings.TrimSpace(l)
		switch info, mark := strings.CutPrefix(bare, "```"); {
		case mark && fence == "":
			fence, indent = strings.ToLower(info), l[:strings.IndexByte(l, '`')]
			if fence == "" {
				fence = "text"
			}
			if fence == "yaml" {
				out = append(out, yamlBlock{line: line})
			} else if strings.HasPrefix(fence, "y") {
				t.Errorf("%s:%d: the fence of YAML is ```yaml, not %s", name, line, bare)
			}
		case mark:
			fence = ""
		case fence == "yaml":
			out[len(out)-1].text += strings.TrimPrefix(l, indent)
		}
		if strings.HasPrefix(bare, "~~~") {
			t.Errorf("%s:%d: fences are ```", name, line)
		}
	}
	if fence != "" {
		t.Errorf("%s: a fence is not closed", name)
	}
	return out
}

// TestSnippet: each kind of file is told by its first line or by its keys, and
// read as what it is.
func TestSnippet(t *testing.T) {
	for text, want := range map[string]string{
		"name: X\nenvironment: prod\n":   "r.md:2:14: VB-YML-007 error: The value is not allowed; expected: test | production.",
		"# federation.yaml\nname: X\n":   "r.md:2:1: VB-YML-005 error: The key environment is missing or empty.",
		"# federation.yml of the city\n": "r.md:1:1: VB-YML-005 error: The key name is missing or empty.\nr.md:1:1: VB-YML-005 error: The key environment is missing or empty.",
		"id: X\nname: N\nrole: authority\nauthorities: [{key: a:1, name: b}]\n": "r.md:1:5: VB-ORG-001 error: The name X is not allowed: a-z, 0-9 and single - between them, at most 32 characters; cursor is reserved.\n" +
			"r.md:4:21: VB-ORG-005 error: a:1 is no key of an authority like ags:09162000.",
		"id: Gruppe\ntitle: T\nmembers: [{application: a.b, authorities: \"ags:*\"}]\n": "r.md:1:5: VB-GRP-001 error: The id Gruppe is not allowed: a-z, 0-9 and -, at most 64 characters.",
		"# groups/g.yaml: all\nid: g\ntitle: T\nmember: []\n": "r.md:2:1: VB-YML-005 error: The key members is missing or empty.\n" +
			"r.md:4:1: VB-YML-002 error: The key member does not exist here. Allowed: id, title, members.",
		"title: T\nevent: e.json\nexpect: {a.b: some}\n":                                                                                         "r.md:3:15: VB-YML-007 error: The value is not allowed; expected: all | nothing | [/person/name, …].",
		"# agreements/umzug/a.example.yaml\ntitle: T\nat: heute\nevent: e.json\nexpect: {a.b: all}\n":                                            "r.md:3:5: VB-YML-007 error: The value is not allowed; expected: 2026-01-31T12:00:00+01:00.",
		"key: X-1\nnorm: § 1 X\nstatute: X\ntitle: t\ntitle-en: t\nsays: s\nsays-en: s\nchecked: 2026-01-01\ntransfer: some\nfrom: [gemeinde]\n": "r.md:9:11: VB-YML-007 error: The value is not allowed; expected: any | within-unit | between-units.",
		"application: a.b\nkind: whatever\nuse: both\n":                                                                                          "r.md:3:6: VB-YML-007 error: The value is not allowed; expected: source | sink.",
		"# adapters/A.yaml in the directory\napplication: a.b\nkind: filedrop\n":                                                                 "r.md:1:1: VB-ADP-001 error: The name A is not allowed: a-z, 0-9 and -, at most 32 characters.",
		"a: [\n":         "r.md:2:1: VB-YML-001 error: Not valid YAML: did not find expected node content (while parsing a flow node).",
		"register: {}\n": "r.md:1:1: VB-DIR-002 error: The file does not belong here; only " + inDirectory + " do.",
		"":               "r.md:1:1: VB-DIR-002 error: The file does not belong here; only " + inDirectory + " do.",
		"# okewo/regeln.yaml\nheute: 2026-01-01\n": "r.md:1:1: VB-DIR-002 error: The file does not belong here; only " + inDirectory + " do.",
	} {
		var got []string
		for _, f := range Snippet("r.md", []byte(text)) {
			got = append(got, f.Error())
		}
		if d := cmp.Diff(want, strings.Join(got, "\n")); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	}
}

// TestSnippetOfAgreement: what an agreement says is checked against the event
// types and laws of the program, whoever the parties are.
func TestSnippetOfAgreement(t *testing.T) {
	good := strings.Join([]string{
		"id: a", "title: T", "from: {group: g}", "to: [{group: h, address: data.wegzugsbehoerde.kennung}]",
		"types: [de.meldewesen.rueckmeldung-gesandt.v1]", "law: BMG-33-1", "purpose: p", "disclose: all",
		"valid: {from: 2020-01-01, until: 2020-12-31}",
	}, "\n")
	for change, want := range map[string]string{
		"": "",
		"address: data.wegzugsbehoerde.kennung | address: data.wegzugsbehoerde.name": "VB-AGR-019",
		"address: data.wegzugsbehoerde.kennung | address: sender":                    "VB-LAW-005",
		"law: BMG-33-1 | law: BMG-3":                                                 "VB-LAW-003",
		"rueckmeldung-gesandt | rueckmeldung":                                        "VB-AGR-005",
		"disclose: all | disclose: [/telefon]":                                       "VB-AGR-006",
		"until: 2020-12-31 | until: 2019-12-31":                                      "VB-AGR-009",
		"purpose: p | purpose: p\nretain: P14D":                                      "",
		"purpose: p | purpose: p\ndeliver: {within: PT1H}":                           "VB-AGR-027",
		"purpose: p | purpose: p\nwhere: \"a b\"":                                    "VB-AGR-012",
		"{group: g} | {application: a.b, authority: \"ags:09162000\"}":               "",
	} {
		old, now, _ := strings.Cut(change, " | ")
		found := Snippet("r.md", []byte(strings.Replace(good, old, now, 1)))
		if want == "" && len(found) > 0 || want != "" && (len(found) != 1 || string(found[0].Code) != want) {
			t.Errorf("%q: %v, want %q", change, found, want)
		}
	}
}

// TestSnippetTellsEveryFile: the files of the test directory and of the story are
// told by their keys as what their folder says, and have no findings.
func TestSnippetTellsEveryFile(t *testing.T) {
	n := 0
	for _, dir := range []string{"testdata/base", filepath.Join("..", "..", "..", "examples", "wohnsitzanmeldung")} {
		files := take(dir, newBuilder(kinds{}, goldenNow).List)
		for _, name := range files.yaml("") {
			n++
			raw := files.files[name]
			if got := snippetName(withoutComments(raw)); folderOf(got) != folderOf(strings.Replace(name, ".yml", ".yaml", 1)) || isExample(got) != isExample(name) {
				t.Errorf("%s is told as %q", name, got)
			}
			for _, f := range Snippet(name, raw) {
				t.Error(f)
			}
		}
	}
	if n < 40 {
		t.Errorf("only %d files", n)
	}
}

func withoutComments(raw []byte) []byte {
	var out []byte
	for l := range strings.Lines(string(raw)) {
		if !strings.HasPrefix(l, "#") {
			out = append(out, l...)
		}
	}
	return out
}

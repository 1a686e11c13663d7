package federation

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest/corpus"
)

// codeHere is what the directory calls a code of the corpus.
var codeHere = map[string]finding.Code{"ORG_ID": finding.OrgName}

// earlier lists names that do not get as far: the reader of all files refuses
// them with a sentence of its own.
var earlier = map[string]finding.Code{
	"id/empty.json": finding.YAMLMissing,
	"id/nul.json":   finding.YAMLHidden,
}

// TestCorpusNames holds the names of organisations to the corpus: a name becomes
// a token of subjects, a stream and a durable consumer.
func TestCorpusNames(t *testing.T) {
	corpus.Each(t, func(t *testing.T, in corpus.Input) {
		var name struct{ Value string }
		if err := json.Unmarshal(in.Data, &name); err != nil {
			t.Fatal(err)
		}
		var want []finding.Code
		if !in.Accepted() {
			want = []finding.Code{cmp.Or(earlier[in.File], codeHere[in.Code])}
		}
		if got := nameErrors(t, name.Value); !slices.Equal(got, want) {
			t.Errorf("the name %q has the findings %v, want %v", name.Value, got, want)
		}
	}, "id")
}

func TestNamesOfOrganisations(t *testing.T) {
	for _, name := range []string{
		"-a", "a-", "a--b", "cursor", strings.Repeat("a", 33), "a_b", "a/b", "ａ", "а" /* Cyrillic */, "a b", "a*", "~", "a\u2024b", "ﬀ", "١",
	} {
		if got := nameErrors(t, name); !slices.Equal(got, []finding.Code{finding.OrgName}) {
			t.Errorf("the name %q has the findings %v", name, got)
		}
	}
}

// nameErrors gives the errors of a directory that calls its organisation so.
func nameErrors(t *testing.T, name string) []finding.Code {
	t.Helper()
	quoted, err := json.Marshal(name)
	if err != nil {
		t.Fatal(err)
	}
	b := newBuilder(kinds{}, goldenNow)
	b.fed.files = &snapshot{files: map[string][]byte{}}
	raw := `{"id": ` + string(quoted) + `, "name": "X", "role": "authority", "authorities": [{"key": "ags:1", "name": "X"}]}`
	if in := readPlain[organisationFile](b.List, "organisations/x.yaml", []byte(raw)); in != nil {
		b.organisation("organisations/x.yaml", in)
	}
	var codes []finding.Code
	for _, f := range b.Found {
		if f.Severity == finding.Error {
			codes = append(codes, f.Code)
		}
		if f.Code == finding.OrgName && (f.Message.De == "" || f.Message.En == "" || f.Message.De == f.Message.En) {
			t.Errorf("%s lacks its sentences", f.Code)
		}
	}
	return codes
}

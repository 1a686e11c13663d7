package federation

import (
	"cmp"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/recht"
	"github.com/amtsbote/amtsbote/hub/internal/strictyaml"
)

// Snippet checks YAML that stands in a document by the code that reads a
// directory. What it is, its first line says ("# agreements/kfz-umzug.yaml"),
// else its keys do; a block that is neither is a finding. Event types and laws
// must be ones that come with the program. What only other files or the calendar
// can tell is not judged: whether an application, authority or group exists, who
// has approved, what an agreement is today. Findings are for file, with lines
// counted in the block.
func Snippet(file string, raw []byte) []finding.Finding {
	b := newBuilder(anyKinds{}, time.Time{})
	b.fed.files = &snapshot{}
	b.schemas(b.fed.files)
	b.recht(b.fed.files)
	if name := snippetName(raw); name == "" {
		b.Add(finding.Pos{Line: 1, Column: 1}, finding.DirStray, inDirectory)
	} else {
		b.snippet(name, raw)
	}
	found := slices.DeleteFunc(b.Sorted(), func(f finding.Finding) bool { return slices.Contains(elsewhere, f.Code) })
	for i := range found {
		found[i].File = file
	}
	return found
}

// elsewhere lists what is said in other files.
var elsewhere = []finding.Code{
	finding.AgrApplication, finding.AgrAuthority, finding.AgrMailbox, finding.AgrNobody,
	finding.GrpApplication, finding.AdpApplication, finding.ExmName, finding.DirUnreadable, finding.WhkOrigin,
}

// telltales are keys that one kind of file alone has, at its top.
var telltales = []struct{ keys, name string }{
	{"environment simulators", "federation.yaml"},
	{"role quota authorities applications", "organisations/snippet.yaml"},
	{"members", "groups/snippet.yaml"},
	{"law types disclose purpose", "agreements/snippet.yaml"},
	{"event expect", "agreements/snippet.example.yaml"},
	{"norm statute transfer", "recht/"}, // named after its key
	{"kind use settings", "adapters/snippet.yaml"},
	{"format beispiele", "mappings/snippet.yaml"},
}

// snippetName is the path of the file that raw would be; "" when nothing tells.
func snippetName(raw []byte) string {
	first, _, _ := strings.Cut(string(raw), "\n")
	if comment, ok := strings.CutPrefix(first, "# "); ok {
		name, _, _ := strings.Cut(strings.TrimSpace(comment), " ")
		name = strings.TrimRight(name, ":,")
		dir, _, below := strings.Cut(name, "/")
		if isYAML(path.Base(name)) && (!below && stem(name) == "federation" || below && folders[dir] != "" && belongs(dir, name)) {
			return name
		}
	}
	root := strictyaml.Parse(&finding.List{}, "", raw)
	if root == nil {
		return "federation.yaml" // no YAML: as good as any to say so
	}
	for _, t := range telltales {
		if !slices.ContainsFunc(strings.Fields(t.keys), func(key string) bool { return root.Get(key) != nil }) {
			continue
		}
		if t.name != "recht/" {
			return t.name
		}
		key := "snippet"
		if n := root.Get("key"); n != nil {
			key = cmp.Or(n.Text, key)
		}
		return t.name + key + ".yaml"
	}
	return ""
}

// snippet reads raw as the file called name.
func (b *builder) snippet(name string, raw []byte) {
	switch folder, _, _ := strings.Cut(name, "/"); folder {
	case "organisations":
		one(b, name, raw, readPlain[organisationFile], b.organisation)
		b.overlaps()
		b.receipts()
	case "groups":
		one(b, name, raw, readPlain[groupFile], b.group)
	case "agreements":
		one(b, name, raw, readAgreement, func(file string, in *agreementsFile) {
			b.supposeGroups(in.agreement)
			b.agreementOrExample(file, in)
		})
	case "recht":
		recht.Read(b.List, b.fed.Schemas, name, raw)
	case "adapters":
		one(b, name, raw, readPlain[adapterFile], b.adapter)
	case "mappings": // adapters read those; their tests lint them
	case "federation.yaml", "federation.yml":
		one(b, name, raw, readPlain[federationFile], func(_ string, in *federationFile) { b.federation(in) })
	default:
		b.Add(finding.Pos{Line: 1, Column: 1}, finding.DirStray, inDirectory)
	}
}

// one is each for a single file.
func one[T any](b *builder, name string, raw []byte, read func(*finding.List, string, []byte) *T, take func(string, *T)) {
	if in := read(b.List, name, raw); in != nil {
		take(name, in)
	}
}

// supposeGroups makes the groups that an agreement names, without members, so
// that its addresses are looked at.
func (b *builder) supposeGroups(in *agreementFile) {
	if in == nil {
		return
	}
	parties := slices.Clone([]partyFile(in.From))
	for _, to := range in.To {
		parties = append(parties, to.partyFile)
	}
	for _, p := range parties {
		if id := p.Group.Value; id != "" {
			b.groups[id] = &Group{ID: id}
		}
	}
}

package hub_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/amtsbote/amtsbote"

// The shape of the code (who may import whom), proved over every package from
// "go list". .golangci.yml says the same where the editor sees it; depguard
// depends on file patterns, this test does not.
func TestImports(t *testing.T) {
	t.Parallel()
	for _, p := range listPackages(t) {
		for _, imp := range p.Imports {
			if why := forbidden(p.ImportPath, imp, false); why != "" {
				t.Errorf("%s imports %s: %s", p.ImportPath, imp, why)
			}
		}
		for _, imp := range slices.Concat(p.TestImports, p.XTestImports) {
			if why := forbidden(p.ImportPath, imp, true); why != "" {
				t.Errorf("%s (test) imports %s: %s", p.ImportPath, imp, why)
			}
		}
	}
}

// Each folder of an adapter has its rule in .golangci.yml.
func TestEveryAdapterHasItsLintRule(t *testing.T) {
	t.Parallel()
	config, err := os.ReadFile(filepath.Join("..", ".golangci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range listPackages(t) {
		kind := adapterKind(strings.TrimPrefix(p.ImportPath, module+"/"))
		if kind == "" || slices.Contains([]string{"internal", "adaptertest", "host"}, kind) {
			continue
		}
		if !bytes.Contains(config, []byte(`files: ["${config-path}/adapters/`+kind+`/**"]`)) {
			t.Errorf(".golangci.yml has no depguard rule for adapters/%s", kind)
		}
	}
}

// Each library that is imported has its line, with reason and licence.
func TestEveryLibraryHasItsReason(t *testing.T) {
	t.Parallel()
	adr, err := os.ReadFile(filepath.Join("adr", "0003-libraries.md"))
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for line := range strings.Lines(string(adr)) {
		if cells := strings.Split(line, " | "); len(cells) == 3 {
			listed = append(listed, strings.TrimPrefix(cells[0], "| "))
		}
	}
	for _, p := range listPackages(t) {
		for _, imp := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			first, _, _ := strings.Cut(imp, "/")
			known := slices.ContainsFunc(listed, func(library string) bool { return within(imp, library) })
			if strings.Contains(first, ".") && !within(imp, module) && !known {
				t.Errorf("%s imports %s: no line in hub/adr/0003-libraries.md", p.ImportPath, imp)
			}
		}
	}
}

func TestForbidden(t *testing.T) {
	t.Parallel()
	const natsClient, natsServer = "github.com/nats-io/nats.go/jetstream", "github.com/nats-io/nats-server/v2/server"
	tests := []struct {
		from, to string
		inTest   bool
		ok       bool
	}{
		{"hub", "go.uber.org/zap", false, true},
		{"hub", module + "/hub/internal/event", false, false},
		{"hub", module + "/schemas", true, false},
		{"schemas", module + "/hub", false, true},
		{"schemas", module + "/hub/internal/event", false, false},
		{"schemas", module + "/schemas/recht", false, true},
		{"hub", natsClient, false, false},
		{"adapters", module + "/adapters/akdb", false, true},
		{"adapters", module + "/hub/internal/app", false, false},
		{"adapters/akdb", module + "/hub", false, true},
		{"adapters/akdb", module + "/adapters/internal/dropfolder", false, true},
		{"adapters/akdb", module + "/adapters/akdb/xmeld", false, true},
		{"adapters/akdb/xmeld", module + "/adapters/akdb", false, true},
		{"adapters/akdb", module + "/adapters/filedrop", false, false},
		{"adapters/akdb", module + "/adapters/akdbplus", false, false},
		{"adapters/akdb", module + "/adapters", false, false},
		{"adapters/akdb", module + "/schemas", false, false},
		{"adapters/akdb", module + "/schemas", true, true},
		{"adapters/akdb", module + "/adapters/adaptertest", true, true},
		{"adapters/akdb", module + "/adapters/adaptertest", false, false},
		{"adapters/akdb", module + "/hub/internal/bus", true, false},
		{"adapters/akdb", natsClient, true, false},
		{"adapters/internal/dropfolder", module + "/adapters/akdb", false, false},
		{"adapters/internal/dropfolder", module + "/adapters/internal/xmlguard", false, true},
		{"hub/internal/bus", natsServer, false, true},
		{"hub/internal/index", natsClient, false, false},
		{"hub/internal/index", "github.com/synadia-io/orbit.go/jetstreamext", false, false},
		{"hub/internal/index", natsClient, true, false},
		{"hub/internal/index", "github.com/nats-io/nkeys", false, false},
		{"hub/internal/flow", "github.com/nats-io/nuid", false, true},
		{"hub/internal/app", natsClient, false, false},
		{"hub/internal/app", natsClient, true, true},
		{"hub/cmd/amtsbote", natsClient, true, true},
		{"hub/cmd/amtsbote", natsServer, false, false},
		{"deploy", natsServer, true, true},
		{"hub/bench", natsServer, true, true},
		{"hub/bench", natsServer, false, false},
		{"examples/clients/go-nats", natsClient, false, true},
		{"examples", natsClient, false, false},
		{"hub/internal/flow", module + "/hub/internal/flow/route", false, true},
		{"hub/internal/flow/route", module + "/hub/internal/flow/accept", false, false},
		{"hub/internal/flow/route", module + "/hub/internal/bus", true, false},
		{"hub/internal/flow/route", module + "/hub/internal/decision", false, true},
		{"hub/internal/index", module + "/hub/internal/app", false, false},
		{"hub/internal/index", module + "/hub/internal/application", false, true},
		{"hub/internal/index", module + "/adapters", false, false},
		{"hub/internal/app", module + "/adapters", false, true},
		{"hub/cmd/amtsbote", module + "/adapters/akdb/okewo", false, true},
		{"hub/cmd/amtsbote", module + "/hub/internal/app", false, true},
	}
	for _, tc := range tests {
		if why := forbidden(module+"/"+tc.from, tc.to, tc.inTest); (why == "") != tc.ok {
			t.Errorf("%s -> %s (test %v): %q, want allowed %v", tc.from, tc.to, tc.inTest, why, tc.ok)
		}
	}
}

// forbidden says why package from may not import to, "" if it may.
func forbidden(from, to string, inTest bool) string {
	from = strings.TrimPrefix(from, module+"/")
	if isNATS(to) {
		return forbiddenNATS(from, inTest)
	}
	to, ours := strings.CutPrefix(to, module+"/")
	if !ours {
		return ""
	}
	switch {
	case from == "hub":
		return "package hub imports nothing of ours"
	case within(from, "schemas") && to != "hub" && !within(to, "schemas"):
		return "schemas know the words and nothing else of ours"
	case within(from, "adapters"):
		return forbiddenAdapter(from, to, inTest)
	case within(to, "adapters") && !knowsEverybody(from):
		return "only hub/internal/app and hub/cmd know the adapters"
	case within(to, "hub/internal/app") && !knowsEverybody(from):
		return "the wiring knows everybody, nobody knows the wiring"
	case stage(from) != "" && within(to, "hub/internal/bus"):
		return "a stage decides, it does no transport"
	case stage(from) != "" && within(to, "hub/internal/flow") && stage(to) != stage(from):
		return "stages never import each other"
	}
	return ""
}

func isNATS(pkg string) bool {
	return slices.ContainsFunc([]string{
		"github.com/nats-io/nats.go", "github.com/nats-io/nats-server", "github.com/nats-io/nkeys",
		"github.com/nats-io/jwt", "github.com/synadia-io",
	}, func(dir string) bool { return within(pkg, dir) })
}

// forbiddenNATS lets tests of the whole product, of the NATS configuration in
// deploy, and the measurements beside plain NATS, be ordinary NATS clients; the
// example clients are some.
func forbiddenNATS(from string, inTest bool) string {
	if within(from, "hub/internal/bus") || within(from, "examples/clients") || inTest && (knowsEverybody(from) || from == "deploy" || from == "hub/bench") {
		return ""
	}
	return "only hub/internal/bus knows NATS"
}

func forbiddenAdapter(from, to string, inTest bool) string {
	switch kind := adapterKind(from); {
	case within(to, "hub/internal"), within(to, "hub/cmd"):
		return "an adapter cannot tell where it runs"
	case kind == "", to == "hub", within(to, "adapters/internal"):
		return ""
	case within(to, "adapters/"+kind):
		return ""
	case inTest && (to == "adapters/adaptertest" || to == "schemas"):
		return ""
	case kind == "host" && to == "adapters", kind == "adaptertest" && to == "adapters/host":
		return "" // runs any kind as a process of its own
	default:
		return "an adapter imports hub and adapters/internal, never another adapter"
	}
}

// adapterKind gives the folder below adapters, "" for adapters itself and for
// what lies elsewhere.
func adapterKind(pkg string) string {
	rest, _ := strings.CutPrefix(pkg, "adapters/")
	if rest == pkg {
		return ""
	}
	kind, _, _ := strings.Cut(rest, "/")
	return kind
}

// stage gives the stage of the flow that pkg belongs to.
func stage(pkg string) string {
	rest, ok := strings.CutPrefix(pkg, "hub/internal/flow/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

func knowsEverybody(pkg string) bool {
	return within(pkg, "hub/internal/app") || within(pkg, "hub/cmd")
}

// within reports whether pkg is dir or lies below it.
func within(pkg, dir string) bool {
	return pkg == dir || strings.HasPrefix(pkg, dir+"/")
}

type goPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e",
		"-json=ImportPath,Imports,TestImports,XTestImports", module+"/...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	var packages []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
	if len(packages) == 0 {
		t.Fatal("go list found no package: the test would prove nothing")
	}
	return packages
}

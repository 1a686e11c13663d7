// Package deploy_test loads every file of this folder with the program that it
// is for, or parses it strictly where that program cannot run in a test.
package deploy_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is where the repository begins, seen from this folder.
const root = ".."

func read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func mustExist(t *testing.T, name string) {
	t.Helper()
	if _, err := os.Stat(name); err != nil {
		t.Error(err)
	}
}

// hub is the built program, made once for all tests of this folder.
var hub string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "amtsbote-deploy-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	hub = filepath.Join(dir, "amtsbote")
	build := exec.Command("go", "build", "-o", hub, "./hub/cmd/amtsbote")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the hub: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

var flagName = regexp.MustCompile(`--[a-z][a-z-]*`)

// checkServe fails when args, as they follow "amtsbote serve", name a flag that
// the command does not have, or do not begin with the federation directory.
func checkServe(t *testing.T, args []string) {
	t.Helper()
	if len(args) == 0 || !filepath.IsAbs(args[0]) {
		t.Errorf("serve %q: the federation directory comes first", args)
	}
	help, err := exec.CommandContext(t.Context(), hub, "serve", "--help").Output()
	if err != nil {
		t.Fatalf("amtsbote serve --help: %v", err)
	}
	known := flagName.FindAllString(string(help), -1)
	for _, arg := range args {
		name, _, _ := strings.Cut(arg, "=")
		if strings.HasPrefix(name, "-") && !slices.Contains(known, name) {
			t.Errorf("amtsbote serve has no flag %s", name)
		}
	}
}

// Scripts of the house: the shell accepts them.
func TestScripts(t *testing.T) {
	t.Parallel()
	scripts, err := filepath.Glob(filepath.Join(root, "tools", "*.sh"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no scripts found: %v", err)
	}
	for _, script := range append(scripts, filepath.Join(root, ".ci", "run")) {
		if out, err := exec.CommandContext(t.Context(), "bash", "-n", script).CombinedOutput(); err != nil {
			t.Errorf("bash -n %s: %v\n%s", script, err, out)
		}
	}
}

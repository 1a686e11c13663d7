package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// TestReadmesNameRealCommands: every amtsbote command in a README exists, with
// these flags. The scripts in testdata run them.
func TestReadmesNameRealCommands(t *testing.T) {
	root := filepath.Join("..", "..", "..")
	commands := 0
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && strings.HasPrefix(d.Name(), ".") && path != root {
			return filepath.SkipDir
		}
		if filepath.Ext(path) == ".md" {
			commands += checkCommands(t, path)
		}
		return nil
	})
	if err != nil || commands < 5 {
		t.Errorf("found %d commands: %v", commands, err)
	}
}

func checkCommands(t *testing.T, path string) (n int) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	code := false
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "```") {
			code = !code
			continue
		}
		line = strings.TrimPrefix(strings.TrimPrefix(line, "go run ./hub/cmd/"), "sudo -u amtsbote ")
		if args, ok := strings.CutPrefix(line, "amtsbote "); ok && code {
			n++
			checkCommand(t, path, line, strings.Fields(args))
		}
	}
	return n
}

func checkCommand(t *testing.T, path, line string, args []string) {
	t.Helper()
	cmd, rest, err := newRootCommand().Find(args)
	if err != nil || !cmd.Runnable() {
		t.Errorf("%s: %s: %v", path, line, err)
		return
	}
	cmd.Flags().SetInterspersed(true)
	if err := cmd.ParseFlags(rest); err != nil && !errors.Is(err, pflag.ErrHelp) {
		t.Errorf("%s: %s: %v", path, line, err)
		return
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		t.Errorf("%s: %s: %v", path, line, err)
	}
}

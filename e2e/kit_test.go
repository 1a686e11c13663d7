package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// kit is what all tests use: the hub's binary, and a folder in which node finds its
// packages and scripts.
type kit struct{ binary, node string }

var (
	kitDir  string
	kitOnce = sync.OnceValues(newKit)
)

func TestMain(m *testing.M) {
	code := m.Run()
	if kitDir != "" {
		_ = os.RemoveAll(kitDir)
	}
	os.Exit(code)
}

func newKit() (*kit, error) {
	var err error
	if kitDir, err = os.MkdirTemp("", "amtsbote-e2e"); err != nil {
		return nil, err
	}
	k := &kit{binary: filepath.Join(kitDir, "amtsbote"), node: filepath.Join(kitDir, "node")}
	build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", k.binary, "../hub/cmd/amtsbote")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	if err := os.Mkdir(k.node, 0o700); err != nil {
		return nil, err
	}
	for _, name := range []string{"package.json", "package-lock.json", "browser.mjs", "walk.mjs", "acts.mjs", "fluss.mjs", "people.mjs", "replay.mjs", "stuck.mjs"} {
		raw, err := os.ReadFile(name)
		if err := errors.Join(err, os.WriteFile(filepath.Join(k.node, name), raw, 0o600)); err != nil {
			return nil, err
		}
	}
	return k, nil
}

var npmOnce = sync.OnceValue(func() error {
	k, err := kitOnce()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	npm.Dir = k.node
	if out, err := npm.CombinedOutput(); err != nil {
		return fmt.Errorf("npm: %w\n%s", err, out)
	}
	return nil
})

// ready gives the kit; where npm does not get its packages the test is skipped.
func ready(t *testing.T) *kit {
	t.Helper()
	k, err := kitOnce()
	if err != nil {
		t.Fatal(err)
	}
	if err := npmOnce(); err != nil {
		missing(t, "the browser did not run: "+err.Error())
	}
	return k
}

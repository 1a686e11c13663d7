package clients_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// lay copies this folder to where the clients can be built and installed, and builds
// what is written in Go, the hub too, as `task build` does.
func lay(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"bin", "tmp"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, pkg := range []string{"../../hub/cmd/amtsbote", "./go-http", "./go-nats"} {
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-o", filepath.Join(dir, "bin")+"/", pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if _, err := output(cmd); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// available says of each client why it cannot run here; "" when it can.
func available(dir string) map[string]string {
	why := map[string]string{}
	packages := sync.OnceValue(func() string { return nodePackages(dir) })
	for _, c := range all {
		for _, command := range c.needs {
			if _, err := exec.LookPath(command); err != nil {
				why[c.name] = "there is no command " + command
			}
		}
		switch {
		case why[c.name] != "":
		case c.name == "nats":
			why[c.name] = natsCommand(dir)
		case strings.HasPrefix(c.name, "node"):
			why[c.name] = packages()
		}
	}
	return why
}

// nodePackages installs what the lock file names.
func nodePackages(dir string) string {
	cmd := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	cmd.Dir = filepath.Join(dir, "node")
	if _, err := output(cmd); err != nil {
		return err.Error()
	}
	return ""
}

var natscli = regexp.MustCompile(`go install (github.com/nats-io/natscli/nats@\S+)`)

// natsCommand makes the command nats of the version that the client names; Go keeps
// what it has built once (tools/prepare.sh has it built before the tests).
func natsCommand(dir string) string {
	script, err := os.ReadFile(filepath.Join(dir, "nats", "client.sh"))
	if err != nil {
		return err.Error()
	}
	named := natscli.FindSubmatch(script)
	if named == nil {
		return "nats/client.sh names no version of natscli"
	}
	wrapper := fmt.Sprintf("#!/bin/sh\nCGO_ENABLED=0 exec go run %s \"$@\"\n", named[1])
	if err := os.WriteFile(filepath.Join(dir, "bin", "nats"), []byte(wrapper), 0o700); err != nil {
		return err.Error()
	}
	if _, err := output(exec.Command(filepath.Join(dir, "bin", "nats"), "--version")); err != nil {
		return err.Error()
	}
	return ""
}

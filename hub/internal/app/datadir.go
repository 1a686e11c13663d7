package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/intake"
)

// lock makes sure that one process at a time uses a data directory.
func lock(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // our own data directory
	if err != nil {
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%w: %s", ErrInUse, dir)
	}
	return f, nil
}

// ErrInUse means that another process has the data directory.
var ErrInUse = errors.New("the data directory is in use by another amtsbote")

// Running describes the hub that runs on a data directory, for commands that
// want to talk to it. It holds no secrets.
type Running struct {
	PID int `json:"pid"`
	// URL of the NATS server; "" when it takes in-process connections only.
	URL string `json:"url"`
	// HTTP is where the hub is reached by HTTP; "" when it is not.
	HTTP string `json:"http,omitempty"`
	// Embedded tells whether the server runs inside the hub.
	Embedded bool `json:"embedded"`
	// Federation is the federation directory.
	Federation string `json:"federation"`
	// Version of the federation directory that is in force, by its digest.
	Version string `json:"version,omitempty"`
	// Adapters that it runs.
	Adapters []RunningAdapter `json:"adapters,omitempty"`
}

// RunningAdapter says where an adapter works.
type RunningAdapter struct {
	Name        string     `json:"name"`
	Kind        string     `json:"kind"`
	Application string     `json:"application"`
	Places      hub.Places `json:"places"`

	intake *intake.Intake // nil: it has no source here
}

const runningFile = "hub.json"

func announce(dir string, r Running) error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, runningFile)
	err = os.WriteFile(path+".tmp", append(data, '\n'), 0o600)
	if err == nil {
		err = os.Rename(path+".tmp", path)
	}
	if err != nil {
		return fmt.Errorf("say where the hub runs: %w", err)
	}
	return nil
}

// ReadRunning tells which hub was started last on a data directory; nil if none
// ever was.
func ReadRunning(dir string) (*Running, error) {
	data, err := os.ReadFile(filepath.Join(dir, runningFile)) //nolint:gosec // the user names the directory
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var r Running
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("read %s: %w", runningFile, err)
	}
	return &r, nil
}

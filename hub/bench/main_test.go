package bench

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
	"testing"
)

// role names the program that this binary is: the tests, the NATS server, or
// the plain system. Each system under measurement is a process of its own, so
// that CPU time and memory are its own.
const role = "AMTSBOTE_BENCH_ROLE"

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(role) {
	case "server":
		err = serveNATS()
	case "plain":
		err = republish()
	default:
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// untilParentEnds returns when whoever started this process has closed our
// standard input, or is gone.
func untilParentEnds() { _, _ = io.Copy(io.Discard, os.Stdin) }

// profiles is the folder for profiles of all processes; "" for none.
func profiles() string { return os.Getenv("AMTSBOTE_BENCH_PROFILE") }

// profile measures where this process spends its CPU time until stop is called.
func profile(name string) (stop func() error, err error) {
	if profiles() == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(filepath.Join(profiles(), name+".pprof"))
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() error { pprof.StopCPUProfile(); return f.Close() }, nil
}

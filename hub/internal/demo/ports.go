package demo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

var (
	loopback = regexp.MustCompile(`127\.0\.0\.1:([0-9]+)`)
	anyPort  = regexp.MustCompile(`: ?[0-9]{4,5}\b`) // of an address, or behind a key
)

// OwnPorts gives the simulators of an unpacked story ports that are free now, wherever
// its YAML files name those of loopback: a demo does not fail because another one, or a
// hub that serves the same story, has them. Whoever takes one before its simulator does
// makes it fail all the same.
func OwnPorts(dir string) error {
	files := map[string][]byte{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		files[path], err = os.ReadFile(path) //nolint:gosec // of a story of ours
		return err
	})
	if err != nil {
		return fmt.Errorf("give the story ports: %w", err)
	}
	own, err := freePorts(files)
	if err != nil {
		return fmt.Errorf("give the story ports: %w", err)
	}
	for path, text := range files {
		changed := anyPort.ReplaceAllFunc(text, func(found []byte) []byte {
			at := len(found)
			for at > 0 && found[at-1] >= '0' && found[at-1] <= '9' {
				at--
			}
			if port := own[string(found[at:])]; port != "" {
				return append(found[:at:at], port...)
			}
			return found
		})
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			return fmt.Errorf("give the story ports: %w", err)
		}
	}
	return nil
}

// listen takes a free port below those that systems give to outgoing connections (from
// 32768 on, or higher): the hub makes some before all simulators listen.
func listen() (l net.Listener, err error) {
	const first, last, tries = 20000, 32767, 100
	for range tries {
		port := first + rand.N(last-first+1) //nolint:gosec // no secret
		if l, err = (&net.ListenConfig{}).Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return l, nil
		}
	}
	return nil, err
}

// freePorts finds one for each that is named on loopback. All are held until the last
// one is found, so that no two are the same.
func freePorts(files map[string][]byte) (own map[string]string, err error) {
	own = map[string]string{}
	for _, text := range files {
		for _, m := range loopback.FindAllSubmatch(text, -1) {
			port := string(m[1])
			if own[port] != "" {
				continue
			}
			l, failed := listen()
			if failed != nil {
				return nil, failed
			}
			defer func() { err = errors.Join(err, l.Close()) }()
			_, free, failed := net.SplitHostPort(l.Addr().String())
			if failed != nil {
				return nil, failed
			}
			own[port] = free
		}
	}
	return own, nil
}

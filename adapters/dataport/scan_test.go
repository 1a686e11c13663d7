package dataport_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
)

// clamd speaks INSTREAM as its manual page has it: it finds a virus where the
// bytes say so, and breaks off beyond a limit.
func clamd(t *testing.T, most int) (address string, scanned *atomic.Int64) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	scanned = &atomic.Int64{}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				answer := instream(bufio.NewReader(c), most)
				scanned.Add(1) // first: who has the answer may look at once
				_, _ = io.WriteString(c, answer)
			}()
		}
	}()
	return l.Addr().String(), scanned
}

func instream(r *bufio.Reader, most int) string {
	if command, err := r.ReadString(0); err != nil || command != "zINSTREAM\x00" {
		return "UNKNOWN COMMAND\x00"
	}
	var all bytes.Buffer
	for {
		var size uint32
		if err := binary.Read(r, binary.BigEndian, &size); err != nil {
			return ""
		}
		switch {
		case all.Len()+int(size) > most:
			return "INSTREAM size limit exceeded. ERROR\x00"
		case size > 0:
			if _, err := io.CopyN(&all, r, int64(size)); err != nil {
				return ""
			}
			continue
		case bytes.Contains(all.Bytes(), []byte("VIRUS")):
			return "stream: Probe.UNOFFICIAL FOUND\x00"
		}
		return "stream: OK\x00"
	}
}

// TestScan: data and attachments pass the scanner before the hub has any of them;
// without a verdict they wait.
func TestScan(t *testing.T) {
	t.Parallel()
	t.Run("clean", func(t *testing.T) {
		t.Parallel()
		s := newService(t)
		address, scanned := clamd(t, 1<<20)
		s.put(t, application(1))
		one(t, s, ", clamd: '"+address+"'")
		if scanned.Load() < 3 {
			t.Errorf("%d parts were looked at", scanned.Load())
		}
	})
	for name, c := range map[string]struct {
		content string
		most    int
		code    string
	}{"virus": {"ein VIRUS", 1 << 20, "fit-virus: "}, "too large for the scanner": {strings.Repeat("x", 3000), 2000, "clamd-limit: "}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, in := newService(t), adaptertest.NewIntake()
			address, _ := clamd(t, c.most)
			app := application(1)
			app.Attachments[1].Content = []byte(c.content)
			s.put(t, app)
			until(t, s.source(t, ", clamd: '"+address+"'"), in, func() bool { all, err := s.reports(); return err == nil && len(all) == 1 })
			if all, _ := s.reports(); !strings.HasPrefix(all[0], c.code) || len(in.Events()) != 0 || s.Ended(id(1)) != "" {
				t.Errorf("reports %q, ended %q", all, s.Ended(id(1)))
			}
		})
	}
	t.Run("away", func(t *testing.T) {
		t.Parallel()
		s, in := newService(t), adaptertest.NewIntake()
		s.put(t, application(1))
		until(t, s.source(t, ", clamd: '"+freeAddress(t)+"'"), in, func() bool { return s.logs.FilterMessageSnippet("a submission waits").Len() > 2 })
		if all, err := s.reports(); err != nil || len(all) != 0 || len(in.Events()) != 0 {
			t.Error(all, err, len(in.Events()))
		}
	})
}

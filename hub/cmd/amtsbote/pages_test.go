package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// A process that has read its whole program file gets by with a part of it, and goes on.
func TestForgetProgram(t *testing.T) {
	touchProgram(t)
	before := fileMemory(t)
	forgetProgram()
	if after := fileMemory(t); after > before/2 {
		t.Errorf("%d kB of files are in memory, before it were %d kB", after, before)
	}
	for _, line := range []string{"Rss: 12 kB", "7f-8f r-xp 0 0 0", "zz-8f r-xp 00 fe:00 1 /a", "7f-8f r-x 00 fe:00 1 /a", ""} {
		if m := readMapping(line); m != nil {
			t.Errorf("%q is no mapping: %+v", line, *m)
		}
	}
	if m := readMapping("7f00-8f00 rw-p 00 fe:00 1 /a b (deleted)"); m == nil || *m != (mapping{from: 0x7f00, to: 0x8f00, writable: true, path: "/a b (deleted)"}) {
		t.Errorf("read as %v", m)
	}
	for lines, want := range map[string]bool{
		"Anonymous: 0 kB|Swap: 0 kB": true, "Anonymous: 4 kB|Swap: 0 kB": false, "Anonymous: 0 kB|Swap: 4 kB": false, "Swap: 0 kB": false, "VmFlags: rd mr": false,
	} {
		m, whole := &mapping{}, false
		for line := range strings.SplitSeq(lines, "|") {
			whole = m.whole(strings.Fields(line))
		}
		if whole != want {
			t.Errorf("%s: %v", lines, whole)
		}
	}
}

// touchProgram has all parts of the program file that are mapped come into memory.
func touchProgram(t *testing.T) {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	memory, err := os.Open("/proc/self/mem")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = memory.Close() }()
	for line := range strings.Lines(string(maps)) {
		m := readMapping(line)
		if m == nil || m.path != program || m.writable {
			continue
		}
		if _, err := memory.ReadAt(make([]byte, m.to-m.from), int64(m.from)); err != nil {
			t.Fatal(err)
		}
	}
}

// fileMemory is how much of files the process has in memory, in kB.
func fileMemory(t *testing.T) (kb int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "RssFile:")
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		t.Fatal(err)
	}
	return kb
}

package main

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// forgetProgram has the process let go of the pages of its own program file: most were
// touched at the start only, and it gets back those that it needs, from the system's
// cache. Errors do not matter, the pages stay then.
func forgetProgram() {
	file, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer func() { _ = file.Close() }() // it was only read
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	var one *mapping
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if m := readMapping(lines.Text()); m != nil {
			one = m
			continue
		}
		// The program has no page there of which there is no copy in its file.
		if one != nil && one.path == program && strings.Join(strings.Fields(lines.Text()), " ") == "Anonymous: 0 kB" {
			one.forget()
		}
	}
}

// mapping is a part of the process's memory that is a part of a file (proc(5), smaps).
type mapping struct {
	from, to uintptr
	writable bool
	path     string
}

// readMapping reads "from-to perms offset device inode path"; nil for another line.
func readMapping(line string) *mapping {
	const fields = 6
	f := strings.Fields(line)
	if len(f) < fields || len(f[1]) != len("r-xp") {
		return nil
	}
	low, high, _ := strings.Cut(f[0], "-")
	from, errFrom := strconv.ParseUint(low, 16, 64)
	to, errTo := strconv.ParseUint(high, 16, 64)
	if errFrom != nil || errTo != nil {
		return nil
	}
	return &mapping{uintptr(from), uintptr(to), strings.Contains(f[1], "w"), strings.Join(f[fields-1:], " ")}
}

func (m *mapping) forget() {
	if !m.writable {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED)
	}
}

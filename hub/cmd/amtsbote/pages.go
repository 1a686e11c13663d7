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
		if one != nil && one.path == program && one.whole(strings.Fields(lines.Text())) {
			one.forget()
		}
	}
}

// whole takes in a line about the mapping, and tells with the last that matters whether
// all its pages are in the file, too: it has no own copies, in memory or swapped out.
func (m *mapping) whole(f []string) bool {
	const fields = 3 // name, number, unit
	if len(f) != fields {
		return false
	}
	if f[0] == "Anonymous:" {
		m.clean = f[1] == "0"
	}
	return f[0] == "Swap:" && f[1] == "0" && m.clean
}

// mapping is a part of the process's memory that is a part of a file (proc(5), smaps).
type mapping struct {
	from, to uintptr
	writable bool
	path     string
	clean    bool // from the file alone, as far as it is in memory
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
	return &mapping{from: uintptr(from), to: uintptr(to), writable: strings.Contains(f[1], "w"), path: strings.Join(f[fields-1:], " ")}
}

func (m *mapping) forget() {
	if !m.writable {
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, m.from, m.to-m.from, unix.MADV_DONTNEED)
	}
}

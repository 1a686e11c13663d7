package main

import (
	"os"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// timerSlack is how late the kernel may wake a thread of the hub that sleeps for a time
// (prctl(2), PR_SET_TIMERSLACK). Nothing in the hub depends on less; but Go's runtime looks
// after its threads every 20 µs while there is work (ADR 22).
const timerSlack = 2 * time.Millisecond

// usualSlack is what a program has that nobody has given another.
const usualSlack = 50 * time.Microsecond

// easedMark in the environment says that the program has executed itself already: a kernel that
// forgets meanwhile what it was told would have it do so for ever.
const easedMark = "AMTSBOTE_EASED"

// easeTimers has the kernel wake the hub's threads less exactly. A thread takes that from the
// one that starts it, and those of the runtime have been started before main: so it executes
// the program once more. It returns where there is nothing to do, or it cannot be done.
func easeTimers() {
	if _, marked := os.LookupEnv(easedMark); marked {
		_ = os.Unsetenv(easedMark)
		return
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	path, err := os.Executable()
	if err != nil || !ease() {
		return
	}
	executeAgain(path)
}

// executeAgain executes the program at path in the place of this one, as this one was called.
// Where that fails it leaves this one as it was.
func executeAgain(path string) {
	var files syscall.Rlimit // which Exec puts back to what the program was started with
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files)
	_ = syscall.Exec(path, os.Args, append(os.Environ(), easedMark+"=1")) //nolint:gosec // this program
	if err == nil {
		_ = syscall.Setrlimit(syscall.RLIMIT_NOFILE, &files)
	}
	_ = setSlack(usualSlack)
}

// ease gives this thread the slack, unless somebody has given it another; it tells whether it has.
func ease() bool { return slack() == usualSlack && setSlack(timerSlack) == nil }

func setSlack(d time.Duration) error {
	return unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(d), 0, 0, 0) //nolint:gosec // never negative
}

// slack of this thread; 0 where it is not known.
func slack() time.Duration {
	ns, err := unix.PrctlRetInt(unix.PR_GET_TIMERSLACK, 0, 0, 0, 0)
	if err != nil {
		return 0
	}
	return time.Duration(ns)
}

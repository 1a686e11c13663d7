package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// eased is a program that eases its timers and says what came of it: whether it was executed
// with the mark, the slack of its first thread and of a later one, its arguments, and whether the
// mark is left (testdata/slack.txtar). Whatever its parent has, it begins with the usual slack
// without the mark, and also with it when its first argument says so.
func eased() {
	_, marked := os.LookupEnv(easedMark)
	if !marked || slices.Contains(os.Args[1:2], "usual") {
		if err := setSlack(usualSlack); err != nil {
			panic(err)
		}
	}
	easeTimers()
	later := make(chan time.Duration)
	go func() {
		runtime.LockOSThread()
		later <- slack()
	}()
	_, left := os.LookupEnv(easedMark)
	fmt.Printf("%t %v %v %q %t\n", marked, slack(), <-later, os.Args[1:], left)
}

// notExecuted is a program that executes itself in vain, and says how many files may be open
// before and after that, and the slack then (testdata/slack.txtar).
func notExecuted() {
	runtime.LockOSThread()
	files := func() (now uint64) {
		var limit syscall.Rlimit
		if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			panic(err)
		}
		return limit.Cur
	}
	before := files()
	if err := setSlack(timerSlack); err != nil {
		panic(err)
	}
	executeAgain("/gone")
	fmt.Printf("raised %t kept %t %v\n", before > startedWith, files() == before, slack())
}

// startedWith is how many files may be open in a program before Go's runtime raises that
// (testdata/slack.txtar).
const startedWith = 200

func TestServeIsEased(t *testing.T) {
	notRaced(t)
	runtime.LockOSThread() // the hub takes the slack of the thread that starts it
	defer runtime.UnlockOSThread()
	before := slack()
	if err := setSlack(usualSlack); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = setSlack(before) })
	t.Setenv(easedMark, "")
	if err := os.Unsetenv(easedMark); err != nil {
		t.Fatal(err)
	}
	h := newHost(t, buildHub(t), "")
	h.start()
	if !h.comesUp() {
		t.Fatal("the hub did not come up")
	}
	raw, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(h.cmd.Process.Pid), "environ"))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(strings.Split(string(raw), "\x00"), easedMark+"=1") {
		t.Error("serve has not executed itself with easier timers")
	}
}

func TestEaseLeavesWhatSomebodySet(t *testing.T) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // for good: the thread ends with it
		for _, c := range []struct {
			before, after time.Duration
			told          bool
		}{{70 * time.Microsecond, 70 * time.Microsecond, false}, {usualSlack, timerSlack, true}, {5 * time.Millisecond, 5 * time.Millisecond, false}} {
			if err := setSlack(c.before); err != nil {
				t.Error(err)
				return
			}
			if told := ease(); told != c.told || slack() != c.after {
				t.Errorf("from %v: told %t, then %v; want %t, %v", c.before, told, slack(), c.told, c.after)
			}
		}
	}()
	<-done
}

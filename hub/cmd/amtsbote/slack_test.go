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

// TestNotExecuted: where the program cannot be executed, as many files may be open as before.
func TestNotExecuted(t *testing.T) {
	var before, after syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	executeAgain(filepath.Join(t.TempDir(), "gone"))
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &after); err != nil {
		t.Fatal(err)
	}
	if after != before {
		t.Errorf("%d files may be open, before %d", after.Cur, before.Cur)
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

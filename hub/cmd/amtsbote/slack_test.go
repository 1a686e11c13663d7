package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// eased is a program that eases its timers and says what came of it: the slack of its first
// thread and of a later one, its arguments, and what is left of the mark (testdata/slack.txtar).
func eased() {
	easeTimers()
	later := make(chan time.Duration)
	go func() {
		runtime.LockOSThread()
		later <- slack()
	}()
	fmt.Printf("%v %v %q %q\n", slack(), <-later, os.Args[1:], os.Getenv(easedMark))
}

func TestServeIsEased(t *testing.T) {
	notRaced(t)
	h := newHost(t, buildHub(t), "")
	h.start()
	if !h.comesUp() {
		t.Fatal("the hub did not come up")
	}
	raw, err := os.ReadFile(filepath.Join("/proc", fmt.Sprint(h.cmd.Process.Pid), "environ"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), easedMark+"=1\x00") {
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
			if err := unix.Prctl(unix.PR_SET_TIMERSLACK, uintptr(c.before), 0, 0, 0); err != nil {
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

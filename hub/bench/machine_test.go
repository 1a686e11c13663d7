package bench

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU time in /proc: USER_HZ.
const tick = 10 * time.Millisecond

// cpuOf is the CPU time that a process has used, all its threads together.
func cpuOf(pid int) time.Duration {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(raw), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0
	}
	return ticks(fields[11]) + ticks(fields[12])
}

func ticks(field string) time.Duration {
	n, _ := strconv.ParseInt(field, 10, 64)
	return time.Duration(n) * tick
}

// busy is the CPU time that the whole machine has used, and all there was.
func busy() (used, all time.Duration) {
	raw, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(raw), "\n")
	fields := strings.Fields(line)
	for i := 1; i < min(len(fields), 9); i++ { // user nice system idle iowait irq softirq steal
		d := ticks(fields[i])
		all += d
		if i != 4 && i != 5 {
			used += d
		}
	}
	return used, all
}

// memory of a process in MB: what it holds now, and the most it ever held.
func memory(pid int) (now, peak float64) {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		kb, _ := strconv.ParseFloat(fields[1], 64)
		switch fields[0] {
		case "VmRSS:":
			now = kb / 1024
		case "VmHWM:":
			peak = kb / 1024
		}
	}
	return now, peak
}

// watch tells how much of the machine others use between its making and share.
type watch struct {
	pids      []int
	own       time.Duration
	used, all time.Duration
}

// watchOthers begins; our are the processes that are not others, besides this one.
func watchOthers(our ...int) *watch {
	w := &watch{pids: append(our, os.Getpid())}
	w.own = w.ours()
	w.used, w.all = busy()
	return w
}

func (w *watch) ours() (sum time.Duration) {
	for _, pid := range w.pids {
		sum += cpuOf(pid)
	}
	return sum
}

// share of the machine, 0 to 1.
func (w *watch) share() float64 {
	used, all := busy()
	if all == w.all {
		return 0
	}
	return max(0, float64(used-w.used-(w.ours()-w.own))/float64(all-w.all))
}

// machine says what the figures were measured on; no name of it.
func machine() string {
	model := "CPU unknown"
	raw, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(raw)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("%s, %d cores, %s, %s/%s", model, runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
}

// commit that was measured.
func commit() string {
	out, err := exec.Command("git", "describe", "--always", "--dirty", "--exclude=*").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// disk is a mounted file system with a volatile write cache: what was not
// synced is gone when its power fails (../shared/tools/lazyfs).
type disk struct {
	t       *testing.T
	dir     string // where it is mounted
	control string
}

// buildDisk builds the file system, or says why it cannot be used: without
// root or /dev/fuse the test is skipped; anything else that is missing is a
// failure where ../shared is promised (AMTSBOTE_INTEROP=must).
func buildDisk(t *testing.T) (bin string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("not run: power failures and disk faults need root, to mount a file system")
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Skipf("not run: power failures and disk faults need FUSE: %v", err)
	}
	source := filepath.Join("..", "..", "..", "..", "shared", "tools", "lazyfs")
	if _, err := os.Stat(source); err != nil {
		unusable(t, "not run: ../shared/tools/lazyfs is missing: %v", err)
	}
	bin = filepath.Join(t.TempDir(), "lazyfs")
	build := exec.Command("go", "build", "-o", bin, ".")
	build.Dir = source
	if out, err := build.CombinedOutput(); err != nil {
		unusable(t, "not run: ../shared/tools/lazyfs cannot be built: %v\n%s", err, out)
	}
	return bin
}

func unusable(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("AMTSBOTE_INTEROP") == "must" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// mount mounts an empty disk until the test ends.
func mount(t *testing.T, bin string) *disk {
	t.Helper()
	d := &disk{t: t, dir: t.TempDir()}
	address := freeAddress(t)
	d.control = "http://" + address
	var said bytes.Buffer
	cmd := exec.Command(bin, "-mnt", d.dir, "-ctl", address)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = syscall.Unmount(d.dir, syscall.MNT_DETACH)
		_ = cmd.Process.Kill()
		<-ended
	})
	eventually(t, "the disk to be mounted", func() error {
		select {
		case <-ended:
			if out := said.String(); strings.Contains(out, "permitted") || strings.Contains(out, "fusermount") {
				t.Skipf("not run: power failures and disk faults need the right to mount: %.200s", out)
			}
			t.Fatalf("lazyfs ended: %.2000s", said.String())
		default:
		}
		_, err := d.ask("/stats")
		return err
	})
	return d
}

func (d *disk) ask(path string) (string, error) {
	resp, err := http.Get(d.control + path)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return strings.TrimSpace(string(answer)), err
}

func (d *disk) must(path string) string {
	d.t.Helper()
	answer, err := d.ask(path)
	if err != nil {
		d.t.Fatalf("lazyfs %s: %v", path, err)
	}
	return answer
}

// fail drops what was not synced; torn keeps a part of it, its last write cut.
// The processes that write must be dead.
func (d *disk) fail(torn bool) {
	d.t.Helper()
	path := "/crash"
	if torn {
		path += "?torn=1"
	}
	d.must(path)
}

// fill leaves room for so many bytes more; free takes the limit away.
func (d *disk) fill(room int64) {
	d.t.Helper()
	var used, none int64
	if _, err := fmt.Sscanf(d.must("/stats"), "writes=%d osync_writes=%d fsync=%d used=%d", &none, &none, &none, &used); err != nil {
		d.t.Fatal(err)
	}
	d.must(fmt.Sprintf("/enospc?bytes=%d", used+room))
}

func (d *disk) free() { d.must("/enospc?bytes=0") }

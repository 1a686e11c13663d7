package dataport_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/dataport"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fitsim"
	"github.com/amtsbote/amtsbote/adapters/internal/memtest"
	"github.com/amtsbote/amtsbote/hub"
)

const (
	childSettings = "AMTSBOTE_TEST_FIT_CHILD"
	childDir      = "AMTSBOTE_TEST_DIR"
	largeMB       = "AMTSBOTE_TEST_FIT_MB" // of attachments (100 MB each), to try more than usual
	mostMemory    = 64 << 20
)

// TestMain lets this program be the adapter's process whose memory is measured.
func TestMain(m *testing.M) {
	if s := os.Getenv(childSettings); s != "" {
		if err := child(s); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestMemory takes a submission with one attachment of 40 MB and one of 150 fragments
// in a process of its own; what that had in memory at most (VmHWM) is below 50 MB.
func TestMemory(t *testing.T) {
	t.Parallel()
	memtest.Measurable(t)
	megabytes := int64(40)
	if n, err := strconv.ParseInt(os.Getenv(largeMB), 10, 64); err == nil {
		megabytes = n
	}
	s := newService(t)
	app := application(1)
	for left := megabytes; left > 0; left -= 100 {
		size := min(left, 100) << 20
		app.Attachments = append(app.Attachments, fitsim.Attachment{
			Filename: "plan.bin", Type: "application/octet-stream",
			Open: func() (io.ReadCloser, error) {
				return io.NopCloser(io.LimitReader(rand.NewChaCha8([32]byte{1}), size)), nil
			},
		})
	}
	// and many small ones, each longer than what is read of a part to see its head
	small := fitsim.Attachment{Filename: "teile.bin", Type: "application/octet-stream", Fragments: 150}
	small.Content = make([]byte, small.Fragments*64<<10)
	app.Attachments = append(app.Attachments, small)
	s.put(t, app)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childSettings+"="+string(s.settings(", accept: stored")), childDir+"="+s.dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	text := strings.Fields(out.String())
	high, err := strconv.ParseInt(text[0], 10, 64)
	if err != nil || high < 10<<20 || high > mostMemory {
		t.Errorf("the process had %d bytes in memory, %v", high, err)
	}
	t.Logf("the process had %d MB in memory at most", high>>20)
	if open, err := strconv.Atoi(text[2]); err != nil || open > 5 {
		t.Errorf("%d of its parts were open at once, %v", open, err)
	}
	if stored, err := strconv.ParseInt(text[1], 10, 64); err != nil || stored < megabytes<<20 {
		t.Errorf("%d bytes were stored, %v", stored, err)
	}
	if s.Ended(id(1)) != fit.AcceptSubmission {
		t.Error("it was not accepted")
	}
}

// child is an adapter's process: it takes what waits, and prints how much memory it
// had at most, and how much was stored.
func child(settings string) error {
	dir := os.Getenv(childDir)
	env := adaptertest.Env(dir)
	env.Federation = dir
	source, err := dataport.Kind().Source(env, adaptertest.Settings(settings))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	in := &diskIntake{dir: dir, state: map[string][]byte{}, accepted: cancel}
	if err := source.Run(ctx, in); err != nil {
		return err
	}
	high, err := memtest.Peak()
	fmt.Println(high, in.stored, in.open)
	return err
}

// openParts is how many encrypted attachments this process has open.
func openParts() (n int) {
	files, _ := filepath.Glob("/proc/self/fd/*")
	for _, f := range files {
		if to, err := os.Readlink(f); err == nil && strings.HasSuffix(to, ".part") {
			n++
		}
	}
	return n
}

// diskIntake stores blobs as files, and ends when a submission was accepted.
type diskIntake struct {
	dir      string
	stored   int64
	open     int // files of the work directory, at most
	accepted func()

	mu    sync.Mutex
	state map[string][]byte
}

func (d *diskIntake) Publish(context.Context, hub.Event) error { return nil }
func (d *diskIntake) Blobs() hub.Blobs                         { return d }
func (d *diskIntake) State() hub.State                         { return memory{d} }

func (d *diskIntake) Put(_ context.Context, r io.Reader) (hub.BlobRef, error) {
	f, err := os.CreateTemp(d.dir, "blob-*")
	if err != nil {
		return hub.BlobRef{}, err
	}
	d.open = max(d.open, openParts())
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, sum), r)
	d.stored += n
	ref := hub.BlobRef{Ref: "blob:" + strings.TrimPrefix(filepath.Base(f.Name()), "blob-"), SHA256: hex.EncodeToString(sum.Sum(nil)), Size: n}
	return ref, errors.Join(err, f.Close())
}

func (d *diskIntake) Open(context.Context, string) (io.ReadCloser, error) {
	return nil, errors.New("not asked for")
}

type memory struct{ d *diskIntake }

func (m memory) Get(_ context.Context, key string) ([]byte, error) {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	return m.d.state[key], nil
}

func (m memory) Put(_ context.Context, key string, value []byte) error {
	m.d.mu.Lock()
	defer m.d.mu.Unlock()
	m.d.state[key] = value
	if bytes.Contains(value, []byte(`"step":"accepted"`)) {
		m.d.accepted()
	}
	return nil
}

func (m memory) Delete(context.Context, string) error { return nil }

package send_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/amtsbote/amtsbote/adapters/adaptertest"
	"github.com/amtsbote/amtsbote/adapters/dataport/send"
	"github.com/amtsbote/amtsbote/adapters/internal/memtest"
	"github.com/amtsbote/amtsbote/hub"
)

const (
	childSettings = "AMTSBOTE_TEST_FIT_CHILD"
	childDir      = "AMTSBOTE_TEST_DIR"
	largeMB       = "AMTSBOTE_TEST_FIT_MB" // of the attachment, to try more than usual
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

func megabytes() int64 {
	if n, err := strconv.ParseInt(os.Getenv(largeMB), 10, 64); err == nil {
		return n
	}
	return 40
}

// TestMemory sends an attachment of 40 MB from a process of its own; what that had in
// memory at most (VmHWM) is bounded, whatever the size.
func TestMemory(t *testing.T) {
	t.Parallel()
	memtest.Measurable(t)
	s := newService(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childSettings+"="+string(s.settings(", max-anlage: 1000000000")), childDir+"="+s.dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	high, err := strconv.ParseInt(strings.TrimSpace(string(out)), 10, 64)
	if err != nil || high < 10<<20 || high > mostMemory {
		t.Errorf("the process had %d bytes in memory, %v", high, err)
	}
	t.Logf("the process had %d MB in memory at most", high>>20)
	_, _, files := s.Parts(s.only(t, receiver))
	for _, f := range files {
		if info, err := os.Stat(f); err != nil || info.Size() < megabytes()<<20 {
			t.Error(info, err)
		}
	}
}

// large is a store with one blob of random bytes.
type large struct{}

func (large) Open(context.Context, string) (io.ReadCloser, error) {
	return io.NopCloser(io.LimitReader(rand.NewChaCha8([32]byte{1}), megabytes()<<20)), nil
}

// child submits one event, and prints how much memory it had at most.
func child(settings string) error {
	dir := os.Getenv(childDir)
	env := adaptertest.Env(dir)
	env.Federation = dir
	sink, err := send.Kind().Sink(env, adaptertest.Settings(settings))
	if err != nil {
		return err
	}
	e := event(dogType, "hund", map[string]any{
		"antrag": map[string]any{"leistung": leika}, "hund": map[string]any{"name": "Rex"},
		"anlagen": []any{map[string]any{"ref": "blob:plan", "mediaType": "application/octet-stream"}},
	})
	if err := sink.Deliver(context.Background(), hub.Delivery{ID: "id", Attempt: 1, Event: e, Blobs: large{}}); err != nil {
		return err
	}
	high, err := memtest.Peak()
	fmt.Println(high)
	return err
}

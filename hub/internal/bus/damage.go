package bus

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// DamagedError lists streams whose files are damaged. They are left as they are.
type DamagedError struct{ Streams, Reasons []string }

func (e DamagedError) Error() string {
	return "the store is damaged; its files were left as they are: check the disk, then restore the data directory from your backup:\n  " + strings.Join(e.Reasons, "\n  ")
}

// undamaged looks for streams that the server could not recover but that hold
// messages. Made anew over their files, they would be emptied, or removed.
func undamaged(ns *server.Server, dir string) error {
	var out DamagedError
	for _, f := range faults(ns) {
		if f.Stream != "" && holdsMessages(os.DirFS(dir), "jetstream/*/streams/"+f.Stream) {
			out.Streams, out.Reasons = append(out.Streams, f.Stream), append(out.Reasons, f.Reason)
		}
	}
	if len(out.Streams) > 0 {
		return out
	}
	return nil
}

// removeUnfinished removes what a power failure has left of streams that were
// being made: without messages and without all their settings. The server does
// not go on over it (an empty key file ends the process), and the hub makes such
// a stream anew. One that has a spare was finished once: it is damaged.
func removeUnfinished(dir, spare string) error {
	// a pattern within dir: its own name may look like one
	data := os.DirFS(dir)
	streams, err := fs.Glob(data, "jetstream/*/streams/*")
	if err != nil {
		return err
	}
	for _, s := range streams {
		if finished(data, s) || holdsMessages(data, s) {
			continue
		}
		if _, err := os.Stat(filepath.Join(spare, path.Base(s), settingsKey)); spare != "" && err == nil {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, filepath.FromSlash(s))); err != nil {
			return fmt.Errorf("remove an unfinished stream: %w", err)
		}
	}
	return nil
}

// finished tells whether the files that the server writes when it makes a stream
// are there, and not empty.
func finished(data fs.FS, stream string) bool {
	for _, name := range []string{"meta.key", "meta.inf", "meta.sum"} {
		if st, err := fs.Stat(data, path.Join(stream, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return true // it cannot be told: leave it
		} else if err != nil || st.Size() == 0 {
			return false
		}
	}
	return true
}

// holdsMessages takes a stream's folder, or a pattern of some.
func holdsMessages(data fs.FS, stream string) bool {
	blocks, err := fs.Glob(data, path.Join(stream, "msgs", "*.blk"))
	for _, b := range blocks {
		if st, err := fs.Stat(data, b); err != nil || st.Size() > 0 {
			return true
		}
	}
	return err != nil
}

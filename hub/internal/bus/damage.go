package bus

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// DamagedError lists streams whose files are damaged. They are left as they are.
type DamagedError []string

func (e DamagedError) Error() string {
	return "the store is damaged; its files were left as they are: check the disk, then restore the data directory from your backup:\n  " + strings.Join(e, "\n  ")
}

// undamaged looks for streams that the server could not recover but that hold
// messages. Made anew over their files, they would be emptied, or removed.
func undamaged(ns *server.Server, dir string) error {
	var out DamagedError
	for _, f := range faults(ns) {
		if f.Stream != "" && holdsMessages(filepath.Join(dir, "jetstream", "*", "streams", f.Stream)) {
			out = append(out, f.Reason)
		}
	}
	if len(out) > 0 {
		return out
	}
	return nil
}

// removeUnfinished removes what a power failure has left of streams that were
// being made: without messages and without all their settings. The server does
// not go on over it (an empty key file ends the process), and the hub makes such
// a stream anew.
func removeUnfinished(dir string) error {
	streams, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "*"))
	if err != nil {
		return err
	}
	for _, s := range streams {
		if finished(s) || holdsMessages(s) {
			continue
		}
		if err := os.RemoveAll(s); err != nil {
			return fmt.Errorf("remove an unfinished stream: %w", err)
		}
	}
	return nil
}

// finished tells whether the files that the server writes when it makes a stream
// are there, and not empty.
func finished(stream string) bool {
	for _, name := range []string{"meta.key", "meta.inf", "meta.sum"} {
		if st, err := os.Stat(filepath.Join(stream, name)); err != nil && !os.IsNotExist(err) {
			return true // it cannot be told: leave it
		} else if err != nil || st.Size() == 0 {
			return false
		}
	}
	return true
}

// holdsMessages takes a pattern of stream folders.
func holdsMessages(stream string) bool {
	blocks, _ := filepath.Glob(filepath.Join(stream, "msgs", "*.blk")) // the pattern is good
	for _, b := range blocks {
		if st, err := os.Stat(b); err != nil || st.Size() > 0 {
			return true
		}
	}
	return false
}

package bus

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"
	"golang.org/x/crypto/chacha20poly1305"
)

// DamagedError lists streams whose files are damaged. They are left as they are.
type DamagedError struct {
	Streams, Reasons []string
	// Empty are those of them that hold no messages: they can be made anew, but not
	// over their files.
	Empty []string
}

func (e DamagedError) Error() string {
	return "the store is damaged; its files were left as they are: check the disk, then restore the data directory from your backup:\n  " + strings.Join(e.Reasons, "\n  ")
}

// undamaged looks for streams that the server could not recover. Made anew over
// their files, they would be emptied, or could not be recovered the next time.
func undamaged(ns *server.Server, dir string) error {
	var out DamagedError
	for _, f := range faults(ns) {
		if f.Stream == "" {
			continue
		}
		out.Streams, out.Reasons = append(out.Streams, f.Stream), append(out.Reasons, f.Reason)
		if !holdsMessages(os.DirFS(dir), "jetstream/*/streams/"+f.Stream) {
			out.Empty = append(out.Empty, f.Stream)
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

// unrecovered lists the folders of consumers that the server could not recover.
// It says nothing of them, and cannot make them anew over their files.
func (s *Server) unrecovered() ([]string, error) {
	dirs, err := fs.Glob(os.DirFS(s.opts.StoreDir), "jetstream/*/streams/*/obs/*")
	if err != nil || len(dirs) == 0 {
		return nil, err
	}
	info, err := s.ns.Jsz(&server.JSzOptions{Accounts: true, Streams: true, Consumer: true})
	if err != nil {
		return nil, fmt.Errorf("list the consumers: %w", err)
	}
	there := map[string]bool{}
	for _, account := range info.AccountDetails {
		for _, stream := range account.Streams {
			for _, c := range stream.Consumer {
				there[path.Join(stream.Name, c.Name)] = true
			}
		}
	}
	return slices.DeleteFunc(dirs, func(dir string) bool {
		stream := path.Base(path.Dir(path.Dir(dir)))
		return there[path.Join(stream, path.Base(dir))]
	}), nil
}

// unopenable lists the folders of consumers whose settings, key or state are too
// short to be any: at them the server ends the process (nats-server 2.15.2,
// decryptMeta and stateWithCopyLocked). A power failure leaves such ones, too.
func (s *Server) unopenable() (dirs []string, err error) {
	data := os.DirFS(s.opts.StoreDir)
	all, err := fs.Glob(data, "jetstream/*/streams/*/obs/*")
	for _, dir := range all {
		for _, name := range []string{"meta.inf", settingsKey, "o.dat"} {
			st, err := fs.Stat(data, path.Join(dir, name))
			if err == nil && st.Size() < chacha20poly1305.NonceSizeX && (st.Size() > 0 || name != "o.dat") { // there is no state yet
				dirs = append(dirs, dir)
				break
			}
		}
	}
	return dirs, err
}

// setStreamsAside moves folders of streams without messages out of the store: they
// are made anew.
func (s *Server) setStreamsAside(streams []string) error {
	for _, stream := range streams {
		to := filepath.Join(s.dir, "damaged", stream+time.Now().UTC().Format("-20060102T150405.000"))
		s.log.Error("a stream without messages could not be recovered; its files are kept, it is made anew", zap.String("stream", stream), zap.String("in", to))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		if err := os.Rename(s.streamDir(stream), to); err != nil {
			return fmt.Errorf("set a damaged stream aside: %w", err)
		}
	}
	return nil
}

// setAside moves folders of consumers out of the store: consumers are made anew,
// and the ledger knows how far they were.
func (s *Server) setAside(dirs []string) error {
	for _, dir := range dirs {
		stream := path.Base(path.Dir(path.Dir(dir)))
		to := filepath.Join(s.dir, "damaged", stream+"-"+path.Base(dir)+time.Now().UTC().Format("-20060102T150405.000"))
		s.log.Error("a consumer could not be recovered; its files are kept, it is made anew", zap.String("stream", stream), zap.String("consumer", path.Base(dir)), zap.String("in", to))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		if err := os.Rename(filepath.Join(s.opts.StoreDir, filepath.FromSlash(dir)), to); err != nil {
			return fmt.Errorf("set a damaged consumer aside: %w", err)
		}
	}
	return nil
}

package bus

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/zap"
)

// Settings and keys of streams are small, and without them whole streams or
// blocks cannot be read. The hub keeps a spare of each below Embedded.Spare. The
// server writes the key of the settings once, when it makes the stream, and the
// key of a block when it makes the block; after a restart an empty block may be
// made again, with another key.
const (
	settingsKey = "meta.key"
	blockKeys   = "msgs/*.key"
)

var settings = []string{"meta.inf", "meta.sum", settingsKey}

// Spare brings the spares up to date: call it when the store is whole.
func (s *Server) Spare() error {
	s.mu.Lock()
	dir, spare := s.opts.StoreDir, s.spare
	s.mu.Unlock()
	if spare == "" {
		return nil
	}
	streams, err := fs.Glob(os.DirFS(dir), "jetstream/*/streams/*")
	if err != nil {
		return err
	}
	var errs []error
	for _, stream := range streams {
		if err := spareStream(filepath.Join(dir, stream), filepath.Join(spare, filepath.Base(stream))); err != nil {
			errs = append(errs, fmt.Errorf("keep spares of stream %s: %w", filepath.Base(stream), err))
		}
	}
	return errors.Join(errs...)
}

func spareStream(from, to string) error {
	if !same(filepath.Join(from, settingsKey), filepath.Join(to, settingsKey)) { // a new stream, also if the name is old
		if err := os.RemoveAll(to); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(to, "msgs"), 0o700); err != nil {
		return err
	}
	keys, err := fs.Glob(os.DirFS(from), blockKeys)
	if err != nil {
		return err
	}
	kept := map[string]bool{}
	for _, name := range append(keys, settings...) {
		kept[name] = true
		if err := copyNewer(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
			return err
		}
	}
	old, err := fs.Glob(os.DirFS(to), blockKeys)
	for _, name := range old {
		if !kept[name] {
			err = errors.Join(err, os.Remove(filepath.Join(to, name)))
		}
	}
	return err
}

// copyNewer copies a file whose size or time is not that of its copy. What is
// gone meanwhile is no error.
func copyNewer(from, to string) error {
	is, err := os.Stat(from)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if has, err := os.Stat(to); err == nil && has.Size() == is.Size() && has.ModTime().Equal(is.ModTime()) {
		return nil
	}
	raw, err := os.ReadFile(from) //nolint:gosec // our own data directory
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = os.WriteFile(to+".tmp", raw, 0o600) //nolint:gosec // our own data directory
	}
	if err == nil {
		err = os.Chtimes(to+".tmp", is.ModTime(), is.ModTime())
	}
	if err == nil {
		err = os.Rename(to+".tmp", to)
	}
	return err
}

// same tells whether two files hold the same.
func same(a, b string) bool {
	x, errX := os.ReadFile(a) //nolint:gosec // our own data directory
	y, errY := os.ReadFile(b) //nolint:gosec // our own data directory
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// putBackKeys puts back keys of blocks that are gone or damaged. It is called
// before the server starts: that would make a new key for a block without one,
// and the block could never be read again.
func (s *Server) putBackKeys() error {
	if s.spare == "" {
		return nil
	}
	keys, err := fs.Glob(os.DirFS(s.spare), "*/"+blockKeys)
	if err != nil {
		return err
	}
	for _, key := range keys {
		stream, name, _ := strings.Cut(key, "/")
		dir := s.streamDir(stream)
		is, kept := filepath.Join(dir, name), filepath.Join(s.spare, key)
		block := is[:len(is)-len(".key")] + ".blk"
		if _, err := os.Stat(block); err != nil || same(is, kept) {
			continue
		}
		if !same(filepath.Join(dir, settingsKey), filepath.Join(s.spare, stream, settingsKey)) {
			continue // another stream of that name
		}
		if s.opens(stream, is) || !s.opens(stream, kept) {
			continue // it is whole, though newer; or there is nothing better
		}
		s.log.Error("the key of a block is damaged; it is put back", zap.String("stream", stream), zap.String("file", name))
		if err := putBack(kept, is); err != nil {
			return err
		}
	}
	return nil
}

// foreign are blocks that nothing can read: their key is not theirs, or gone. The
// server would not get past them, and what it takes for a block of that number may
// make it drop all others. Their files are kept elsewhere.
func (s *Server) foreign() error {
	streams, err := fs.Glob(os.DirFS(s.opts.StoreDir), "jetstream/*/streams/*")
	for _, stream := range streams {
		dir, name := filepath.Join(s.opts.StoreDir, filepath.FromSlash(stream)), filepath.Base(stream)
		if !s.opensAs(name, filepath.Join(dir, settingsKey)) {
			continue // the key of the store may be another
		}
		blocks, globErr := fs.Glob(os.DirFS(dir), "msgs/*.blk")
		err = errors.Join(err, globErr)
		for _, block := range blocks {
			key := strings.TrimSuffix(block, ".blk") + ".key"
			if st, statErr := os.Stat(filepath.Join(dir, block)); statErr != nil || st.Size() == 0 || s.opens(name, filepath.Join(dir, key)) {
				continue
			}
			to := filepath.Join(s.dir, "damaged", name+"-"+filepath.Base(block)+time.Now().UTC().Format("-20060102T150405.000"))
			s.log.Error("a block of a stream has no key that opens it; it is kept elsewhere", zap.String("stream", name), zap.String("block", block), zap.String("in", to))
			err = errors.Join(err, os.MkdirAll(filepath.Dir(to), 0o700), os.Rename(filepath.Join(dir, block), to))
			if moveErr := os.Rename(filepath.Join(dir, key), to+".key"); !errors.Is(moveErr, fs.ErrNotExist) {
				err = errors.Join(err, moveErr)
			}
		}
	}
	return err
}

// opens tells whether a file is the undamaged key of a block: a seed that the
// server has sealed under HMAC-SHA256(store key, account, stream ":" block)
// (nats-server 2.15, server/filestore.go, genEncryptionKeys).
func (s *Server) opens(stream, file string) bool {
	return s.opensAs(stream+":"+strings.TrimSuffix(filepath.Base(file), ".key"), file)
}

// opensAs is opens for the key of what the server calls name. The server reads a block by
// whichever cipher opens its key.
func (s *Server) opensAs(name, file string) bool {
	return slices.ContainsFunc(ciphers, func(c server.StoreCipher) bool { return s.opensBy(c, name, file) })
}

// opensBy is opensAs in a store that is encrypted by a cipher.
func (s *Server) opensBy(by server.StoreCipher, name, file string) bool {
	raw, err := os.ReadFile(file) //nolint:gosec // our own data directory
	if err != nil {
		return false
	}
	h := hmac.New(sha256.New, []byte(s.opts.JetStreamKey))
	fmt.Fprintf(h, "%s%s", s.book.Hub(), name)
	c, err := sealer(by, h.Sum(nil))
	if err != nil || len(raw) < c.NonceSize() {
		return false
	}
	_, err = c.Open(nil, raw[:c.NonceSize()], raw[c.NonceSize():], nil)
	return err == nil
}

// putBackSettings puts back the settings of streams that could not be recovered;
// done tells whether there were any.
func (s *Server) putBackSettings(faulty []string) (done bool, err error) {
	for _, stream := range faulty {
		for _, name := range settings {
			is, kept := filepath.Join(s.streamDir(stream), name), filepath.Join(s.spare, stream, name)
			if _, err := os.Stat(kept); s.spare == "" || err != nil || same(is, kept) {
				continue
			}
			s.log.Error("the settings of a stream are damaged; they are put back", zap.String("stream", stream), zap.String("file", name))
			if err := putBack(kept, is); err != nil {
				return done, err
			}
			done = true
		}
	}
	return done, nil
}

// putBack replaces a damaged file, which is kept beside it.
func putBack(from, to string) error {
	if err := os.Rename(to, to+".damaged"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	raw, err := os.ReadFile(from) //nolint:gosec // our own data directory
	if err == nil {
		err = os.WriteFile(to, raw, 0o600) //nolint:gosec // our own data directory
	}
	return err
}

// streamDir is where the files of a stream lie: all are in the account HUB.
func (s *Server) streamDir(stream string) string {
	return filepath.Join(s.opts.StoreDir, "jetstream", s.book.Hub(), "streams", stream)
}

// StreamDir is where the files of a stream lie in a data directory, or would.
func StreamDir(data, stream string) string {
	found, err := fs.Glob(os.DirFS(data), "jetstream/*/streams")
	if err != nil || len(found) == 0 {
		found = []string{"jetstream"}
	}
	return filepath.Join(data, filepath.FromSlash(found[0]), stream)
}

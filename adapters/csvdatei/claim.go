package csvdatei

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"go.uber.org/zap"
)

// claimed begins the names of files that are being fetched: a sender who puts
// another file under the old name meanwhile puts another file.
const claimed = ".amtsbote."

// offer is a file on the server.
type offer struct {
	os.FileInfo

	own string // its name as the sender gave it
}

// at is where the file lies now.
func (r *remote) at(o offer) string { return path.Join(r.set.SFTP.Dir, o.Name()) }

// claim gives the file its private name, first its sidecar; false means that it is
// left for now: another file has got in between.
func (r *remote) claim(client *sftp.Client, o offer) (offer, bool, error) {
	if !r.set.SFTP.Claim || o.Name() != o.own {
		return o, true, nil
	}
	to := path.Join(r.set.SFTP.Dir, claimed+o.own)
	if _, err := client.Lstat(to); !errors.Is(err, fs.ErrNotExist) {
		return o, false, err // the one before is not cleared yet
	}
	if r.set.Sidecar != "" {
		if err := client.Rename(r.at(o)+r.set.Sidecar, to+r.set.Sidecar); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return o, false, fmt.Errorf("claim a sidecar on the server by renaming it (claim: false does without): %w", err)
		}
	}
	if err := client.Rename(r.at(o), to); err != nil {
		return o, false, fmt.Errorf("claim a file on the server by renaming it (claim: false does without): %w", err)
	}
	now, err := client.Lstat(to)
	if err != nil {
		return o, false, fmt.Errorf("look at a claimed file: %w", err)
	}
	// Replaced since the list was read: it may be unfinished, and is looked at
	// again as any other.
	return offer{FileInfo: now, own: o.own}, fingerprint(now) == fingerprint(o), nil
}

// clear moves a fetched file into the server's done directory, or deletes it;
// false means that it is not the file that was fetched any more, and stays.
func (r *remote) clear(client *sftp.Client, o offer) (bool, error) {
	from := r.at(o)
	switch now, err := client.Lstat(from); {
	case errors.Is(err, fs.ErrNotExist):
		return true, nil
	case err != nil:
		return false, fmt.Errorf("look at a fetched file on the server: %w", err)
	case fingerprint(now) != fingerprint(o):
		r.log.Warn("csv: sftp: a file has changed while it was fetched, and is fetched again", zap.Int64("bytes", now.Size()))
		return false, nil
	}
	if r.set.Sidecar != "" {
		if err := client.Remove(from + r.set.Sidecar); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, fmt.Errorf("remove a sidecar from the server: %w", err)
		}
	}
	if r.set.SFTP.Done == "" {
		if err := client.Remove(from); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, fmt.Errorf("remove a fetched file from the server: %w", err)
		}
		return true, nil
	}
	if err := client.MkdirAll(r.set.SFTP.Done); err != nil {
		return false, fmt.Errorf("make the done directory on the server: %w", err)
	}
	to := path.Join(r.set.SFTP.Done, o.own)
	if _, err := client.Lstat(to); err == nil {
		to = path.Join(r.set.SFTP.Done, time.Now().UTC().Format("20060102T150405.000000000Z")+"-"+o.own)
	}
	if err := client.Rename(from, to); err != nil {
		return false, fmt.Errorf("move a fetched file on the server: %w", err)
	}
	return true, nil
}

// ownName is the sender's name of a file, claimed or not.
func ownName(name string) string { return strings.TrimPrefix(name, claimed) }

// waits tells a file that is too large: it keeps its name.
func (r *remote) waits(o offer) bool {
	if o.Size() <= r.set.MaxBytes {
		return false
	}
	r.complain(o, "csv: sftp: a file is larger than max-bytes and stays on the server")
	return true
}

// blocked tells that the file of this name before it lies in in/ still.
func (r *remote) blocked(o offer) bool {
	if _, err := os.Lstat(r.target(o)); errors.Is(err, fs.ErrNotExist) {
		return false
	}
	r.complain(o, "csv: sftp: a file waits on the server until the one of its name has left in/")
	return true
}

// complain says once of a file why it stays.
func (r *remote) complain(o offer, text string) {
	if r.warned[o.own] != fingerprint(o) {
		r.warned[o.own] = fingerprint(o)
		r.log.Warn(text, zap.Int64("bytes", o.Size()))
	}
}

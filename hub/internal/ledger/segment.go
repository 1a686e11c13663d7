package ledger

import (
	"bufio"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/s2"
)

// A segment is a file of frames. A frame is the length of what follows its head
// (4 bytes), the span of sequences that it covers (8 and 8), and its entries,
// compressed and sealed: AES-GCM with the head and the stream's name as
// additional data, so a frame that was changed or moved is not read.
const (
	frameHead   = 4 + 8 + 8
	maxFrame    = 64 << 20
	segmentSize = 8 << 20
	suffix      = ".led"
	unreadable  = ".unreadable" // behind suffix: kept, but not part of the book
)

// errTorn means that a segment ends within a frame, or with one that cannot be
// read.
var errTorn = errors.New("a frame cannot be read")

// seal makes a frame of encoded entries.
func seal(c cipher.AEAD, stream string, s span, raw []byte) ([]byte, error) {
	packed := s2.Encode(nil, raw)
	head := make([]byte, frameHead, frameHead+c.NonceSize()+len(packed)+c.Overhead())
	binary.BigEndian.PutUint32(head, uint32(c.NonceSize()+len(packed)+c.Overhead())) //nolint:gosec // far below 4 GB
	binary.BigEndian.PutUint64(head[4:], s.from)
	binary.BigEndian.PutUint64(head[12:], s.to)
	nonce := make([]byte, c.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	additional := append(slices.Clone(head), stream...)
	return c.Seal(append(head, nonce...), nonce, packed, additional), nil
}

// readFrame reads the next frame; io.EOF at the end of a whole one.
func readFrame(r io.Reader, c cipher.AEAD, stream string) (s span, raw []byte, size int, err error) {
	head := make([]byte, frameHead)
	if n, err := io.ReadFull(r, head); errors.Is(err, io.EOF) && n == 0 {
		return s, nil, 0, io.EOF
	} else if err != nil {
		return s, nil, 0, errTorn
	}
	n := binary.BigEndian.Uint32(head)
	s = span{binary.BigEndian.Uint64(head[4:]), binary.BigEndian.Uint64(head[12:])}
	if n > maxFrame || int(n) < c.NonceSize()+c.Overhead() || s.from > s.to {
		return s, nil, 0, errTorn
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return s, nil, 0, errTorn
	}
	packed, err := c.Open(nil, body[:c.NonceSize()], body[c.NonceSize():], append(head, stream...))
	if err != nil {
		return s, nil, 0, errTorn
	}
	if raw, err = s2.Decode(nil, packed); err != nil {
		return s, nil, 0, errTorn
	}
	return s, raw, frameHead + int(n), nil
}

// segments lists the segments of a book by the first sequence that they cover.
func segments(dir string) ([]uint64, error) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []uint64
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name(), suffix); ok {
			if n, err := strconv.ParseUint(name, 10, 64); err == nil && segmentPath("", n) == f.Name() {
				out = append(out, n)
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

func segmentPath(dir string, first uint64) string {
	return filepath.Join(dir, fmt.Sprintf("%020d", first)+suffix)
}

// eachFrame gives the frames of one segment, and how long the readable part is.
// errTorn means that something unreadable follows it.
func eachFrame(path string, c cipher.AEAD, stream string, fn func(span, []byte) error) (good int64, err error) {
	f, err := os.Open(path) //nolint:gosec // our own data directory
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	r := bufio.NewReaderSize(f, 1<<20)
	for {
		s, raw, n, err := readFrame(r, c, stream)
		if errors.Is(err, io.EOF) {
			return good, nil
		}
		if err != nil {
			return good, err
		}
		if err := fn(s, raw); err != nil {
			return good, err
		}
		good += int64(n)
	}
}

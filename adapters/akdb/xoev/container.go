package xoev

import (
	"archive/zip"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"
)

// Caps of a container. xdomea itself names none.
const (
	maxEntries = 10_000
	maxTotal   = 1 << 30 // bytes, all entries unpacked
	maxRatio   = 200     // unpacked to packed, for entries above ratioFrom
	ratioFrom  = 1 << 20
)

// ErrContainer says that a ZIP is no xdomea container, or one that is not safe
// to open.
var ErrContainer = errors.New("not a usable xdomea container")

// messageName is how xdomea names the message in its container:
// <ProzessID>_<name>.<NNNN>.xml up to 3.1, <ProzessID>_<NNNN>_<n>.xml from 4.0.
var messageName = regexp.MustCompile(`(?i)^[^/]*_(?:[^/_]+\.[0-9]{4}|[0-9]{4}_[0-9]+)\.xml$`)

// IsContainer says whether a file begins like a ZIP.
func IsContainer(start []byte) bool { return strings.HasPrefix(string(start), "PK\x03\x04") }

// OpenContainer opens the one message in an xdomea container of the given size.
// Primary documents stay unread. Every failure that the container itself is to
// blame for wraps ErrContainer.
func OpenContainer(r io.ReaderAt, size int64) (io.ReadCloser, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, unpacking(err)
	}
	if err := checkEntries(archive.File); err != nil {
		return nil, err
	}
	f, err := theMessage(archive.File)
	if err != nil {
		return nil, err
	}
	body, err := f.Open()
	if err != nil {
		return nil, unpacking(err)
	}
	return body, nil
}

// unpacking tells errors that the packed bytes are to blame for from those of
// the disk below.
func unpacking(err error) error {
	_, corrupt := errors.AsType[flate.CorruptInputError](err)
	for _, cause := range []error{zip.ErrFormat, zip.ErrAlgorithm, zip.ErrChecksum, io.ErrUnexpectedEOF, io.EOF} {
		corrupt = corrupt || errors.Is(err, cause)
	}
	if corrupt {
		return fmt.Errorf("%w: damaged", ErrContainer)
	}
	return fmt.Errorf("unpack container: %w", err)
}

func checkEntries(files []*zip.File) error {
	if len(files) > maxEntries {
		return fmt.Errorf("%w: more than %d entries", ErrContainer, maxEntries)
	}
	var total uint64
	seen := make(map[string]bool, len(files))
	for _, f := range files {
		total += f.UncompressedSize64
		switch {
		case !safeName(f.Name):
			return fmt.Errorf("%w: an entry's name leaves the container", ErrContainer)
		case seen[f.Name]:
			return fmt.Errorf("%w: two entries of one name", ErrContainer)
		case f.Flags&1 != 0:
			return fmt.Errorf("%w: an entry is encrypted", ErrContainer)
		case f.UncompressedSize64 > ratioFrom && f.UncompressedSize64/maxRatio > f.CompressedSize64:
			return fmt.Errorf("%w: an entry unpacks to more than %d times its size", ErrContainer, maxRatio)
		case f.UncompressedSize64 > maxTotal || total > maxTotal:
			return fmt.Errorf("%w: unpacks to more than %d bytes", ErrContainer, maxTotal)
		}
		seen[f.Name] = true
	}
	return nil
}

func safeName(name string) bool {
	if name == "" || strings.ContainsAny(name, "\\:\x00") || path.IsAbs(name) {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return false
		}
	}
	return true
}

// theMessage picks the message by its name; a container with one XML file only
// may call it as it likes.
func theMessage(files []*zip.File) (*zip.File, error) {
	var named, other []*zip.File
	for _, f := range files {
		switch {
		case messageName.MatchString(f.Name):
			named = append(named, f)
		case !strings.Contains(f.Name, "/") && strings.EqualFold(path.Ext(f.Name), ".xml"):
			other = append(other, f)
		}
	}
	switch {
	case len(named) == 1:
		return named[0], nil
	case len(named) == 0 && len(other) == 1:
		return other[0], nil
	case len(named) == 0 && len(other) == 0:
		return nil, fmt.Errorf("%w: it has no message", ErrContainer)
	}
	return nil, fmt.Errorf("%w: it has more than one message", ErrContainer)
}

package xoev

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// ReadFile reads the message in an open file: XML, or a ZIP container with one
// XML in it, told apart by their first bytes.
func ReadFile(f *os.File, limits xmlguard.Limits, whole func(root *xmlguard.Element) bool) (*Message, error) {
	container, err := isContainer(f)
	if err != nil {
		return nil, err
	}
	if !container {
		return Read(f, limits, whole)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("look at container: %w", err)
	}
	body, err := OpenContainer(f, info.Size())
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }() // reading to the end has checked the sum
	m, err := Read(body, limits, whole)
	if _, refused := errors.AsType[*xmlguard.Error](err); err != nil && !refused {
		return nil, unpacking(err)
	}
	return m, err
}

// isContainer looks at the first bytes and leaves the file at its beginning.
func isContainer(f *os.File) (bool, error) {
	start := make([]byte, 4)
	n, err := f.ReadAt(start, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("read file: %w", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return false, fmt.Errorf("read file: %w", err)
	}
	return IsContainer(start[:n]), nil
}

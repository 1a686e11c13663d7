package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
)

// WorkPattern are the names of attachments in Dir.
const WorkPattern = "fit-*.part"

// Part is an encrypted attachment on disk. Its file is open only from a read until
// Release; Close removes it. It is not safe for concurrent use.
type Part struct {
	Size int64

	path string
	file *os.File // nil: not open
}

// ReadAt implements io.ReaderAt; it opens the file where it is not open.
func (p *Part) ReadAt(b []byte, off int64) (int, error) {
	if p.file == nil {
		f, err := os.Open(p.path)
		if err != nil {
			return 0, fmt.Errorf("read attachment: %w", err)
		}
		p.file = f
	}
	return p.file.ReadAt(b, off)
}

// Release closes the file until it is read again.
func (p *Part) Release() {
	if p.file != nil {
		_ = p.file.Close() // was only read
		p.file = nil
	}
}

// Close lets the file go.
func (p *Part) Close() error {
	p.Release()
	return os.Remove(p.path)
}

// Attachment streams an encrypted attachment into a file; beyond limit bytes it
// is an error of class TooLarge.
func (c *Client) Attachment(ctx context.Context, submission, attachment string, limit int64) (*Part, error) {
	const doing = "fetch attachment"
	ctx, cancel := context.WithTimeout(ctx, 10*c.cfg.Timeout)
	defer cancel()
	resp, err := c.do(ctx, call{
		doing: doing, method: http.MethodGet, url: c.path("submissions", submission, "attachments", attachment), accept: "application/jose, */*;q=0.1",
	})
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	f, err := os.CreateTemp(c.cfg.Dir, WorkPattern)
	if err != nil {
		return nil, fmt.Errorf("store attachment: %w", err)
	}
	p := &Part{path: f.Name()}
	p.Size, err = io.Copy(f, io.LimitReader(resp.Body, limit+1))
	closed := f.Close()
	if err == nil {
		err = closed
	}
	_, ours := errors.AsType[*os.PathError](err)
	switch {
	case ours:
		err = fmt.Errorf("store attachment: %w", err)
	case err != nil:
		err = &Error{Doing: doing, Class: Retry, Err: errors.New("the answer broke off")}
	case p.Size > limit:
		err = &Error{Doing: doing, Class: TooLarge, Status: resp.StatusCode, Err: fit.ErrTooLarge}
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

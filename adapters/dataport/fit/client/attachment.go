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

// Part is an encrypted attachment on disk. Close removes it.
type Part struct {
	*os.File
	Size int64
}

// Close lets the file go.
func (p *Part) Close() error { return errors.Join(p.File.Close(), os.Remove(p.Name())) }

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
	p := &Part{File: f}
	p.Size, err = io.Copy(f, io.LimitReader(resp.Body, limit+1))
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

package csvdatei

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/amtsbote/amtsbote/adapters/internal/csvrows"
	"github.com/amtsbote/amtsbote/hub"
)

// survey goes through the whole file as it is now. The first time it notes sum and
// size, before any row is published: the rows' ids are made of that sum for good.
// Later the file must begin with just these bytes; what follows them has been
// written since, and is read on.
func (p *progress) survey(ctx context.Context) error {
	var err error
	if p.seen, err = p.content.Stat(); err != nil {
		return fmt.Errorf("look at file: %w", err)
	}
	size := p.seen.Size()
	if size > p.set.MaxBytes {
		return hub.Permanent("too-large", "read file: it has grown beyond %d bytes", p.set.MaxBytes)
	}
	sum, err := csvrows.Survey(untilEnd{ctx, io.NewSectionReader(p.content, 0, size)}, p.mapping.CSV())
	if err != nil {
		return err
	}
	if p.cursor.Sum == "" {
		p.cursor.Sum, p.cursor.Size = sum, size
		return p.remember(ctx)
	}
	if size > p.cursor.Size {
		if sum, err = sumOf(untilEnd{ctx, io.NewSectionReader(p.content, 0, p.cursor.Size)}); err != nil {
			return err
		}
	}
	if size < p.cursor.Size || sum != p.cursor.Sum {
		return hub.Permanent("changed", "read file: it was written anew after reading had begun; the rows before line %d of what it was have become events, the rest was not read",
			max(p.cursor.Line, 1))
	}
	return nil
}

func sumOf(r io.Reader) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return "", fmt.Errorf("read file: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// unchanged gives an error, after which the file is surveyed again and read on,
// when somebody has written to it since it was surveyed.
func (p *progress) unchanged() error {
	now, err := p.content.Stat()
	if err != nil {
		return fmt.Errorf("look at file: %w", err)
	}
	if now.Size() != p.seen.Size() || !now.ModTime().Equal(p.seen.ModTime()) {
		return hub.Retryable("still-written", "read file: somebody still writes to it")
	}
	return nil
}

// untilEnd reads until the context ends: a large file takes a while.
type untilEnd struct {
	ctx context.Context //nolint:containedctx // of one call
	r   io.Reader
}

func (u untilEnd) Read(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(b)
}

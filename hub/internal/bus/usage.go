package bus

import (
	"context"
	"fmt"
	"strings"
)

// Usage is how much of its limit a stream uses, in bytes.
type Usage struct {
	Stream string
	// Organisation whose quota it is; "" for the hub's own streams.
	Organisation string
	Used, Limit  int64
	Messages     uint64
}

// Usage lists all streams that have a limit.
func (b *Bus) Usage(ctx context.Context) ([]Usage, error) {
	var out []Usage
	list := b.js.ListStreams(ctx)
	for info := range list.Info() {
		u := Usage{Stream: info.Config.Name, Used: int64(info.State.Bytes), Limit: info.Config.MaxBytes, Messages: info.State.Msgs} //nolint:gosec // no stream is so large
		for _, kind := range []string{in, edge} {
			if org, ok := strings.CutPrefix(u.Stream, kind); ok {
				u.Organisation = org
			}
		}
		if u.Limit > 0 {
			out = append(out, u)
		}
	}
	if err := list.Err(); err != nil {
		return nil, fmt.Errorf("list the streams: %w", err)
	}
	return out, nil
}

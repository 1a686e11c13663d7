package filedrop

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

type sink struct{ folder *dropfolder.Folder }

var (
	_ hub.Sink   = (*sink)(nil)
	_ hub.Placed = (*sink)(nil)
)

// Places implements hub.Placed.
func (s *sink) Places() hub.Places { return hub.Places{Out: s.folder.Places().Out} }

// Deliver implements hub.Sink: it puts the event into out/ as
// <type>_<id>.json. The event has arrived when that file is synced to disk.
//
// A second delivery finds the file and changes nothing. Has the other side
// taken it away meanwhile, the same file comes again: readers recognise it by
// the event's source and id, as CloudEvents wants it.
func (s *sink) Deliver(ctx context.Context, d hub.Delivery) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("deliver to out: %w", err)
	}
	content, err := format(d.Event)
	if err != nil {
		return err
	}
	// Sources choose their ids, so two may have one name. The later delivery
	// then has a name of its own, which it finds again in any further attempt.
	own := nameFor(d.Event, d.ID)
	name := nameFor(d.Event, "")
	if held, err := s.folder.Holds(own, content); err != nil {
		return err
	} else if held {
		name = own
	}
	err = s.folder.Write(name, content)
	if errors.Is(err, dropfolder.ErrNameTaken) {
		err = s.folder.Write(own, content)
	}
	return err
}

const maxStem = 150 // bytes of a file name before its ending

// nameFor gives <type>_<id>.json, and with a delivery id a second name that
// only this delivery has: <type>_<id>~<digest>.json. Equal types and ids give
// equal names, different ones different names.
func nameFor(e hub.Event, deliveryID string) string {
	stem := escape(e.Type(), "-.") + "_" + escape(e.ID(), "-._")
	if len(stem) > maxStem {
		stem = stem[:maxStem-17] + "~" + digest(stem)
	}
	if deliveryID != "" {
		stem += "~" + digest(deliveryID)
	}
	return stem + extension
}

// escape keeps ASCII letters, digits and the marks in also; every other byte
// becomes %XX. A dot in front would hide the file.
func escape(s, also string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9',
			strings.IndexByte(also, c) >= 0 && (c != '.' || i > 0):
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

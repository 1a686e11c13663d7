package adaptertest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/hub"
)

// counter is one foreign system and the sink that hands events to it.
type counter struct {
	Destination
	t        testing.TB
	patience time.Duration
	far      bool
	sink     hub.Sink
}

func newCounter(t testing.TB, c SinkCase) (*counter, error) {
	t.Helper()
	d := &counter{Destination: c.New(t), t: t, patience: c.patience(), far: c.far}
	return d, d.restart()
}

// restart makes the sink anew, as a start of the hub does.
func (d *counter) restart() (err error) {
	if d.sink, err = d.Sink(); err != nil {
		return fmt.Errorf("make the sink: %w", err)
	}
	if d.far {
		d.sink = farSink{d.t, d.sink}
	}
	return nil
}

// delivery is an attempt to deliver the nth event.
func (d *counter) delivery(n, attempt int) hub.Delivery {
	id := fmt.Sprintf("In.org-1_%d", n)
	if n%2 == 1 { // as long as an id may be
		id += strings.Repeat("x", 200-len(id))
	}
	return d.deliveryOf(id, attempt, d.Event(n))
}

func (d *counter) deliveryOf(id string, attempt int, e hub.Event) hub.Delivery {
	if e.Context == nil { // as broken as an event can be
		return hub.Delivery{ID: id, Attempt: attempt, Agreement: "test", Blobs: granted{}}
	}
	return hub.Delivery{
		ID: id, Attempt: attempt, Agreement: "test", Event: e.Clone(),
		Blobs: blobsOf(e, d.Blobs),
	}
}

// deliver calls Deliver and waits for it.
func (d *counter) deliver(ctx context.Context, delivery hub.Delivery) error {
	done := make(chan error, 1)
	go func() { done <- d.sink.Deliver(ctx, delivery) }()
	err, late := within(done, d.patience, "Deliver")
	if late != nil {
		return late
	}
	return err
}

// handOver delivers the nth event, which must succeed.
func (d *counter) handOver(ctx context.Context, n, attempt int) error {
	if err := d.deliver(ctx, d.delivery(n, attempt)); err != nil {
		return fmt.Errorf("deliver event %d, attempt %d: %w", n, attempt, err)
	}
	return nil
}

// effects lists what the foreign system has, sorted.
func (d *counter) effects() ([]string, error) {
	all, err := d.Effects()
	if err != nil {
		return nil, fmt.Errorf("ask for effects: %w", err)
	}
	return slices.Sorted(slices.Values(all)), nil
}

// unchanged holds when there is no effect beyond those before.
func (d *counter) unchanged(before []string) error {
	after, err := d.effects()
	if err != nil {
		return err
	}
	if !slices.Equal(before, after) {
		return fmt.Errorf("effects are now %d, were %d:\nnow  %q\nwere %q", len(after), len(before), after, before)
	}
	return nil
}

// granted are the blobs whose references stand in an event, no others.
type granted map[string][]byte

func blobsOf(e hub.Event, all map[string][]byte) granted {
	g := granted{}
	for _, c := range blobClaims(e) {
		if content, there := all[c.ref]; there {
			g[c.ref] = content
		}
	}
	if ref, ok := e.Extensions()[hub.AttrDataRef].(string); ok {
		if content, there := all[ref]; there {
			g[ref] = content
		}
	}
	return g
}

func (g granted) Open(ctx context.Context, ref string) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	content, there := g[ref]
	if !there {
		return nil, hub.Permanent("blob-missing", "open blob: the event does not name it")
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

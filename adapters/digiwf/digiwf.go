// Package digiwf connects DigiWF, the process platform of the City of Munich
// (Camunda 7 behind Spring Cloud Stream), over Kafka or REST. Its source is an
// integration of DigiWF: what processes ask on its topic become events, and they are
// answered. Its sink starts processes, correlates messages and brings answers.
// README.md says how it is set up.
package digiwf

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/amtsbote/amtsbote/adapters/digiwf/post"
	"github.com/amtsbote/amtsbote/hub"
)

// Kind is the kind "digiwf".
func Kind() hub.Kind {
	return hub.Kind{
		Name:   "digiwf",
		Title:  "DigiWF: Integration, Prozessstart und Nachrichten über Kafka oder REST",
		Source: newSource,
		Sink:   newSink,
		Check:  check,
	}
}

// Folders below dir.
const (
	openFolder  = "open"  // requests that wait for their answer
	knownFolder = "known" // events that were asked for
	dueFolder   = "due"   // messages that the source is to send
	sentFolder  = "sent"  // what was sent
	asideFolder = "error" // records that could not become events
)

func (set *settings) folder(name string) string { return filepath.Join(set.Dir, name) }

// check judges settings and mappings, and runs the mappings' examples.
func check(env hub.Env, s hub.Settings) ([]hub.Event, error) {
	set, err := decode(env, s)
	if err != nil {
		return nil, err
	}
	return set.try()
}

func (set *settings) try() ([]hub.Event, error) {
	var events []hub.Event
	var errs []error
	for _, r := range set.Integration.Requests {
		if r.mapping == nil {
			continue
		}
		some, err := r.mapping.Try(set.Source)
		events, errs = append(events, some...), append(errs, err)
	}
	return events, errors.Join(errs...)
}

// kafka makes the way by records.
func (set *settings) kafka() *post.Kafka {
	return &post.Kafka{
		Kafka: set.Kafka.Kafka, Timeout: set.Kafka.Timeout, Idle: set.Kafka.Idle,
		MaxBytes: set.MaxBytes, LookBack: set.Kafka.LookBack, Dir: set.Dir,
	}
}

// ways sends letters with a path by REST, and the others by Kafka.
type ways struct {
	post.Way // Kafka
	rest     *post.REST
}

// Send implements post.Way.
func (w ways) Send(ctx context.Context, id string, l post.Letter) error {
	if l.Path != "" {
		return w.rest.Send(ctx, id, l)
	}
	return w.Way.Send(ctx, id, l)
}

// Sent implements post.Way.
func (w ways) Sent(ctx context.Context, id string, l post.Letter, begun time.Time) (bool, error) {
	if l.Path != "" {
		return w.rest.Sent(ctx, id, l, begun)
	}
	return w.Way.Sent(ctx, id, l, begun)
}

package aenderungen

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/amtsbote/amtsbote/hub"
)

// entry is what was decided about one record. It holds nothing personal that
// could be read.
type entry struct {
	Offset int64 `json:"offset"`
	Time   int64 `json:"zeit"` // of the record, Unix milliseconds
	// Latest is the latest time of this record and those before it: producers
	// choose times, they need not go up.
	Latest int64 `json:"spaeteste"`
	// Aside is why the record cannot become an event, "" if it can.
	Aside string `json:"abgelegt,omitempty"`
	// Event is the event without its data, Data those, sealed.
	Event json.RawMessage `json:"ereignis,omitempty"`
	Data  string          `json:"daten,omitempty"`
	change
}

func newEntry(rec *kgo.Record) *entry {
	at := rec.Timestamp.UnixMilli()
	return &entry{Offset: rec.Offset, Time: at, Latest: at}
}

// journal remembers the last decision of each partition.
type journal struct{ state hub.State }

// find gives the decision about rec if it is the last one of its partition, and
// past when rec came before that and is therefore done. A lower offset with a
// later time is no repetition: the topic was made anew.
func (j *journal) find(ctx context.Context, cluster string, rec *kgo.Record) (known *entry, past bool, err error) {
	last, err := j.last(ctx, cluster, rec)
	if err != nil || last == nil {
		return nil, false, err
	}
	at := rec.Timestamp.UnixMilli()
	switch {
	case rec.Offset > last.Offset || at > last.Latest:
		return nil, false, nil
	case rec.Offset < last.Offset:
		return nil, true, nil
	case at != last.Time:
		return nil, false, nil
	}
	return last, false, nil
}

func (j *journal) last(ctx context.Context, cluster string, rec *kgo.Record) (*entry, error) {
	raw, err := j.state.Get(ctx, lane(cluster, rec))
	if err != nil || raw == nil {
		return nil, wrap("read the journal", err)
	}
	last := &entry{}
	return last, wrap("read the journal", json.Unmarshal(raw, last))
}

func (j *journal) put(ctx context.Context, cluster string, rec *kgo.Record, e *entry) error {
	last, err := j.last(ctx, cluster, rec)
	if err != nil {
		return err
	}
	if last != nil && last.Offset < e.Offset {
		e.Latest = max(e.Latest, last.Latest)
	}
	raw, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	return wrap("write the journal", j.state.Put(ctx, lane(cluster, rec), raw))
}

// lane is the key of a partition's last decision.
func lane(cluster string, rec *kgo.Record) string {
	sum := sha256.Sum256([]byte(cluster + "\x00" + rec.Topic))
	return fmt.Sprintf("k.%s.%d", base64.RawURLEncoding.EncodeToString(sum[:16]), rec.Partition)
}

func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}

package digiwf

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/digiwf/disk"
	"github.com/amtsbote/amtsbote/adapters/internal/dropfolder"
	"github.com/amtsbote/amtsbote/hub"
)

// record is one that was set aside, whole: key, value and the headers' values in
// base64.
type record struct {
	Topic     string             `json:"topic"`
	Partition int32              `json:"partition"`
	Offset    int64              `json:"offset"`
	Time      time.Time          `json:"time"`
	Key       []byte             `json:"key"` // null: none
	Headers   []kgo.RecordHeader `json:"headers"`
	Value     []byte             `json:"value"` // null: a tombstone
}

// setAside keeps a record that cannot become an event, with its reason in
// <name>.fehler.json. The same record again writes the same files.
func (r *run) setAside(rec *kgo.Record, cause *hub.Fault) error {
	raw, err := json.Marshal(record{
		rec.Topic, rec.Partition, rec.Offset, rec.Timestamp.UTC(), rec.Key, rec.Headers, rec.Value,
	})
	if err != nil {
		return fmt.Errorf("set aside: %w", err)
	}
	name := fmt.Sprintf("%s-%d-%d-%d.json", rec.Topic, rec.Partition, rec.Offset, rec.Timestamp.UnixMilli())
	if err := r.aside(name, raw, cause); err != nil {
		return err
	}
	r.log.Warn("digiwf: record set aside", append(where(rec), zap.String("code", cause.Code), zap.Int("bytes", len(rec.Value)))...)
	return nil
}

func (r *run) aside(name string, raw []byte, cause error) error {
	dir := r.set.folder(asideFolder)
	temp := filepath.Join(dir, ".tmp-"+name)
	if err := disk.Write(temp, raw); err != nil {
		return err
	}
	return dropfolder.SetAside(dir, temp, name, cause)
}

// reportBatch names a batch that was passed over. Its records stay in Kafka as long
// as that keeps them.
func (r *run) reportBatch(bomb *kgo.ErrDecompressTooLarge) error {
	raw, err := json.Marshal(map[string]any{
		"topic": bomb.Topic, "partition": bomb.Partition, "from": bomb.Offset, "to": bomb.NextOffset - 1,
	})
	if err != nil {
		return fmt.Errorf("set aside: %w", err)
	}
	name := fmt.Sprintf("%s-%d-%d.batch.json", bomb.Topic, bomb.Partition, bomb.Offset)
	return r.aside(name, raw, hub.Permanent(codeTooLarge, "the batch unpacks to more than %d bytes and was passed over; its records stay in Kafka", r.set.maxBatch()))
}

package aenderungen

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/amtsbote/amtsbote/adapters/internal/spool"
)

// aside is the folder with a report about each record that cannot become an
// event. The record itself stays in Kafka, where the report's position leads.
type aside struct{ dir string }

// put writes the report; the same record again writes the same file.
func (a *aside) put(rec *kgo.Record, code, text string) error {
	raw, err := json.MarshalIndent(struct {
		Code      string    `json:"code"`
		Text      string    `json:"text"`
		Topic     string    `json:"topic"`
		Partition int32     `json:"partition"`
		Offset    int64     `json:"offset"`
		Zeit      time.Time `json:"zeit"`
	}{code, text, rec.Topic, rec.Partition, rec.Offset, rec.Timestamp.UTC()}, "", " ")
	if err != nil {
		return fmt.Errorf("set aside: %w", err)
	}
	if err := os.MkdirAll(a.dir, spool.DirMode); err != nil {
		return fmt.Errorf("set aside: %w", err)
	}
	name := fmt.Sprintf("%s-%d-%d-%d.fehler.json", strings.ReplaceAll(rec.Topic, string(filepath.Separator), "_"),
		rec.Partition, rec.Offset, rec.Timestamp.UnixMilli())
	return wrap("set aside", spool.Replace(filepath.Join(a.dir, name), raw))
}

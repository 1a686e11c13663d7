package aenderungen

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// aside is the folder with a report about each record that cannot become an
// event. The record itself stays in Kafka, where the report's position leads.
type aside struct{ dir string }

const (
	dirMode  = 0o750
	fileMode = 0o640
)

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
	if err := os.MkdirAll(a.dir, dirMode); err != nil {
		return fmt.Errorf("set aside: %w", err)
	}
	name := fmt.Sprintf("%s-%d-%d-%d.fehler.json", strings.ReplaceAll(rec.Topic, string(filepath.Separator), "_"),
		rec.Partition, rec.Offset, rec.Timestamp.UnixMilli())
	return wrap("set aside", replace(filepath.Join(a.dir, name), raw))
}

// replace writes a file so that it is there whole, synced to disk, or not at all.
func replace(path string, content []byte) error {
	dir := filepath.Dir(path)
	temp, err := os.CreateTemp(dir, ".tmp-*")
	if err != nil {
		return err
	}
	_, err = temp.Write(content)
	err = errors.Join(err, temp.Chmod(fileMode), temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	d, err := os.Open(filepath.Clean(dir))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

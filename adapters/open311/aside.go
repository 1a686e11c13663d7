package open311

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/open311/georeport"
)

// aside is the folder with a report about each entry that cannot become an event. The
// entry itself stays in the foreign system.
type aside struct {
	dir  string
	most int
}

// maxAside is how many lie there at most: a server that sends nonsense, new at each
// question, fills no disk. What the hub refuses has room of its own, as large.
const maxAside = 10_000

// refusedEvents is how names of reports about refused events begin.
const refusedEvents = "ereignis-"

var errFull = errors.New("the folder for what is set aside is full")

// put writes why, once for each name; fresh tells whether it was not there before.
func (a aside) put(name, code, why string) (fresh bool, err error) {
	path := filepath.Join(a.dir, name+".fehler.json")
	if _, err := os.Stat(path); err == nil {
		return false, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("set aside: %w", err)
	}
	if err := os.MkdirAll(a.dir, dirMode); err != nil {
		return false, fmt.Errorf("set aside: %w", err)
	}
	full, err := a.full(strings.HasPrefix(name, refusedEvents))
	if err != nil || full {
		return false, wrap("set aside", cmp.Or(err, errFull))
	}
	raw, err := json.MarshalIndent(struct {
		Code string    `json:"code"`
		Text string    `json:"text"`
		Zeit time.Time `json:"zeit"`
	}{code, why, time.Now().UTC()}, "", " ")
	if err != nil {
		return false, fmt.Errorf("set aside: %w", err)
	}
	return true, wrap("set aside", replace(path, raw))
}

// full tells whether there is no room for one more refused event, or for one more of all
// the others.
func (a aside) full(refused bool) (bool, error) {
	entries, err := os.ReadDir(a.dir)
	count := 0
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), refusedEvents) == refused {
			count++
		}
	}
	return count >= a.most, err
}

// setAside reports on an entry, or says in the log that there is no room for that.
func (r *run) setAside(name, code, why string) error {
	fresh, err := r.aside.put(name, code, why)
	switch {
	case errors.Is(err, errFull):
		r.log.Error("open311: an entry cannot become an event, and the folder for what is set aside is full: look into it, then empty it",
			zap.String("report", name), zap.String("code", code), zap.Int("most", r.aside.most))
		return nil
	case fresh:
		r.log.Warn("open311: an entry cannot become an event and is set aside", zap.String("report", name), zap.String("code", code))
	}
	return err
}

// damaged sets a report aside whose memory cannot be read: the others go on.
func (r *run) damaged(id string) error {
	return r.setAside("gedaechtnis-"+digest(id), "memory-damaged",
		"what is remembered of a report is damaged, and its changes are not told: restore the memory from a backup")
}

// nameOf is the name of a report about an entry: the same entry has the same.
func nameOf(e georeport.Entry) string {
	f := e.Fields
	if e.Bad != "" {
		return "eintrag-" + digest(e.Bad, e.Digest)
	}
	if id := f["service_request_id"]; idForm.MatchString(id) {
		return "meldung-" + digest(id)
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(f)) {
		parts = append(parts, name, f[name])
	}
	return "eintrag-" + digest(parts...)
}

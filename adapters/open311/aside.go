package open311

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// aside is the folder with a report about each entry that cannot become an event. The
// entry itself stays in the foreign system.
type aside struct{ dir string }

// maxAside is how many lie there at most: a server that sends nonsense, new at each
// question, fills no disk.
const maxAside = 10_000

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
	entries, err := os.ReadDir(a.dir)
	if err != nil || len(entries) >= maxAside {
		return false, wrap("set aside", err)
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

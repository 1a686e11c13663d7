package zms

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/spool"
	"github.com/amtsbote/amtsbote/hub"
)

// aside writes down what became no event, and what the hub refuses for good.
type aside struct {
	dir    string
	secret secret
	log    *zap.Logger

	mu     sync.Mutex
	known  map[string]bool // processes: once each
	warned map[string]bool // by code
}

const (
	// maxAside is how many processes one run reports, and how many refused events the
	// folder takes.
	maxAside = 1000
	// asideKept is how long a report lies there.
	asideKept = 400 * 24 * time.Hour

	reportEnding  = ".fehler.json"
	refusedEnding = ".ereignis" + reportEnding
)

type report struct {
	Code    string          `json:"code"`
	Text    string          `json:"text"`
	Scope   string          `json:"scope,omitempty"`
	View    string          `json:"liste,omitempty"`          // day or status
	Process string          `json:"vorgangsnummer,omitempty"` // where it is found in ZMS
	Event   json.RawMessage `json:"ereignis,omitempty"`       // whole: nothing else has it any more
}

// process reports a process; ZMS still has it, so no more than maxAside are written.
func (a *aside) process(scope, view string, u Unreadable) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := hub.FaultOf(u.Fault)
	what := u.Process
	if what == "" {
		what = string(u.Raw)
	}
	name := a.secret.id("abgelegt", f.Code, scope, view, what)
	a.warn(f.Code)
	if a.known[name] || len(a.known) >= maxAside {
		return nil
	}
	if err := a.write(name+reportEnding, report{Code: f.Code, Text: f.Err.Error(), Scope: scope, View: view, Process: u.Process}); err != nil {
		return err
	}
	if a.known == nil {
		a.known = map[string]bool{}
	}
	a.known[name] = true
	return nil
}

// event sets an event aside that the hub refuses for good. When the folder has too many
// of them it stays where it is: it is nowhere else.
func (a *aside) event(e hub.Event, raw []byte, code string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.warn(code)
	lying, err := filepath.Glob(filepath.Join(a.dir, "*"+refusedEnding))
	if err != nil {
		return fmt.Errorf("set aside: %w", err)
	}
	if len(lying) >= maxAside {
		return hub.Retryable("abgelegt-voll", "set aside: the folder has %d events that the hub refused; look at them and remove them", len(lying))
	}
	return a.write(a.secret.id("abgelegt", e.ID())+refusedEnding, report{Code: code, Text: "the hub refuses the event for good", Event: raw})
}

// warn says once for each reason that something lies there.
func (a *aside) warn(code string) {
	if a.warned[code] {
		return
	}
	if a.warned == nil {
		a.warned = map[string]bool{}
	}
	a.warned[code] = true
	a.log.Warn("zms: something is set aside", zap.String("code", code), zap.String("folder", a.dir))
}

func (a *aside) write(name string, r report) error {
	raw, err := json.Marshal(r)
	if err == nil {
		err = os.MkdirAll(a.dir, spool.DirMode)
	}
	if err == nil && strings.HasSuffix(name, refusedEnding) {
		err = spool.Private(filepath.Join(a.dir, name), raw)
	} else if err == nil {
		err = spool.Replace(filepath.Join(a.dir, name), raw)
	}
	if err != nil {
		return fmt.Errorf("set aside: %w", err)
	}
	return nil
}

// sweep forgets old reports.
func (a *aside) sweep(now time.Time) error {
	if err := spool.Forget(a.dir, now.Add(-asideKept)); err != nil {
		return fmt.Errorf("forget old reports: %w", err)
	}
	return nil
}

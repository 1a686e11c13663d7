package app

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/console"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
)

// Adapters implements console.Hub.
func (h consoleHub) Adapters() (out []console.Adapter) {
	for _, ad := range h.a.Adapters() {
		one := console.Adapter{Name: ad.Name, Kind: ad.Kind, Application: ad.Application, InError: -1, Waits: -1}
		one.InError, one.Reasons = setAside(ad.Places.SetAside)
		if ad.intake != nil {
			one.Source = true
			one.Waits, one.Oldest = waitsIn(ad.Places.In)
			if w, ok := ad.intake.Source.(hub.Watched); ok {
				one.Watched, one.Looked = true, w.Looked()
			}
			if b := ad.intake.Broke(); b != nil {
				one.Broke, one.BrokeCode = b.At, b.Code
			}
		}
		out = append(out, one)
	}
	return out
}

const (
	reportEnding = ".fehler.json"
	maxListed    = 5000     // files of a folder that are counted
	maxReports   = 50       // reports that are read
	maxReport    = 64 << 10 // bytes of one
)

// setAside counts what lies in a folder of inputs that could not become events, and reads
// why of the newest; -1 when there is no such folder.
func setAside(dir string) (n int, reasons []console.SetAside) {
	if dir == "" {
		return -1, nil
	}
	reports := listed(dir, func(name string) bool { return strings.HasSuffix(name, reportEnding) })
	byCode := map[string]*console.SetAside{}
	for _, r := range reports[:min(len(reports), maxReports)] {
		code := reportCode(filepath.Join(dir, r.Name()))
		if byCode[code] == nil {
			byCode[code] = &console.SetAside{Code: code, Last: r.ModTime()}
		}
		byCode[code].N++
	}
	for _, one := range byCode {
		reasons = append(reasons, *one)
	}
	slices.SortFunc(reasons, func(a, b console.SetAside) int { return b.Last.Compare(a.Last) })
	return len(reports), reasons
}

// listed gives the files of a folder, the newest first; at most maxListed are looked at.
func listed(dir string, fits func(name string) bool) (out []os.FileInfo) {
	d, err := os.Open(dir) //nolint:gosec // a folder of the directory's adapters
	if err != nil {
		return nil
	}
	defer func() { _ = d.Close() }()
	entries, _ := d.ReadDir(maxListed)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && fits(e.Name()) {
			out = append(out, info)
		}
	}
	slices.SortFunc(out, func(a, b os.FileInfo) int { return b.ModTime().Compare(a.ModTime()) })
	return out
}

// reportCode reads the code of a report; its texts may hold what is personal.
func reportCode(path string) string {
	info, err := os.Stat(path)
	if err != nil || info.Size() > maxReport {
		return "?"
	}
	raw, err := os.ReadFile(path) //nolint:gosec // as above
	var r struct {
		Code string `json:"code"`
	}
	if err != nil || json.Unmarshal(raw, &r) != nil || r.Code == "" {
		return "?"
	}
	return r.Code
}

// waitsIn counts the inputs in a folder, and tells since when the oldest lies there; -1
// when it is no folder here.
func waitsIn(dir string) (n int, oldest time.Time) {
	if !filepath.IsAbs(dir) {
		return -1, time.Time{}
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return -1, time.Time{}
	}
	files := listed(dir, func(name string) bool { return !strings.HasPrefix(name, ".") })
	if len(files) > 0 {
		oldest = files[len(files)-1].ModTime()
	}
	return len(files), oldest
}

// Waiting implements console.Hub.
func (h consoleHub) Waiting(ctx context.Context, application string) (bus.Waiting, error) {
	return h.a.bus.WaitingIn(ctx, application)
}

// Undecided implements console.Hub. While much comes the cursor may stand a little behind.
func (h consoleHub) Undecided(ctx context.Context, in string) (time.Time, error) {
	var upTo decision.Cursor
	m, err := h.a.bus.Cursor(ctx, bus.Trail, decision.CursorSubject("trail", in))
	if err == nil && m != nil {
		err = json.Unmarshal(m.Data, &upTo)
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("read how far %s was decided: %w", in, err)
	}
	is, err := h.a.bus.State(ctx, in)
	if err != nil || is.Last <= upTo.Seq {
		return time.Time{}, err
	}
	if m, err = h.a.bus.At(ctx, in, upTo.Seq+1, ">"); err != nil || m == nil {
		return time.Time{}, err
	}
	return m.Time, nil
}

// Pause implements console.Hub.
func (h consoleHub) Pause(ctx context.Context, r console.PauseRequest) error {
	return h.a.pause(ctx, r)
}

// Paused implements console.Hub.
func (h consoleHub) Paused() (mailboxes, adapters map[string]*console.Pause) {
	mailboxes, adapters = map[string]*console.Pause{}, map[string]*console.Pause{}
	for _, app := range h.a.Federation().Applications() {
		if app.Mailbox == nil {
			continue
		}
		if one := h.a.pausedMailbox(app.ID); one != nil {
			mailboxes[app.ID] = one
		}
	}
	for _, ad := range h.a.Federation().Adapters {
		if one, _ := h.a.pauses.get(pausedSource + ad.Name); one != nil {
			adapters[ad.Name] = one
		}
	}
	return mailboxes, adapters
}

// Tokens implements console.Hub.
func (h consoleHub) Tokens(ctx context.Context) (out []console.Credential, err error) {
	book, err := h.a.tokens.open(ctx, h.a)
	if err != nil {
		return nil, err
	}
	all, err := book.List(ctx, "")
	for _, t := range all {
		out = append(out, console.Credential{Application: t.Application, ID: t.ID, Expires: t.Expires, Token: true})
	}
	return out, err
}

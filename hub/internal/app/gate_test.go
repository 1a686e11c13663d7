package app_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/app"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/event"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// TestGateTellsNothing sends what gate and schema refuse, with a marker in every
// name and value of the data, through a running hub: the marker is in no line of
// the log, in no record of the trail, and in QUARANTINE in the event itself only.
func TestGateTellsNothing(t *testing.T) {
	const marker = "NUTZLAST9"
	event1 := func(i int, members string) []byte {
		return fmt.Appendf(nil, `{"specversion":"1.0","id":"e-%d","source":%q,"type":%q,%s}`, i, hubtest.Source, hubtest.Ding, members)
	}
	var log lockedBuffer
	logger := zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewDevelopmentEncoderConfig()), &log, zap.DebugLevel))
	dir, w := t.TempDir(), newWatch()
	hubtest.WriteFederation(t, dir)
	a := startApp(t, app.Config{Directory: dir, Data: filepath.Join(t.TempDir(), "data"), Observer: w, Listen: "127.0.0.1:0", Log: logger})
	defer func() { stopApp(t, a) }()
	b, publish := local(t, a)
	bodies := []string{
		`"data":{"n":"` + marker + `"}`,
		`"data":{"n":1,"` + marker + `":"` + marker + `"}`,
		`"data":{"n":1,"text":"` + strings.Repeat(marker, 20) + `"}`,
		`"data":{"` + marker + `":1,"` + marker + `":2}`,
		`"data":{"n":1e999,"text":"` + marker + `"}`,
		`"data":"` + marker + `\ud800"`,
		`"data":{"n":1} ` + marker,
		`"data":` + strings.Repeat(`{"`+marker+`":`, 70) + `1` + strings.Repeat("}", 70),
		`"data_base64":"` + marker + `"`,
		`"data":"` + marker + `","datacontenttype":"text/plain"`,
		`"data":{"n":1},"time":"` + marker + `"`,
		`"data":{"n":1},"time":"2099-01-01T00:00:00Z","subject":"` + marker + `"`,
		`"data":{"n":1},"dataschema":"urn:` + marker + `"`,
		`"data":{"n":1},"` + marker + `":"` + marker + `"`,
		`"data":["` + marker + `"]`,
		marker,
	}
	for i, members := range bodies {
		publish("in.alpha.app."+hubtest.Ding, event1(i, members))
	}
	ds, _ := w.expect(t, len(bodies), 0)
	for _, d := range ds {
		if d.Outcome != hub.Quarantined {
			t.Errorf("%d is %s (%s)", d.Seq, d.Outcome, d.Code)
		}
	}
	must(t, b.Read(t.Context(), bus.Trail, 1, nil, func(m *event.Message) error {
		if bytes.Contains(m.Data, []byte(marker)) || strings.Contains(fmt.Sprint(m.Subject, m.Header), marker) {
			t.Errorf("the trail tells the content: %s %s", m.Subject, m.Data)
		}
		return nil
	}))
	// the record comes before what it says is carried out
	limit := time.After(hubtest.Patience)
	for resting := 0; resting < len(bodies); {
		resting = 0
		must(t, b.Read(t.Context(), bus.Quarantine, 1, []string{"quarantine.alpha.>"}, func(m *event.Message) error {
			if !bytes.Contains(m.Data, []byte(marker)) {
				t.Errorf("the event does not rest whole: %s", m.Data)
			}
			if strings.Contains(fmt.Sprint(m.Subject, m.Header), marker) {
				t.Errorf("the reason tells the content: %s %v", m.Subject, m.Header)
			}
			resting++
			return nil
		}))
		select {
		case <-limit:
			t.Fatalf("%d of %d events rest in quarantine", resting, len(bodies))
		case <-time.After(20 * time.Millisecond):
		}
	}
	if strings.Contains(log.String(), marker) {
		t.Errorf("the log tells the content: %s", log.String())
	}
}

// lockedBuffer takes a log from all goroutines.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lockedBuffer) Sync() error { return nil }

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

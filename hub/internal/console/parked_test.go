package console

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
	"github.com/amtsbote/amtsbote/hub/internal/parked"
)

// slow is a hub that does not come to the end of an act on a parked key in time.
type slow struct {
	known
	until chan time.Time // by when it should have
}

func (s slow) Unpark(ctx context.Context, _ string, _ Unpark) error {
	by, _ := ctx.Deadline()
	s.until <- by
	return fmt.Errorf("give back: %w", context.DeadlineExceeded)
}

func (slow) Parked(context.Context) ([]parked.Entry, error) {
	return []parked.Entry{{
		ParkedKey: decision.ParkedKey{Application: "beta.one", Direction: decision.Out}, Key: "Fall 1", Messages: 5000, Since: time.Now(), Underway: decision.ActReturn,
	}}, nil
}

// TestUnparkLong: an act that takes longer than a page may is told of as underway, before
// the page itself fails.
func TestUnparkLong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	hubtest.WriteFederation(t, dir)
	h := slow{known{fed: hubtest.Story(t, dir)}, make(chan time.Time, 1)}
	s, err := Start(Config{Listen: "127.0.0.1:0", Person: "test", Hub: h, Now: time.Now, Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	one, cookie := s.sessions.begin("test", nil, true)
	form := url.Values{"token": {one.token}, "app": {"beta.one"}, "key": {"Fall 1"}, "act": {decision.ActReturn}, "reason": {"Der Fall ist geschlossen"}}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/parked", strings.NewReader(form.Encode()))
	req.Host = s.base.Host
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.AddCookie(&http.Cookie{Name: s.sessionCookie(), Value: cookie})
	w := httptest.NewRecorder()
	s.http.Handler.ServeHTTP(w, req)
	body := w.Body.String()
	if w.Code != http.StatusOK || !strings.Contains(body, "Das dauert länger") || !strings.Contains(body, "wird gerade bearbeitet") || strings.Contains(body, `value="return"`) {
		t.Errorf("%d\n%s", w.Code, body)
	}
	if left := time.Until(<-h.until); left > timeout-5*time.Second {
		t.Errorf("the page would end before the act is given up: %s are left", left)
	}
}

package httpapi

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/hubtest"
)

// TestUploadsQuota: an organisation has as much in the blob store as its quota, counted
// over restarts; and few uploads at a time.
func TestUploadsQuota(t *testing.T) {
	b, fed := hubtest.Bus(t), hubtest.Federation(t)
	store, err := b.EnsureBlobs(t.Context(), hubtest.Layout.Blobs, 1)
	if err != nil {
		t.Fatal(err)
	}
	app, _ := fed.Application("alpha.app")
	org, _ := fed.Organisation("alpha")
	p := &Principal{Application: app, Federation: fed}
	put := func(u *Uploads, text string) int {
		w := httptest.NewRecorder()
		err := u.put(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/blobs", strings.NewReader(text)), p)
		if problem, ok := err.(*Problem); ok { //nolint:errorlint // as it is returned
			return problem.Status
		}
		return w.Code
	}
	u := &Uploads{Blobs: store, Log: zap.NewNop()}
	for _, text := range []string{"eins", "eins", "zwei!"} { // the same bytes count once
		if code := put(u, text); code != http.StatusCreated {
			t.Fatalf("%q is answered %d", text, code)
		}
	}
	u = &Uploads{Blobs: store, Log: zap.NewNop()} // after a restart
	if code := put(u, "drei"); code != http.StatusCreated || u.used["alpha"] != 9+leastBlob {
		t.Errorf("answered %d; the organisation has %d bytes, want %d", code, u.used["alpha"], 9+leastBlob)
	}
	if code := put(u, "drei"); code != http.StatusCreated || u.used["alpha"] != 9+2*leastBlob {
		t.Errorf("answered %d; the organisation has %d bytes: what is there already costs a little", code, u.used["alpha"])
	}
	u.used["alpha"] = org.QuotaBytes - MaxBlob + 1
	if code := put(u, ""); code != http.StatusCreated {
		t.Errorf("nothing at all: %d", code)
	}
	u.used["alpha"] = org.QuotaBytes - 3
	if code := put(u, "vier"); code != http.StatusInsufficientStorage {
		t.Errorf("beyond the quota: %d", code)
	}
	u.used["alpha"], u.underway["alpha.app"] = 0, uploads
	if code := put(u, "vier"); code != http.StatusTooManyRequests {
		t.Errorf("a fifth at a time: %d", code)
	}
}

package fit_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/internal/interop"
)

// opensslMAC is what openssl computed, see TestCallback.
const opensslMAC = "543337fc8d471ea09d9296bcd627a7a86ed8841972d04ef4524fae09b6e3c94afa7ec827ee3b0ececc4842b7b4460ecc7f0f1775e6bbc119d4b6a73d4b517a04"

func headers(timestamp, mac string) http.Header {
	h := http.Header{}
	h.Set(fit.CallbackTimestamp, timestamp)
	h.Set(fit.CallbackAuthentication, mac)
	return h
}

// TestRecordedCallbacks are those that FITKO's documentation prints.
func TestRecordedCallbacks(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(interop.Path(t, "data", "fit-connect", "samples", "docs-examples", "callback-hmac-vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			Secret    string `json:"secret"`
			Timestamp string `json:"callback-timestamp"`
			Body      string `json:"body"`
			MAC       string `json:"callback-authentication"`
		} `json:"vectors"`
	}
	if err := json.Unmarshal(raw, &file); err != nil || len(file.Vectors) == 0 {
		t.Fatal(len(file.Vectors), err)
	}
	for i, v := range file.Vectors {
		seconds, err := strconv.ParseInt(v.Timestamp, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		c, err := fit.ReadCallback(headers(v.Timestamp, v.MAC), []byte(v.Body), []byte(v.Secret), time.Unix(seconds, 0))
		if err != nil || c.Type != fit.NewSubmissions {
			t.Errorf("vector %d: %+v, %v", i, c, err)
		}
	}
}

// TestCallback: the authentication was computed with
// printf '1780000000.{"type":"t"}' | openssl dgst -sha512 -hmac geheim
func TestCallback(t *testing.T) {
	t.Parallel()
	const body, at = `{"type":"t"}`, "1780000000"
	mac := fit.CallbackMAC([]byte("geheim"), at, []byte(body))
	if mac != opensslMAC {
		t.Errorf("the authentication is %s", mac)
	}
	now := time.Unix(1780000000, 0)
	for _, c := range []struct {
		name, timestamp, mac, body, secret string
		now                                time.Time
		err                                error
	}{
		{"good", at, opensslMAC, body, "geheim", now, nil},
		{"just fresh", at, opensslMAC, body, "geheim", now.Add(fit.Fresh), nil},
		{"too old", at, opensslMAC, body, "geheim", now.Add(fit.Fresh + time.Second), fit.ErrCallbackStale},
		{"of the future", at, opensslMAC, body, "geheim", now.Add(-fit.Fresh - time.Second), fit.ErrCallbackStale},
		{"another body", at, opensslMAC, body + " ", "geheim", now, fit.ErrCallbackMAC},
		{"another time", "1780000001", opensslMAC, body, "geheim", now, fit.ErrCallbackMAC},
		{"another secret", at, opensslMAC, body, "anders", now, fit.ErrCallbackMAC},
		{"no secret", at, fit.CallbackMAC(nil, at, []byte(body)), body, "", now, fit.ErrCallbackMAC},
		{"no authentication", at, "", body, "geheim", now, fit.ErrCallbackMAC},
		{"no time", "x", fit.CallbackMAC([]byte("geheim"), "x", []byte(body)), body, "geheim", now, fit.ErrCallbackMAC},
		{"no JSON", at, fit.CallbackMAC([]byte("geheim"), at, []byte("x")), "x", "geheim", now, fit.ErrCallbackForm},
	} {
		if _, err := fit.ReadCallback(headers(c.timestamp, c.mac), []byte(c.body), []byte(c.secret), c.now); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func FuzzReadCallback(f *testing.F) {
	f.Add("1780000000", `{"type":"t","submissions":[{"destinationId":"a"}]}`)
	f.Fuzz(func(t *testing.T, timestamp, body string) {
		mac := fit.CallbackMAC([]byte("geheim"), timestamp, []byte(body))
		c, err := fit.ReadCallback(headers(timestamp, mac), []byte(body), []byte("geheim"), time.Unix(1780000000, 0))
		if (c == nil) == (err == nil) {
			t.Error(c, err)
		}
	})
}

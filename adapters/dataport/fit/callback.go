package fit

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Headers of a callback.
const (
	CallbackAuthentication = "callback-authentication"
	CallbackTimestamp      = "callback-timestamp"
	// CallbackPrefix is where the types of callbacks begin.
	CallbackPrefix = "https://schema.fitko.de/fit-connect/submission-api/callbacks/"
	// NewSubmissions is the type whose body is known.
	NewSubmissions = CallbackPrefix + "new-submissions"
	// Fresh is how old a callback may be.
	Fresh = 5 * time.Minute
)

// What can be wrong with a callback.
var (
	ErrCallbackMAC   = errors.New("the callback's authentication is wrong")
	ErrCallbackStale = errors.New("the callback is too old, or of the future")
	ErrCallbackForm  = errors.New("the callback cannot be read")
)

// Callback tells that something waits. It is a hint: what it says is asked for
// through the API.
type Callback struct {
	Type        string `json:"type"`
	Submissions []struct {
		Destination string `json:"destinationId"`
		Submission  string `json:"submissionId"`
		Case        string `json:"caseId"`
	} `json:"submissions"`
}

var digits = regexp.MustCompile(`^[0-9]{1,12}$`)

// CallbackMAC is the authentication of a callback: HMAC-SHA512 over the timestamp,
// a dot and the body, lower-case hexadecimal.
func CallbackMAC(secret []byte, timestamp string, body []byte) string {
	mac := hmac.New(sha512.New, secret)
	_, _ = mac.Write([]byte(timestamp + "."))
	_, _ = mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// ReadCallback checks authentication, then time, and only then reads the body.
func ReadCallback(h http.Header, body, secret []byte, now time.Time) (*Callback, error) {
	timestamp := h.Get(CallbackTimestamp)
	given, want := strings.ToLower(h.Get(CallbackAuthentication)), CallbackMAC(secret, timestamp, body)
	if len(secret) == 0 || !digits.MatchString(timestamp) || !hmac.Equal([]byte(given), []byte(want)) {
		return nil, ErrCallbackMAC
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if age := now.Sub(time.Unix(seconds, 0)); err != nil || age > Fresh || age < -Fresh {
		return nil, ErrCallbackStale
	}
	var c Callback
	if err := strictJSON(body, &c); err != nil || c.Type == "" {
		return nil, ErrCallbackForm
	}
	return &c, nil
}

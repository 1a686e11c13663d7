package webhookin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"github.com/amtsbote/amtsbote/adapters/internal/mapping"
	"github.com/amtsbote/amtsbote/hub"
)

// door answers webhooks: 2xx only once the event is stored and synced.
type door struct {
	*source
	in     hub.Intake
	key    []byte
	free   chan struct{} // one for each request that may be under way
	seen   *replays
	active sync.WaitGroup

	mu      sync.Mutex
	refused map[string]int // by code, since the start
	lines   *rate.Limiter
}

func newDoor(s *source, in hub.Intake, key []byte) *door {
	return &door{
		source: s, in: in, key: key, free: make(chan struct{}, s.set.AtOnce), seen: newReplays(2 * s.set.Sign.Freshness),
		refused: map[string]int{}, lines: rate.NewLimiter(10, 50),
	}
}

// wait waits for the requests under way.
func (d *door) wait() { d.active.Wait() }

// ServeHTTP implements http.Handler.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.active.Add(1)
	defer d.active.Done()
	select {
	case d.free <- struct{}{}:
		defer func() { <-d.free }()
	default:
		d.refuse(w, r, nil, later("busy", "too many requests at once"))
		return
	}
	body, a := d.read(w, r)
	if a == nil {
		a = d.take(r, body)
	}
	if a.status >= 300 {
		d.refuse(w, r, body, a)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]string{"id": a.id})
}

// answer to one request.
type answer struct {
	status int
	id     string // of the event
	code   string
	detail string // for the sender; nothing of the body
	retry  int    // seconds
}

func refusal(status int, code, detail string) *answer {
	return &answer{status: status, code: code, detail: detail}
}

func later(code, detail string) *answer {
	return &answer{status: http.StatusServiceUnavailable, code: code, detail: detail, retry: 5}
}

// read judges what can be told without the body's content, and reads it.
func (d *door) read(w http.ResponseWriter, r *http.Request) ([]byte, *answer) {
	switch {
	case r.URL.Path != d.set.Path:
		return nil, refusal(http.StatusNotFound, "not-found", "there is nothing at this path")
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		return nil, refusal(http.StatusMethodNotAllowed, "method", "webhooks come by POST")
	case !d.understood(r.Header.Get("Content-Type")) || r.Header.Get("Content-Encoding") != "":
		return nil, refusal(http.StatusUnsupportedMediaType, "media-type", "the Content-Type must be "+d.mediaType()+", without Content-Encoding")
	case r.ContentLength > d.set.MaxBytes:
		return nil, tooLarge(d.set.MaxBytes)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, d.set.MaxBytes))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, tooLarge(d.set.MaxBytes)
	}
	if err != nil {
		return nil, refusal(http.StatusBadRequest, "unreadable", "the body did not come whole")
	}
	return body, nil
}

func tooLarge(most int64) *answer {
	return refusal(http.StatusRequestEntityTooLarge, "too-large", "the body is larger than "+strconv.FormatInt(most, 10)+" bytes")
}

func (d *door) mediaType() string {
	if d.maps[0].Format() == mapping.XML {
		return "application/xml, text/xml or …+xml"
	}
	return "application/json or …+json"
}

func (d *door) understood(contentType string) bool {
	media, params, err := mime.ParseMediaType(contentType)
	if charset := params["charset"]; err != nil || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return false
	}
	if d.maps[0].Format() == mapping.XML {
		return media == "application/xml" || media == "text/xml" || strings.HasSuffix(media, "+xml")
	}
	return media == "application/json" || strings.HasSuffix(media, "+json")
}

// take verifies, maps and publishes.
func (d *door) take(r *http.Request, body []byte) *answer {
	secrets, err := readSecrets(d.set.Secrets, d.set.Sign.SecretForm)
	if err != nil {
		d.log.Error("webhook: secrets cannot be read", zap.Error(err))
		return later("no-secret", "the receiver is not set up completely")
	}
	mac, err := d.set.Sign.verify(r.Header, body, secrets, time.Now())
	if err != nil {
		return refusal(http.StatusUnauthorized, err.Error(), "the signature is missing, wrong or too old")
	}
	if id, known := d.seen.find(mac); known {
		return &answer{status: http.StatusOK, id: id}
	}
	e, err := d.event(r, body)
	if err != nil {
		return d.unmappable(err)
	}
	if err := d.in.Publish(r.Context(), e); err != nil {
		return d.unpublished(err)
	}
	d.seen.add(mac, e.ID())
	return &answer{status: http.StatusOK, id: e.ID()}
}

func (d *door) event(r *http.Request, body []byte) (hub.Event, error) {
	doc, err := d.maps[0].Read(body)
	if err != nil {
		return hub.Event{}, err
	}
	meta := map[string]string{}
	for _, name := range []string{d.set.Sign.ID, d.set.Sign.Timestamp} {
		if name != "" {
			meta[strings.ToLower(name)] = r.Header.Get(name)
		}
	}
	return d.maps.Event(doc, mapping.With{Source: d.set.Source, Key: d.key, Content: body, Meta: meta})
}

func (d *door) unmappable(err error) *answer {
	f := hub.FaultOf(err)
	switch f.Code {
	case "not-json", "not-xml":
		return refusal(http.StatusBadRequest, f.Code, f.Err.Error())
	case "too-large":
		return refusal(http.StatusRequestEntityTooLarge, f.Code, f.Err.Error())
	}
	return refusal(http.StatusUnprocessableEntity, f.Code, f.Err.Error())
}

// unpublished: a Permanent Fault is the sender's move, any other error is not.
func (d *door) unpublished(err error) *answer {
	f := hub.FaultOf(err)
	if f.Permanent {
		return refusal(http.StatusUnprocessableEntity, f.Code, "the hub refuses the event")
	}
	a := later("not-stored", "the event could not be stored; send it again")
	if seconds := int(f.After.Seconds()); seconds > a.retry {
		a.retry = seconds
	}
	return a
}

// refuse answers with a problem (RFC 9457), and counts it: what is refused at the
// door was never acknowledged, and is not kept.
func (d *door) refuse(w http.ResponseWriter, r *http.Request, body []byte, a *answer) {
	d.mu.Lock()
	d.refused[a.code]++
	n := d.refused[a.code]
	d.mu.Unlock()
	if r.Context().Err() == nil && d.lines.Allow() {
		sum := sha256.Sum256(body)
		d.log.Warn("webhook refused", zap.Int("status", a.status), zap.String("code", a.code), zap.Int("times", n),
			zap.Int("bytes", len(body)), zap.String("sha256", hex.EncodeToString(sum[:])))
	}
	if a.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(a.retry))
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(map[string]any{
		"type": "about:blank", "title": http.StatusText(a.status), "status": a.status, "code": a.code, "detail": a.detail,
	})
}

package httpapi

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// ProblemType is the media type of problems (RFC 9457, 6.1).
const ProblemType = "application/problem+json"

// Problem is why a request did not do what it asked for. It holds no value of the
// payload.
type Problem struct {
	Status int
	Code   refusal.Code
	// At is where in the event: an attribute, or a JSON Pointer that begins with "/data".
	At string
	// Detail says more than the sentence of the code; zero: nothing more.
	Detail     finding.Message
	Violations []Violation
	// Quarantine is the path at which the sender finds the refused event.
	Quarantine string
	// RetryAfter is when to try again; 0: not said.
	RetryAfter time.Duration
	// Header are further headers of the answer.
	Header map[string]string
}

// Violation is one rule that the event breaks.
type Violation struct {
	Pointer string // RFC 6901, from the event's root: "/data/person/name", "/source"
	Rule    string // keyword of JSON Schema, or the code of the refusal
	Message finding.Message
}

// Error implements error.
func (p *Problem) Error() string { return fmt.Sprintf("%d %s", p.Status, p.Code) }

// NewProblem makes a problem with the sentence of its code.
func NewProblem(status int, code refusal.Code) *Problem { return &Problem{Status: status, Code: code} }

// problemBody is a problem as it is written; members beyond RFC 9457 are described
// in the OpenAPI document.
type problemBody struct {
	Type       string          `json:"type"`
	Title      string          `json:"title"`
	Status     int             `json:"status"`
	Detail     string          `json:"detail,omitempty"`
	Code       refusal.Code    `json:"code"`
	At         string          `json:"at,omitempty"`
	Violations []violationBody `json:"violations,omitempty"`
	Quarantine string          `json:"quarantine,omitempty"`
}

type violationBody struct {
	Pointer string `json:"pointer"`
	Rule    string `json:"rule"`
	Detail  string `json:"detail"`
}

// body gives the problem in a language.
func (p *Problem) body(lang string) problemBody {
	b := problemBody{
		Type: "urn:amtsbote:problem:" + p.Code.Token(), Title: p.Code.Sentence(lang), Status: p.Status,
		Detail: in(lang, p.Detail), Code: p.Code, At: p.At, Quarantine: p.Quarantine,
	}
	for _, v := range p.Violations {
		b.Violations = append(b.Violations, violationBody{v.Pointer, v.Rule, in(lang, v.Message)})
	}
	return b
}

func in(lang string, m finding.Message) string {
	if lang == "de" {
		return m.De
	}
	return m.En
}

// WriteProblem answers r with p, in the language that r accepts.
func WriteProblem(w http.ResponseWriter, r *http.Request, p *Problem) {
	lang := Language(r)
	h := w.Header()
	for name, value := range p.Header {
		h.Set(name, value)
	}
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(p.RetryAfter.Seconds())))))
	}
	h.Set("Content-Language", lang)
	h.Set("Content-Type", ProblemType)
	writeBody(w, p.Status, p.body(lang))
}

// WriteJSON answers with a JSON body.
func WriteJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	writeBody(w, status, body)
}

func writeBody(w http.ResponseWriter, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil { // what is written here can always be encoded
		status, data = http.StatusInternalServerError, []byte("{}")
	}
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	_, _ = w.Write(data) // who asked may be gone
}

// Language is de or en, whichever r prefers (RFC 9110, 12.5.4); German when it does
// not say.
func Language(r *http.Request) string {
	best, quality := "de", 0.0
	for _, part := range strings.Split(r.Header.Get("Accept-Language"), ",") {
		tag, params, _ := strings.Cut(part, ";")
		tag, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		if tag != "de" && tag != "en" {
			continue
		}
		q := 1.0
		if v, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			parsed, err := strconv.ParseFloat(v, 64)
			if err != nil || !(parsed >= 0 && parsed <= 1) {
				continue
			}
			q = parsed
		}
		if q > quality {
			best, quality = tag, q
		}
	}
	return best
}

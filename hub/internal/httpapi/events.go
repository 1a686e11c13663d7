package httpapi

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// events answers POST /events.
func (d *Door) events(w http.ResponseWriter, r *http.Request, p *Principal) error {
	req, problem := d.read(w, r, p, func(r *refusal.Refusal, body []byte) {
		sum := sha256.Sum256(body)
		d.Refusals.Add(p.Application.ID, r.Code, hex.EncodeToString(sum[:]))
	}, func(req *request) *Problem {
		if problem := foreign(req); problem != nil {
			d.strange(p, req)
			return problem
		}
		return d.keep(r.Context(), p, req)
	})
	if problem != nil {
		return problem
	}
	d.record(p, req)
	if req.strict {
		w.Header().Set("Preference-Applied", "handling=strict")
	}
	answerAll(w, r, req, http.StatusAccepted)
	return nil
}

// check answers POST /check: the same, and nothing is kept or recorded.
func (d *Door) check(w http.ResponseWriter, r *http.Request, p *Principal) error {
	req, problem := d.read(w, r, p, func(*refusal.Refusal, []byte) {}, foreign)
	if problem != nil {
		return problem
	}
	answerAll(w, r, req, http.StatusOK)
	return nil
}

// strange writes down the events of a request that are from a source of others.
func (d *Door) strange(p *Principal, req *request) {
	for _, o := range req.events {
		if o.verdict.Code == refusal.SourceNotAllowed {
			d.Refusals.Add(p.Application.ID, refusal.SourceNotAllowed, o.verdict.Digest)
		}
	}
}

// foreign refuses a request whole when one of its events is from a source that is not
// the sender's: it speaks in somebody else's name.
func foreign(req *request) *Problem {
	problem := &Problem{Status: http.StatusForbidden, Code: refusal.SourceNotAllowed, At: "source"}
	for i, o := range req.events {
		if o.verdict.Code == refusal.SourceNotAllowed {
			at := ""
			if req.batch {
				at = "/" + strconv.Itoa(i)
			}
			problem.Violations = append(problem.Violations, violation(at, refusal.At(refusal.SourceNotAllowed, "source")))
		}
	}
	if len(problem.Violations) == 0 {
		return nil
	}
	return problem
}

// result is what became of an event.
type result struct {
	Status int    `json:"status,omitempty"` // in a batch
	ID     string `json:"id,omitempty"`
	Source string `json:"source,omitempty"`
	// Stored is where the acknowledged event lies; for a duplicate, the first one.
	Stored    *place       `json:"stored,omitempty"`
	Duplicate bool         `json:"duplicate,omitempty"`
	Code      refusal.Code `json:"code,omitempty"`
	// Receivers are told by a check only.
	Receivers []receiver   `json:"receivers,omitempty"`
	Problem   *problemBody `json:"problem,omitempty"`
}

type place struct {
	Stream   string `json:"stream"`
	Sequence uint64 `json:"sequence"`
}

type receiver struct {
	Application string `json:"application"`
	Agreement   string `json:"agreement"`
}

// answerAll answers a request whose events are judged, and stored as far as they are
// to be. passed is the status for what passes.
func answerAll(w http.ResponseWriter, r *http.Request, req *request, passed int) {
	lang := Language(r)
	if !req.batch {
		o := req.events[0]
		if problem := o.problem(); problem != nil {
			WriteProblem(w, r, problem)
			return
		}
		WriteJSON(w, passed, o.result(passed))
		return
	}
	out := struct {
		Results []result `json:"results"`
	}{make([]result, len(req.events))}
	for i, o := range req.events {
		out.Results[i] = o.result(passed)
		out.Results[i].Status = passed
		if problem := o.problem(); problem != nil {
			body := problem.body(lang)
			out.Results[i].Status, out.Results[i].Code, out.Results[i].Problem = problem.Status, problem.Code, &body
		}
	}
	status := http.StatusMultiStatus
	if len(req.events) == 0 {
		status = http.StatusOK
	}
	w.Header().Set("Content-Language", lang)
	WriteJSON(w, status, out)
}

func (o *one) result(passed int) result {
	out := result{ID: o.verdict.ID, Source: o.verdict.Source}
	at := o.place
	if o.verdict.Outcome == hub.Suppressed && o.verdict.Before != nil {
		at = o.verdict.Before.Ref
	}
	if o.duplicate() {
		out.Duplicate, out.Code = true, refusal.Duplicate
	}
	if at.Seq > 0 {
		out.Stored = &place{at.In, at.Seq}
	}
	if passed == http.StatusOK {
		for _, to := range o.verdict.Receivers {
			out.Receivers = append(out.Receivers, receiver{to.Application, to.Agreement})
		}
	}
	return out
}

// problem says why an event may not pass; nil when it may.
func (o *one) problem() *Problem {
	code := o.code()
	if code == "" {
		return nil
	}
	problem := &Problem{Status: statusOf(code), Code: code, At: o.verdict.At}
	for _, r := range o.verdict.Violations() {
		problem.Violations = append(problem.Violations, violation("", r))
	}
	at := o.place
	if o.verdict.Waits() {
		at = o.verdict.Before.Ref
	}
	if at != (decision.Ref{}) && at.Seq > 0 && problem.Status == http.StatusUnprocessableEntity {
		problem.Quarantine = QuarantinePath(o.verdict.Source, o.verdict.ID, at)
	}
	return problem
}

// violation tells of a refusal for people; at is the pointer to the event.
func violation(at string, r *refusal.Refusal) Violation {
	v := Violation{Pointer: at, Rule: string(r.Code)}
	switch {
	case r.At == "":
	case r.At[0] == '/':
		v.Pointer += r.At
	default:
		v.Pointer += "/" + r.At
	}
	v.Message = finding.Message{De: r.Code.Sentence("de"), En: r.Code.Sentence("en")}
	if r.Keyword != "" {
		v.Rule = r.Keyword
		v.Message = finding.Message{De: refusal.RuleSentence(r.Keyword, "de"), En: refusal.RuleSentence(r.Keyword, "en")}
	}
	return v
}

package desk

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/httpapi"
	"github.com/amtsbote/amtsbote/hub/internal/refusal"
)

// Door answers what applications ask of their desks by HTTP.
type Door struct {
	// Desk gives the desk of an application, by id; nil: it has none.
	Desk func(application string) *Desk
}

// Limits and defaults of a request.
const (
	maxEvents    = 100
	maxWait      = 60
	defaultLease = 60
	defaultSSE   = 10 // events at a time
	maxBody      = 1 << 20
	heartbeat    = 15 * time.Second
	writeTime    = 30 * time.Second
	// lingers are how long a request waits for the first event at least, and for more
	// once it has one: what lies ready needs a moment to be read.
	firstLinger = 250 * time.Millisecond
	moreLinger  = 25 * time.Millisecond
)

// leaseRequest is the body of a lease; all members can be left out.
type leaseRequest struct {
	Max   int  `json:"max"`
	Wait  int  `json:"wait"`
	Lease *int `json:"lease"`
}

// leased is an event in a client's hand, as it is written.
type leased struct {
	Token       string          `json:"token"`
	Delivery    string          `json:"delivery"`
	Attempt     int             `json:"attempt"`
	Redelivered bool            `json:"redelivered"`
	Agreement   string          `json:"agreement"`
	Until       time.Time       `json:"until"`
	Event       json.RawMessage `json:"event"`
}

func (l *Lease) written() (*leased, error) {
	e, err := l.Delivery.Event.MarshalJSON()
	if err != nil {
		return nil, err
	}
	return &leased{
		Token: l.Token, Delivery: l.Delivery.ID, Attempt: l.Delivery.Attempt, Redelivered: l.Delivery.Attempt > 1,
		Agreement: l.Delivery.Agreement, Until: l.Until.UTC(), Event: e,
	}, nil
}

// mine finds the desk that a request is about. Another's, one that is none, and a
// mailbox of another mode are not told apart.
func (h *Door) mine(r *http.Request, p *httpapi.Principal) (*Desk, error) {
	if app := r.PathValue("app"); app == p.Application.ID {
		if d := h.Desk(app); d != nil {
			return d, nil
		}
	}
	return nil, httpapi.NewProblem(http.StatusNotFound, refusal.NotFound)
}

func (h *Door) lease(w http.ResponseWriter, r *http.Request, p *httpapi.Principal) error {
	d, err := h.mine(r, p)
	if err != nil {
		return err
	}
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	req, err := readLease(body)
	if err != nil {
		return invalid(err)
	}
	calm(w)
	c := d.Ask(req.Max, time.Duration(*req.Lease)*time.Second, false)
	got := d.gather(r, c, time.Duration(req.Wait)*time.Second)
	c.Close(r.Context().Err() != nil)
	for len(c.C) > 0 { // what came at the last moment
		got = append(got, <-c.C)
	}
	out := struct {
		Events []*leased `json:"events"`
	}{[]*leased{}}
	for _, l := range got {
		one, err := l.written()
		if err != nil {
			return err
		}
		out.Events = append(out.Events, one)
	}
	httpapi.WriteJSON(w, http.StatusOK, out)
	return nil
}

// readLease reads the body of a lease request.
func readLease(body []byte) (req leaseRequest, err error) {
	req = leaseRequest{Max: 1}
	if len(bytes.TrimSpace(body)) > 0 {
		dec := json.NewDecoder(bytes.NewReader(body))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&req); err != nil {
			return req, Mistake{De: "kein JSON-Objekt {max, wait, lease}", En: "not a JSON object {max, wait, lease}"}
		}
		if _, err := dec.Token(); !errors.Is(err, io.EOF) {
			return req, Mistake{De: "hinter dem Objekt steht noch etwas", En: "something follows the object"}
		}
	}
	if req.Lease == nil {
		seconds := defaultLease
		req.Lease = &seconds
	}
	switch {
	case req.Max < 1 || req.Max > maxEvents:
		return req, Mistake{De: "max ist 1 bis 100 Ereignisse", En: "max is 1 to 100 events"}
	case req.Wait < 0:
		return req, Mistake{De: "wait ist 0 bis 60 Sekunden", En: "wait is 0 to 60 seconds"}
	case *req.Lease < 1 || *req.Lease > maxLease:
		return req, Mistake{De: "lease ist 1 bis 3600 Sekunden", En: "lease is 1 to 3600 seconds"}
	}
	req.Wait = min(req.Wait, maxWait)
	return req, nil
}

// gather waits for the first event, and takes what comes right behind it.
func (d *Desk) gather(r *http.Request, c *Client, wait time.Duration) (got []*Lease) {
	t := time.NewTimer(max(wait, firstLinger))
	defer t.Stop()
	for len(got) < cap(c.C) {
		select {
		case l := <-c.C:
			got = append(got, l)
			t.Reset(moreLinger)
		case <-t.C:
			return got
		case <-d.stopped:
			return got
		case <-r.Context().Done():
			return got
		}
	}
	return got
}

func (h *Door) settle(w http.ResponseWriter, r *http.Request, p *httpapi.Principal) error {
	d, err := h.mine(r, p)
	if err != nil {
		return err
	}
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	items, err := ReadItems(body)
	if err != nil {
		return invalid(err)
	}
	calm(w)
	httpapi.WriteJSON(w, http.StatusOK, d.Settle(r.Context(), items))
	return nil
}

func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		return body, nil
	}
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, httpapi.NewProblem(http.StatusRequestEntityTooLarge, refusal.TooLarge)
	}
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
		return nil, httpapi.NewProblem(http.StatusRequestTimeout, refusal.Timeout)
	}
	return nil, httpapi.NewProblem(http.StatusBadRequest, refusal.Smuggling)
}

func invalid(err error) error {
	p := httpapi.NewProblem(http.StatusBadRequest, refusal.RequestInvalid)
	if m, ok := errors.AsType[Mistake](err); ok {
		p.Detail = finding.Message(m)
	}
	return p
}

// calm lifts the time limit for reading, which is over while a request waits: the
// server would take it for the client's end.
func calm(w http.ResponseWriter) { _ = http.NewResponseController(w).SetReadDeadline(time.Time{}) }

// stream is Server-Sent Events (WHATWG HTML, 9.2): each leased event is a message
// of the type "delivery".
func (h *Door) stream(w http.ResponseWriter, r *http.Request, p *httpapi.Principal) error {
	d, err := h.mine(r, p)
	if err != nil {
		return err
	}
	window, err := number(r, "max", defaultSSE, maxEvents)
	if err != nil {
		return invalid(err)
	}
	lease, err := number(r, "lease", defaultLease, maxLease)
	if err != nil {
		return invalid(err)
	}
	calm(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	c := d.Ask(window, time.Duration(lease)*time.Second, true)
	defer c.Close(true)
	if write(w, ": amtsbote\n\n") != nil {
		return nil
	}
	d.follow(w, r, c)
	return nil
}

// number reads a parameter of the query.
func number(r *http.Request, name string, otherwise, most int) (int, error) {
	values := r.URL.Query()[name]
	if len(values) == 0 {
		return otherwise, nil
	}
	n, err := strconv.Atoi(values[0])
	if err != nil || n < 1 || n > most || len(values) > 1 {
		return 0, Mistake{De: name + " ist 1 bis " + strconv.Itoa(most), En: name + " is 1 to " + strconv.Itoa(most)}
	}
	return n, nil
}

func (d *Desk) follow(w http.ResponseWriter, r *http.Request, c *Client) {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		var err error
		select {
		case l := <-c.C:
			err = message(w, l)
		case <-tick.C:
			d.recount()
			err = write(w, ": \n\n")
		case <-d.stopped:
			return
		case <-r.Context().Done():
			return
		}
		if err != nil {
			return // the client is gone: what it has not settled goes back
		}
	}
}

func message(w http.ResponseWriter, l *Lease) error {
	one, err := l.written()
	if err != nil {
		return err
	}
	data, err := json.Marshal(one) // one line
	if err != nil {
		return err
	}
	return write(w, "id: "+l.Token+"\nevent: delivery\ndata: "+string(data)+"\n\n")
}

func write(w http.ResponseWriter, text string) error {
	c := http.NewResponseController(w)
	_ = c.SetWriteDeadline(time.Now().Add(writeTime))
	if _, err := io.WriteString(w, text); err != nil {
		return err
	}
	return c.Flush()
}

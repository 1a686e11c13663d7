package desk

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/httpapi"
)

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
	if !d.enter() {
		return tooMany()
	}
	defer d.leave()
	calm(w)
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	c := d.Ask(window, time.Duration(lease)*time.Second, true)
	defer c.Close(true)
	if write(w, ": amtsbote\n\n") != nil {
		return nil
	}
	d.follow(w, r, c, func() bool { return p.Again(r) == nil })
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

// follow writes what comes, until the client is gone or may not have it any more:
// what it has not settled goes back.
func (d *Desk) follow(w http.ResponseWriter, r *http.Request, c *Client, allowed func() bool) {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	asked := time.Now()
	for {
		var err error
		select {
		case l := <-c.C:
			if time.Since(asked) >= checked {
				if asked = time.Now(); !allowed() {
					return
				}
			}
			err = d.pass(w, c, l)
		case <-tick.C:
			if asked = time.Now(); !allowed() {
				return
			}
			d.recount()
			err = write(w, ": \n\n")
		case <-d.stopped:
			return
		case <-r.Context().Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// pass writes a lease, unless it was lost while the client did not read.
func (d *Desk) pass(w http.ResponseWriter, c *Client, l *Lease) error {
	d.taken(c)
	if l.over() {
		return nil
	}
	return message(w, l)
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

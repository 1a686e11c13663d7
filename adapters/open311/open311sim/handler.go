package open311sim

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Base is the path of the endpoint.
const Base = "/georeport/v2"

// Handler serves the endpoint below Base, and below /sim/ what a tester orders.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle(Base+"/", http.HandlerFunc(s.serve))
	mux.HandleFunc("POST /sim/meldungen", order(func(r Report) error { _, err := s.Put(r); return err }))
	mux.HandleFunc("GET /sim/meldungen", func(w http.ResponseWriter, _ *http.Request) { encode(w, s.Reports()) })
	mux.HandleFunc("POST /sim/meldungen/loeschen", order(func(r Report) error { s.Remove(r.ID); return nil }))
	mux.HandleFunc("POST /sim/aenderungen", order(func(u Update) error { s.Tell(u); return nil }))
	mux.HandleFunc("POST /sim/fehler", order(s.Order))
	return mux
}

// serve answers one call, with the fault that was ordered for it.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, Base+"/")
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+path)
	s.mu.Unlock()
	art := s.strike(r.Method)
	if fail(w, r, art) {
		return
	}
	dot := strings.LastIndexByte(path, '.')
	if dot < 0 || path[dot+1:] != "json" && path[dot+1:] != "xml" {
		http.NotFound(w, r)
		return
	}
	call := &call{Server: s, w: w, r: r, format: path[dot+1:], path: strings.Split(path[:dot], "/")}
	if done, ok := strings.CutPrefix(art, "getan-"); ok {
		call.w = discard{}
		call.serve()
		fail(w, r, done)
		return
	}
	call.serve()
}

// fail answers with a fault; false when there is none to answer with.
func fail(w http.ResponseWriter, r *http.Request, art string) bool {
	switch art {
	case "frist":
		<-r.Context().Done()
	case "429", "503":
		status, _ := strconv.Atoi(art)
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(status)
	case "500":
		w.WriteHeader(http.StatusInternalServerError)
	case "html":
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!DOCTYPE html><html><body>Wartungsarbeiten</body></html>"))
	case "kaputt":
		_, _ = w.Write([]byte(`[{"service_request_id":"1","sta`))
	case "riesig":
		endless(w, r)
	case "umleitung":
		http.Redirect(w, r, "/anderswo", http.StatusFound)
	case "weg":
		panic(http.ErrAbortHandler)
	default:
		return false
	}
	return true
}

// endless writes until the caller hangs up.
func endless(w http.ResponseWriter, r *http.Request) {
	piece := []byte(strings.Repeat(`{"service_request_id":"1"},`, 1000))
	_, err := w.Write([]byte("["))
	for err == nil && r.Context().Err() == nil {
		_, err = w.Write(piece)
	}
}

// discard is for an answer that never arrives.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(p []byte) (int, error) { return len(p), nil }
func (discard) WriteHeader(int)             {}

// call is one call of the endpoint.
type call struct {
	*Server

	w      http.ResponseWriter
	r      *http.Request
	format string
	path   []string
}

func (c *call) serve() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.w.Header().Set("Date", time.Now().Add(c.set.Clock).UTC().Format(http.TimeFormat))
	c.work()
	switch key := c.r.Method + " " + c.path[0]; {
	case key == "GET services":
		c.services()
	case key == "GET requests":
		c.requests()
	case key == "GET tokens" && len(c.path) == 2:
		c.token()
	case key == "POST requests" && len(c.path) == 1:
		c.post()
	case c.path[0] == "requests" && len(c.path) == 2 && c.r.Method == c.set.writes():
		c.edit()
	case c.path[0] == "servicerequestupdates" && c.set.Dialect == "fixmystreet":
		c.told()
	default:
		c.refuse(http.StatusNotFound)
	}
}

// refuse answers as the specification has errors.
func (c *call) refuse(status int) {
	c.answer(c.w, status, c.format, "errors", "error", []item{{{"code", strconv.Itoa(status)}, {"description", "Simulator"}}}, false)
}

func (c *call) services() {
	var items []item
	for _, s := range c.set.Services {
		items = append(items, item{
			{"service_code", s.Code},
			{"service_name", s.Name},
			{"description", ""},
			{"metadata", "false"},
			{"type", s.kind()},
			{"keywords", ""},
			{"group", ""},
		})
	}
	c.answer(c.w, http.StatusOK, c.format, "services", "service", items, false)
}

func (c *call) requests() {
	q, one := c.r.URL.Query(), len(c.path) == 2
	extensions := q.Get("extensions") == "true"
	if one {
		q = url.Values{"service_request_id": {c.path[1]}}
	}
	found, total, err := c.list(q, one)
	switch {
	case err != nil:
		c.refuse(http.StatusBadRequest)
		return
	case len(found) == 0 && one:
		c.refuse(http.StatusNotFound)
		return
	}
	items := make([]item, 0, len(found))
	for _, r := range found {
		i := c.fields(r)
		if extensions && c.set.Dialect == "klarschiff" {
			i = append(i, [2]string{"extended_attributes.detailed_status", r.Detail})
		}
		items = append(items, i)
	}
	if extensions && c.set.Dialect == "mark-a-spot" && c.format == "json" {
		c.extended(found, items, total)
		return
	}
	c.answer(c.w, http.StatusOK, c.format, "service_requests", "request", items, false)
}

// token gives the id that belongs to a token, from the second question on.
func (c *call) token() {
	i := slices.IndexFunc(c.reports, func(r *Report) bool { return r.token != "" && r.token == c.path[1] })
	if i < 0 {
		c.refuse(http.StatusNotFound)
		return
	}
	r := c.reports[i]
	answer := item{{"service_request_id", ""}, {"token", r.token}}
	if r.seen++; r.seen > 1 {
		answer[0][1] = r.ID
	}
	c.answer(c.w, http.StatusOK, c.format, "service_requests", "request", []item{answer}, false)
}

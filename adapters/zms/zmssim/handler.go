package zmssim

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/internal/simhttp"
)

// BasePath is that of zmsbackend-swagger.json.
const BasePath = "/terminvereinbarung/api/2"

// Handler serves the backend, and below /sim/ what a tester orders:
//
//	POST /sim/termine  a process: entered, or its fields put
//	POST /sim/weg      {"id": "…"}: a process is there no more
//	POST /sim/frei     a Slot
//	POST /sim/fehler   a simhttp.Fault
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, serve := range map[string]func(*http.Request) (int, any){
		"GET /scope/{id}/process/{day}/":           s.day,
		"GET /scope/{id}/process/status/{status}/": s.withStatus,
		"GET /process/{id}/":                       s.one,
		"GET /process/externaluserid/{external}/":  s.external,
		"POST /process/status/free/":               s.free,
		"POST /process/status/reserved/":           s.reserve,
		"POST /process/status/confirmed/":          s.confirm,
		"DELETE /process/{id}/":                    s.remove,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+BasePath+path+"{$}", s.Befall(s.admit(serve)))
	}
	mux.HandleFunc("POST "+BasePath+"/workstation/login/{$}", s.Befall(s.login))
	s.orders(mux)
	return mux
}

// envelope writes an answer as schema-metaresult.json has it.
func (s *Server) envelope(w http.ResponseWriter, status int, data any) {
	w.Header().Set("Content-Type", "application/json")
	meta := map[string]any{
		"$schema": "https://schema.berlin.de/queuemanagement/metaresult.json", "error": status != http.StatusOK,
		"generated": "2024-09-24T16:48:37+02:00", "server": "Zmsbackend-SIMULATOR",
	}
	if list, ok := data.([]any); ok {
		meta["length"] = len(list)
	}
	if s.PHP {
		data = php(data)
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"$schema": "https://localhost" + BasePath + "/", "meta": meta, "data": data})
}

// php writes lists of processes as objects with counting keys, and empty objects as [],
// as the fixtures have them.
func php(data any) any {
	list, ok := data.([]any)
	if !ok || len(list) == 0 {
		return data
	}
	out := map[string]any{}
	for i, item := range list {
		out[strconv.Itoa(i)] = item
	}
	return out
}

// login is POST /workstation/login/.
func (s *Server) login(w http.ResponseWriter, r *http.Request) {
	var account struct{ ID, Password string }
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&account)
	switch {
	case err != nil:
		s.envelope(w, http.StatusBadRequest, nil)
		return
	case account.ID != s.Name || account.Password != s.Password:
		s.envelope(w, http.StatusNotFound, nil)
		return
	}
	key := strings.ToLower(rand.Text())
	s.mu.Lock()
	s.keys = []string{key} // one session an account
	s.mu.Unlock()
	s.envelope(w, http.StatusOK, map[string]any{
		"id": "1", "name": "1", "authkey": key, "useraccount": map[string]any{"id": account.ID, "permissions": map[string]any{"appointment": true}},
	})
}

func (s *Server) admit(serve func(*http.Request) (int, any)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		in := s.Name == "" || slices.Contains(s.keys, r.Header.Get("X-Authkey"))
		s.mu.Unlock()
		if !in {
			s.envelope(w, http.StatusUnauthorized, nil)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
		status, data := serve(r)
		s.envelope(w, status, data)
	}
}

func (s *Server) orders(mux *http.ServeMux) {
	simhttp.Order(mux, "termine", func(raw json.RawMessage) error { return s.Put(raw) })
	simhttp.Order(mux, "weg", func(o struct {
		ID string `json:"id"`
	},
	) error {
		return s.Remove(o.ID)
	})
	simhttp.Order(mux, "frei", func(slot Slot) error { s.Offer(slot); return nil })
	simhttp.Order(mux, "fehler", s.Order)
}

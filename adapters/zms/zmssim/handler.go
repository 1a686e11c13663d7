package zmssim

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
)

// BasePath is that of zmsbackend-swagger.json.
const BasePath = "/terminvereinbarung/api/2"

// Handler serves the backend, and below /sim/ what a tester orders:
//
//	POST /sim/termine  a process: entered, or its fields put
//	POST /sim/weg      {"id": "…"}: a process is there no more
//	POST /sim/frei     a Slot
//	POST /sim/fehler   a Fault
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
		mux.HandleFunc(method+" "+BasePath+path+"{$}", s.fault(s.admit(serve)))
	}
	mux.HandleFunc("POST "+BasePath+"/workstation/login/{$}", s.fault(s.login))
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

// fault lets what was ordered befall a call.
func (s *Server) fault(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		f := s.strike(r.URL.Path)
		if f == nil {
			next(w, r)
			return
		}
		befall(w, r, *f, next)
	}
}

func (s *Server) strike(path string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	for i, f := range s.faults {
		if !strings.Contains(path, f.Pfad) {
			continue
		}
		if f.Vorher > 0 {
			f.Vorher--
			continue
		}
		if f.Mal--; f.Mal == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
		return f
	}
	return nil
}

// huge is more than eai.MaxAnswer.
const huge = 17 << 20

func befall(w http.ResponseWriter, r *http.Request, f Fault, next http.HandlerFunc) {
	switch f.Art {
	case "frist":
		_, _ = io.Copy(io.Discard, r.Body) // only then the server notices that the caller has left
		<-r.Context().Done()
	case "leer":
		w.Header().Set("Content-Type", "application/json")
	case "unlesbar":
		_, _ = io.WriteString(w, "<html><body>Wartungsarbeiten</body></html>")
	case "riesig":
		_, _ = io.WriteString(w, `{"meta":{"error":false},"data":["`+strings.Repeat("x", huge)+`"]}`)
	case "typen":
		_, _ = io.WriteString(w, `{"meta":{"error":false},"data":"Zaunkönig"}`)
	case "abgeschnitten":
		rec := httptest.NewRecorder()
		next(rec, r)
		_, _ = w.Write(rec.Body.Bytes()[:rec.Body.Len()/2])
	case "verloren":
		next(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	default:
		if f.Nach > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(f.Nach))
		}
		status, _ := strconv.Atoi(f.Art)
		http.Error(w, "Zaunkönig ist nicht erreichbar", status) // what a proxy writes: no envelope
	}
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
	order(mux, "termine", func(raw json.RawMessage) error { return s.Put(raw) })
	order(mux, "weg", func(o struct {
		ID string `json:"id"`
	},
	) error {
		return s.Remove(o.ID)
	})
	order(mux, "frei", func(slot Slot) error { s.Offer(slot); return nil })
	order(mux, "fehler", s.Order)
}

func order[T any](mux *http.ServeMux, name string, do func(T) error) {
	mux.HandleFunc("POST /sim/"+name, func(w http.ResponseWriter, r *http.Request) {
		var o T
		dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
		dec.DisallowUnknownFields()
		err := dec.Decode(&o)
		if err == nil {
			err = do(o)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

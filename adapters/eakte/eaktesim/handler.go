package eaktesim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/internal/simhttp"
)

// BasePath is that of the OpenAPI of 1.2.5.
const BasePath = "/api"

// Handler serves the REST-EAI, and POST /sim/fehler (a simhttp.Fault).
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, serve := range map[string]http.HandlerFunc{
		"POST /files":                 s.create("files", "apentry"),
		"POST /procedures":            s.create("procedures", "referrednumber"),
		"POST /files/search":          s.search("files", "apentry"),
		"POST /procedures/search":     s.search("procedures", "referrednumber"),
		"GET /files/{coo}":            s.read("files", "apentry"),
		"GET /procedures/{coo}":       s.read("procedures", "referrednumber"),
		"GET /procedureObjects/{coo}": s.within("incomings"),
		"GET /documentObjects/{coo}":  s.within("contents"),
		"POST /incomings":             s.incoming,
	} {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+BasePath+path, s.Befall(s.admit(serve)))
	}
	simhttp.Order(mux, "fehler", s.Order)
	return mux
}

// admit checks the technical user (401), and the header that each call must have.
func (s *Server) admit(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		basic := s.User != "" && user == s.User && password == s.Password
		bearer := s.Token != "" && r.Header.Get("Authorization") == "Bearer "+s.Token
		if !basic && !bearer && s.User+s.Token != "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.Header.Get("userlogin") == "" {
			refuse(w, "INTERN", 400)
			return
		}
		next(w, r)
	}
}

// refuse is 400 with DmsErrorResponse. Its text names what nobody may repeat.
func refuse(w http.ResponseWriter, source string, status int) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.NewEncoder(w).Encode(map[string]any{"fehlerQuelle": source, "status": status, "text": "Das Objekt Zaunkönig ist nicht zulässig"})
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (s *Server) references(all []Object) []map[string]string {
	out := []map[string]string{}
	for _, o := range all {
		if s.Yaml {
			out = append(out, map[string]string{"name": o.Name(), "id": o.COO})
		} else {
			out = append(out, map[string]string{"objname": o.Name(), "objaddress": o.COO})
		}
	}
	return out
}

func body(w http.ResponseWriter, r *http.Request) (map[string]string, bool) {
	var fields map[string]string
	if json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&fields) != nil {
		refuse(w, "INTERN", 400)
		return nil, false
	}
	return fields, true
}

// create is POST /files and /procedures; place is the field that is required.
func (s *Server) create(kind, place string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		fields, ok := body(w, r)
		if !ok {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		in := fields[place]
		if parent, there := s.get(in); in == "" || kind == "procedures" && there && parent.Kind != "files" {
			refuse(w, "DMS", 400)
			return
		}
		o := s.add(Object{Kind: kind, In: in, Fields: fields})
		write(w, map[string]string{"objid": o.COO, "objname": o.Name()})
	}
}

// search finds by the subject, or a part of it: it may find more than was meant.
func (s *Server) search(kind, place string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		wanted, ok := body(w, r)
		if !ok {
			return
		}
		var hits []Object
		for _, o := range s.Objects(kind) {
			if o.In == wanted[place] && strings.HasPrefix(o.Fields["filesubj"], "Amtsbote-") {
				hits = append(hits, o)
			}
		}
		hits = hits[max(0, len(hits)-5):] // near misses, and not too many of them
		if exact := slices.IndexFunc(s.Objects(kind), func(o Object) bool { return o.In == wanted[place] && o.Fields["filesubj"] == wanted["filesubj"] }); exact >= 0 {
			hits = append(hits, s.Objects(kind)[exact])
		}
		write(w, map[string]any{"giobjecttype": s.references(hits)})
	}
}

func (s *Server) read(kind, place string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		o, ok := s.get(r.PathValue("coo"))
		s.mu.Unlock()
		if !ok || o.Kind != kind {
			refuse(w, "DMS", 404)
			return
		}
		write(w, map[string]any{"shortname": o.Fields["shortname"], "filesubj": o.Fields["filesubj"], place: o.In, "objname": o.Name()})
	}
}

func (s *Server) within(kind string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		_, there := s.get(r.PathValue("coo"))
		s.mu.Unlock()
		if !there {
			refuse(w, "DMS", 404)
			return
		}
		var all []Object
		for _, o := range s.Objects(kind) {
			if o.In == r.PathValue("coo") {
				all = append(all, o)
			}
		}
		write(w, map[string]any{"giobjecttype": s.references(all)})
	}
}

// incoming is POST /incomings: nothing is made of a body that breaks off.
func (s *Server) incoming(w http.ResponseWriter, r *http.Request) {
	form, err := r.MultipartReader()
	if err != nil {
		refuse(w, "INTERN", 400)
		return
	}
	params, contents, err := s.parts(form)
	s.mu.Lock()
	defer s.mu.Unlock()
	if params != nil {
		s.busy[s.fileOf(params["referrednumber"])]--
	}
	if err != nil {
		refuse(w, "INTERN", 400)
		return
	}
	parent, there := s.get(params["referrednumber"])
	if !there || parent.Kind != "procedures" {
		refuse(w, "DMS", 400)
		return
	}
	o := s.add(Object{Kind: "incomings", In: parent.COO, Fields: params})
	var made []Object
	for _, c := range contents {
		c.In = o.COO
		made = append(made, s.add(c))
	}
	write(w, map[string]any{"objid": o.COO, "objname": o.Name(), "giobjecttype": s.references(made)})
}

var errParts = errors.New("the parts are not those of CreateIncomingRequestBodyDTO")

func (s *Server) parts(form *multipart.Reader) (params map[string]string, contents []Object, err error) {
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return params, nil, err
		}
		switch part.FormName() {
		case "params":
			var given map[string]string
			if err := json.NewDecoder(io.LimitReader(part, 1<<20)).Decode(&given); err != nil || params != nil {
				return params, nil, errParts
			}
			params = given
			s.begin(params["referrednumber"])
		case "giattachmenttype":
			sum := sha256.New()
			n, err := io.Copy(sum, part)
			if err != nil {
				return params, nil, err
			}
			contents = append(contents, Object{
				Kind: "contents", Fields: map[string]string{"filename": part.FileName(), "mediaType": part.Header.Get("Content-Type")},
				SHA256: hex.EncodeToString(sum.Sum(nil)), Size: n,
			})
		default:
			return params, nil, errParts
		}
	}
	if params == nil {
		return nil, nil, errParts
	}
	return params, contents, nil
}

func (s *Server) begin(procedure string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	file := s.fileOf(procedure)
	s.busy[file]++
	s.busiest = max(s.busiest, s.busy[file])
}

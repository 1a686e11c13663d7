package ewosim

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// BasePath of the facade, as in the Swagger.
const BasePath = "/personen/2.0/rest"

// Facade answers like the gateway. Recorded chooses the form of the answers that
// were recorded, else it is that of the Swagger. User "" lets everybody in.
type Facade struct {
	Register       *Register
	Recorded       bool
	User, Password string
}

// Handler serves the gateway's four calls below BasePath.
func (f *Facade) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+BasePath+"/person/{om}", f.admit(f.read(plain, "person")))
	mux.HandleFunc("GET "+BasePath+"/personErweitert/{om}", f.admit(f.read(whole, "personErweitert")))
	mux.HandleFunc("POST "+BasePath+"/person/search", f.admit(f.search(plain, "antwort", "person")))
	mux.HandleFunc("POST "+BasePath+"/personErweitert/search", f.admit(f.search(whole, "antwortErweitert", "personErweitert")))
	return mux
}

// admit checks the credentials and lets ordered faults strike.
func (f *Facade) admit(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		user, password, _ := req.BasicAuth()
		if f.User != "" && (user != f.User || password != f.Password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="EWO-EAI"`)
			http.Error(w, "", http.StatusUnauthorized)
			return
		}
		switch art := f.Register.strike(req.PathValue("om")); art {
		case "":
			next(w, req)
		case "frist":
			_, _ = io.Copy(io.Discard, req.Body) // only then the server notices that the caller has left
			<-req.Context().Done()
		case "leer":
			w.Header().Set("Content-Type", "application/json;charset=UTF-8")
		case "unlesbar":
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<html><body>Wartungsarbeiten</body></html>"))
		default:
			status, _ := strconv.Atoi(art)
			http.Error(w, "", status)
		}
	}
}

func (f *Facade) read(view func(map[string]any) map[string]any, wrap string) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Query().Get("benutzerId") == "" {
			http.Error(w, "", http.StatusBadRequest)
			return
		}
		p := f.Register.get(req.PathValue("om"))
		switch {
		case p == nil:
			f.write(w, map[string]any{}) // EWOSucheKeinResponse.json
		case f.Recorded:
			f.write(w, map[string]any{wrap: recordedForm(view(p))})
		default:
			f.write(w, view(p))
		}
	}
}

func (f *Facade) search(view func(map[string]any) map[string]any, answer, item string) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		var q struct {
			Benutzer struct {
				ID string `json:"benutzerId"`
			} `json:"benutzer"`
			Kriterien map[string]any `json:"suchkriterien"`
		}
		err := json.NewDecoder(http.MaxBytesReader(w, req.Body, 1<<20)).Decode(&q)
		if err != nil || q.Benutzer.ID == "" || q.Kriterien["datensatzstatus"] == nil {
			http.Error(w, "", http.StatusBadRequest)
			return
		}
		hits := []any{}
		for _, p := range f.Register.all() {
			if fits(p, q.Kriterien) {
				hits = append(hits, view(p))
			}
		}
		switch {
		case len(hits) == 0 && f.Recorded:
			f.write(w, map[string]any{})
		case f.Recorded:
			f.write(w, map[string]any{answer: map[string]any{item: recordedForm(hits)}})
		default:
			f.write(w, map[string]any{"personen": hits})
		}
	}
}

func (f *Facade) write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	_ = json.NewEncoder(w).Encode(v)
}

// fits holds a person against the criteria; those that are not known here fit
// nobody, so that a search is never wider than asked for.
func fits(p map[string]any, criteria map[string]any) bool {
	for key, wanted := range criteria {
		want, _ := wanted.(string)
		switch key {
		case "datensatzstatus":
			status, _ := p["personstatus"].(string)
			inactive := strings.HasPrefix(status, "INAKTUELL")
			if want == "AKTUELL" && inactive || want == "INAKTUELL" && !inactive {
				return false
			}
		case "geburtsdatum":
			date, _ := wanted.(map[string]any)
			if !same(at(p, "geburtsdaten", "datum", "datum"), date["datum"]) {
				return false
			}
		case "familienname":
			if !same(at(p, "namen", "familienname", "name"), want) {
				return false
			}
		case "vorname":
			first, _ := at(p, "namen", "vornamen").([]any)
			if len(first) == 0 || !same(at(first[0], "vorname"), want) {
				return false
			}
		case "geschlecht", "ordnungsmerkmal":
			if !same(p[key], want) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

func same(a, b any) bool {
	x, ok := a.(string)
	y, _ := b.(string)
	return ok && strings.EqualFold(x, y)
}

func at(v any, path ...string) any {
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

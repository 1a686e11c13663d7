package ewosim

import (
	"encoding/json"
	"io"
	"net/http"
)

// Handler serves the facade, and below /sim/ what a tester orders:
//
//	POST /sim/personen     a PersonErweitert: entered or replaced, the feed told
//	POST /sim/aenderungen  {"ordnungsmerkmal": "…", "mal": 2}: the feed told, nothing changed
//	POST /sim/umnummern    {"von": "…", "nach": "…"}: another Ordnungsmerkmal
//	POST /sim/fehler       a Fault
func Handler(f *Facade) http.Handler {
	mux := http.NewServeMux()
	mux.Handle(BasePath+"/", f.Handler())
	mux.HandleFunc("POST /sim/personen", func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, 1<<20))
		if err == nil {
			err = f.Register.Put(body)
		}
		answer(w, err)
	})
	order(mux, "aenderungen", func(o struct {
		OM  string `json:"ordnungsmerkmal"`
		Mal int    `json:"mal"`
	},
	) error {
		return f.Register.Announce(o.OM, max(o.Mal, 1))
	})
	order(mux, "umnummern", func(o struct{ Von, Nach string }) error { return f.Register.Renumber(o.Von, o.Nach) })
	order(mux, "fehler", f.Register.Order)
	return mux
}

func order[T any](mux *http.ServeMux, name string, do func(T) error) {
	mux.HandleFunc("POST /sim/"+name, func(w http.ResponseWriter, req *http.Request) {
		var o T
		dec := json.NewDecoder(http.MaxBytesReader(w, req.Body, 1<<20))
		dec.DisallowUnknownFields()
		err := dec.Decode(&o)
		if err == nil {
			err = do(o)
		}
		answer(w, err)
	})
}

func answer(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

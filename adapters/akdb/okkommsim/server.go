package okkommsim

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/amtsbote/amtsbote/adapters/akdb/okkomm"
	"github.com/amtsbote/amtsbote/adapters/akdb/xoev"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// Server is OK.KOMM. It is safe for concurrent use.
type Server struct {
	kennung, name string

	mu      sync.Mutex
	laidOut [][]byte // for KomService
	persons []Person // for 1330
	asked   []string // nachrichtenUUIDs that XoevService has answered
	faults  []Fault
	watch   func(question, answer []byte)
}

// Fault is what goes wrong with the next calls.
type Fault struct {
	// Art: frist (no answer until the caller gives up), soap-client, soap-server
	// (a SOAP 1.1 fault), fehler (ZKOCXML with FEHLER), verwechselt (the answer
	// names another question), doppelt (KomService gives its messages and keeps
	// them), unlesbar (an HTML page).
	Art string `json:"art"`
	Mal int    `json:"mal"` // how many calls; 0 means once
}

var arten = []string{"frist", "soap-client", "soap-server", "fehler", "verwechselt", "doppelt", "unlesbar"}

// New makes a server that answers in the name of an authority (DVDV key, name).
func New(kennung, name string) *Server { return &Server{kennung: kennung, name: name} }

// LayOut puts messages where the next ABRUFEN of KomService finds them.
func (s *Server) LayOut(messages ...[]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.laidOut = append(s.laidOut, messages...)
}

// Asked lists the nachrichtenUUIDs of questions that were answered, in order.
func (s *Server) Asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// Order orders a fault.
func (s *Server) Order(f Fault) error {
	if !slices.Contains(arten, f.Art) {
		return errors.New("fault: art must be one of " + strings.Join(arten, ", "))
	}
	f.Mal = max(f.Mal, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
	return nil
}

// Watch has f see every question to XoevService with its answer.
func (s *Server) Watch(f func(question, answer []byte)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = f
}

func (s *Server) strike() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.faults) == 0 {
		return ""
	}
	art := s.faults[0].Art
	if s.faults[0].Mal--; s.faults[0].Mal == 0 {
		s.faults = s.faults[1:]
	}
	return art
}

// Handler serves /services/XoevService and /services/KomService, and below /sim/
// what a tester orders: POST /sim/auslegen (a message), POST /sim/personen (a
// Person), POST /sim/fehler (a Fault).
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /services/XoevService", s.service(okkomm.XoevService, s.answer))
	mux.HandleFunc("POST /services/KomService", s.service(okkomm.KomService, s.fetch))
	mux.HandleFunc("POST /sim/auslegen", func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, 40<<20))
		if err == nil {
			s.LayOut(body)
		}
		done(w, err)
	})
	mux.HandleFunc("POST /sim/personen", order(s.Put))
	mux.HandleFunc("POST /sim/fehler", order(s.Order))
	return mux
}

// order decodes what a tester orders, and does it.
func order[T any](do func(T) error) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		var o T
		err := json.NewDecoder(http.MaxBytesReader(w, req.Body, 1<<20)).Decode(&o)
		if err == nil {
			err = do(o)
		}
		done(w, err)
	}
}

func done(w http.ResponseWriter, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (s *Server) service(of okkomm.Service, answer func(payload []byte, fault string) ([]byte, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, 64<<20))
		if err != nil {
			return
		}
		payload, named, err := okkomm.ReadRequest(body)
		action := req.Header["Soapaction"]
		if err != nil || named != of || len(action) != 1 || action[0] != `""` {
			fault(w, "Client")
			return
		}
		art := s.strike()
		switch art {
		case "frist":
			<-req.Context().Done()
			return
		case "soap-client":
			fault(w, "Client")
			return
		case "soap-server":
			fault(w, "Server")
			return
		case "unlesbar":
			_, _ = w.Write([]byte("<html><body>Wartungsarbeiten</body></html>"))
			return
		}
		result, err := answer(payload, art)
		if err != nil {
			fault(w, "Client")
			return
		}
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		_, _ = w.Write(okkomm.WriteAnswer(of, result))
	}
}

// fault is a SOAP 1.1 fault, which comes with HTTP status 500 (section 6.2).
func fault(w http.ResponseWriter, code string) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(http.StatusInternalServerError)
	_, _ = w.Write([]byte(`<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body><soapenv:Fault><faultcode>soapenv:` +
		code + `</faultcode><faultstring>bestellt</faultstring></soapenv:Fault></soapenv:Body></soapenv:Envelope>`))
}

// answers says which message answers which, and by which name.
var answers = map[string][2]string{
	"1330": {"1331", "datenabruf.personensuche.antwort.1331"},
	"1332": {"1333", "datenabruf.freieSuche.antwort.1333"},
}

// answer tells whom a 1330 finds; to a 1332 it says that nobody was found
// (ergebnisstatus 03 as recorded).
func (s *Server) answer(question []byte, art string) ([]byte, error) {
	q, err := xoev.ReadHeader(bytes.NewReader(question), xmlguard.Limits{})
	if err != nil {
		return nil, err
	}
	to, ok := answers[q.Number()]
	if !ok {
		return nil, errors.New("not a question that is known here")
	}
	origin := q.UUID
	if art == "verwechselt" {
		origin = uuid.NewString()
	}
	s.mu.Lock()
	s.asked = append(s.asked, q.UUID)
	s.mu.Unlock()
	var found []Person
	status := "03"
	if q.Number() == "1330" {
		found, status = s.find(question)
	}
	var b bytes.Buffer
	err = answerTemplate.Execute(&b, map[string]any{
		"Status": status, "Personen": found,
		"Element": to[1], "Code": to[0], "UUID": uuid.NewString(), "Zeit": xoev.FormatTime(time.Now()),
		"Leser": escape(q.Autor.Kennung), "LeserName": escape(q.Autor.Name), "Autor": escape(s.kennung), "AutorName": escape(s.name),
		"Frage": origin, "FrageCode": q.Number(), "FrageZeit": escape(q.Created), "Namespace": escape(q.Namespace), "Version": escape(q.Version),
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watch != nil && err == nil {
		s.watch(question, b.Bytes())
	}
	return b.Bytes(), err
}

// fetch gives what is laid out.
func (s *Server) fetch(request []byte, art string) ([]byte, error) {
	doc, err := xmlguard.Read(bytes.NewReader(request), xmlguard.Limits{}, func(int, *xmlguard.Element) bool { return true })
	if err != nil {
		return nil, err
	}
	if doc.Root.Value("XML_SYSTEM", "SYSTEM", "AKTION", "AKT_AUSFUEHRUNG") != "ABRUFEN" {
		return nil, errors.New("not an ABRUFEN")
	}
	fehler := ""
	var contents strings.Builder
	if art == "fehler" {
		fehler = "<FEHLER><FEH_TYP>E</FEH_TYP><FEH_TEXT>bestellt</FEH_TEXT><FEH_WERT/><FEH_FELD/></FEHLER>"
	} else {
		s.mu.Lock()
		for _, m := range s.laidOut {
			contents.WriteString("<OK_KOMM_RAW_BASE64><![CDATA[" + base64.StdEncoding.EncodeToString(m) + "]]></OK_KOMM_RAW_BASE64>")
		}
		if art != "doppelt" {
			s.laidOut = nil
		}
		s.mu.Unlock()
	}
	return []byte(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?><ZKOCXML><XML_SYSTEM><SYSTEM><ANTWORT><ANT_TYP/><ANT_APPS>OK.KOMM</ANT_APPS>` + fehler +
		`</ANTWORT></SYSTEM></XML_SYSTEM><XML_DATEN><DATEN>` + contents.String() + `</DATEN></XML_DATEN></ZKOCXML>`), nil
}

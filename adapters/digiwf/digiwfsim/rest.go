package digiwfsim

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/adapters/digiwf/wire"
)

// Client is who may use the REST endpoints, by OAuth2 client credentials; without ID
// everybody may.
type Client struct {
	ID     string `yaml:"id"`
	Secret string `yaml:"secret"`
}

// desk is DigiWF's REST side, and the simulator's own orders below /sim/.
type desk struct {
	engine *Engine
	broker *Broker
	client Client

	mu    sync.Mutex
	token string
	until time.Time
}

const (
	maxBody  = 1 << 20
	tokenFor = 5 * time.Minute
)

// Handler serves it.
func Handler(e *Engine, b *Broker, c Client) http.Handler {
	d := &desk{engine: e, broker: b, client: c}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", d.issue)
	mux.HandleFunc("POST /rest/service/definition", d.bearer(d.start))
	mux.HandleFunc("POST /rest/message", d.bearer(d.correlate))
	mux.HandleFunc("POST /rest/input/message/send/message", d.bearer(d.message))
	mux.HandleFunc("GET /sim/instanzen", d.instances)
	mux.HandleFunc("POST /sim/start", d.start)
	mux.HandleFunc("POST /sim/stoerung", d.fault)
	return mux
}

// issue is the token endpoint: client credentials by HTTP Basic (RFC 6749, 2.3.1).
func (d *desk) issue(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	switch {
	case r.FormValue("grant_type") != "client_credentials":
		reply(w, http.StatusBadRequest, map[string]string{"error": "unsupported_grant_type"})
		return
	case id != d.client.ID || subtle.ConstantTimeCompare([]byte(secret), []byte(d.client.Secret)) != 1:
		reply(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	d.mu.Lock()
	d.token, d.until = rand.Text(), time.Now().Add(tokenFor)
	token := d.token
	d.mu.Unlock()
	reply(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": int(tokenFor.Seconds())})
}

func (d *desk) bearer(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		valid := d.client.ID == "" ||
			d.token != "" && time.Now().Before(d.until) && r.Header.Get("Authorization") == "Bearer "+d.token
		d.mu.Unlock()
		if !valid {
			reply(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
			return
		}
		next(w, r)
	}
}

// start is POST /rest/service/definition {key, variables}, and /sim/start.
func (d *desk) start(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Key       string                     `json:"key"`
		Variables map[string]json.RawMessage `json:"variables"`
	}
	if !read(w, r, &body) {
		return
	}
	if !d.known(body.Key) {
		reply(w, http.StatusNotFound, map[string]string{"error": "no process of this key"})
		return
	}
	id, err := d.engine.Start(r.Context(), body.Key, body.Variables)
	if err != nil {
		reply(w, http.StatusServiceUnavailable, map[string]string{"error": "the integration could not be called"})
		return
	}
	reply(w, http.StatusOK, map[string]string{"instanceId": id})
}

func (d *desk) known(key string) bool {
	for _, p := range d.engine.conf.Processes {
		if p.Key == key {
			return true
		}
	}
	return false
}

// correlate is POST /rest/message of the connector of 2022.
func (d *desk) correlate(w http.ResponseWriter, r *http.Request) {
	var body wire.Correlate
	if read(w, r, &body) {
		d.deliver(w, r, body)
	}
}

// message is POST /rest/input/message/send/message of the engine.
func (d *desk) message(w http.ResponseWriter, r *http.Request) {
	var body struct {
		InstanceID string `json:"instanceId"`
		Message    string `json:"message"`
	}
	if read(w, r, &body) {
		d.deliver(w, r, wire.Correlate{ProcessInstanceID: body.InstanceID, MessageName: body.Message})
	}
}

func (d *desk) deliver(w http.ResponseWriter, r *http.Request, m wire.Correlate) {
	if d.engine.find(m) == nil {
		reply(w, http.StatusNotFound, map[string]string{"error": "no such instance"})
		return
	}
	if err := d.engine.Correlate(r.Context(), m); err != nil {
		reply(w, http.StatusServiceUnavailable, map[string]string{"error": "the integration could not be called"})
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (d *desk) instances(w http.ResponseWriter, _ *http.Request) {
	all, unroutable := d.engine.Instances()
	if all == nil {
		all = []Instance{}
	}
	reply(w, http.StatusOK, map[string]any{"instanzen": all, "unzustellbar": unroutable})
}

// fault is POST /sim/stoerung {"neustart": true, "doppelt": 1, "leiter": true}.
func (d *desk) fault(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Restart   bool `json:"neustart"` // of the broker
		Duplicate *int `json:"doppelt"`  // each request so often beyond once
		Leaders   bool `json:"leiter"`   // partitions get other leaders
	}
	if !read(w, r, &body) {
		return
	}
	if body.Duplicate != nil {
		d.engine.Duplicate(min(max(*body.Duplicate, 0), 100))
	}
	if body.Leaders {
		d.broker.Cluster().ShufflePartitionLeaders()
	}
	if body.Restart {
		if err := d.broker.Restart(); err != nil {
			reply(w, http.StatusInternalServerError, map[string]string{"error": "the broker does not start again"})
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

func read(w http.ResponseWriter, r *http.Request, into any) bool {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(into)
	if err != nil {
		reply(w, http.StatusBadRequest, map[string]string{"error": "the body is no JSON of this endpoint"})
	}
	return err == nil
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}

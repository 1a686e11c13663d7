package aenderungen

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/hub"
)

// auskunft is the way from an event's subject back to the register: whoever may
// read the register asks here by the subject and with credentials of its own, and
// gets the gateway's answer. The hub and the event never hold the
// Ordnungsmerkmal.
type auskunft struct {
	Listen     string `yaml:"listen"`
	Zertifikat string `yaml:"zertifikat"` // PEM, of the server
	Schluessel string `yaml:"schluessel"`
}

func (set *settings) checkAuskunft(env hub.Env, s hub.Settings) error {
	a := set.Auskunft
	if a == nil {
		return nil
	}
	host, _, err := net.SplitHostPort(a.Listen)
	ip := net.ParseIP(host)
	switch {
	case err != nil:
		return s.Errorf("auskunft.listen", "must be an address with a port")
	case set.Register.Protokoll != "rest":
		return s.Errorf("register.protokoll", "must be rest: the Auskunft hands on credentials in its way")
	case (a.Zertifikat == "") != (a.Schluessel == ""):
		return s.Errorf("auskunft.schluessel", "zertifikat and schluessel go together")
	case a.Zertifikat == "" && (ip == nil || !ip.IsLoopback()):
		return s.Errorf("auskunft.zertifikat", "is needed beyond loopback: callers send credentials")
	}
	a.Zertifikat, a.Schluessel = eai.Under(env.Dir, a.Zertifikat), eai.Under(env.Dir, a.Schluessel)
	return set.Register.Check(env, s, "register")
}

// answers serves the Auskunft until ctx ends.
func (r *run) answers(ctx context.Context) error {
	conf := r.set.Register.Config
	conf.Benutzer, conf.Passwort = "", "" // callers bring theirs
	client, err := conf.Open()
	if err != nil {
		return err
	}
	defer client.Close()
	l, err := net.Listen("tcp", r.set.Auskunft.Listen)
	if err != nil {
		return fmt.Errorf("auskunft: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /person/{vorgang}", func(w http.ResponseWriter, req *http.Request) { r.answer(w, req, client) })
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	end := make(chan error, 1)
	go func() {
		if r.set.Auskunft.Zertifikat != "" {
			end <- server.ServeTLS(l, r.set.Auskunft.Zertifikat, r.set.Auskunft.Schluessel)
			return
		}
		end <- server.Serve(l)
	}()
	select {
	case err := <-end:
		return fmt.Errorf("auskunft: %w", err)
	case <-ctx.Done():
		err := server.Close()
		if served := <-end; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return errors.Join(ctx.Err(), err)
	}
}

// answer reads the person in the caller's name. Who has no right gets the
// gateway's refusal; a subject that is over, or never was, is not found.
func (r *run) answer(w http.ResponseWriter, req *http.Request, client *eai.Client) {
	credentials := req.Header["Authorization"]
	if len(credentials) != 1 {
		w.Header().Set("WWW-Authenticate", `Basic realm="EWO-EAI"`)
		http.Error(w, "", http.StatusUnauthorized)
		return
	}
	om, err := r.people.unseal(req.Context(), req.PathValue("vorgang"))
	if err != nil {
		r.log.Warn("okewo-aenderungen: no Auskunft", zap.Error(err))
		http.Error(w, "", http.StatusServiceUnavailable)
		return
	}
	if om == "" {
		http.Error(w, "", http.StatusNotFound)
		return
	}
	body, err := client.Do(req.Context(), eai.Request{
		Method: http.MethodGet, Path: []string{"personErweitert", om}, Query: req.URL.Query(),
		Header: http.Header{"Authorization": credentials, "Accept": {"application/json"}},
	})
	if e, ok := errors.AsType[*eai.Error](err); ok {
		http.Error(w, "", refusal(e))
		return
	}
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(body)
}

// refusal is the status that a caller gets: that of the gateway where it is the
// caller's matter.
func refusal(e *eai.Error) int {
	switch {
	case e.Status >= 400 && e.Status < 500 && e.Status != http.StatusTooManyRequests:
		return e.Status
	case e.Code == eai.Timeout:
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}

// seal hides a text so that only the adapter's secret opens it, and only in the
// place that about names.
func (pp *people) seal(about, text string) (string, error) {
	aead, err := pp.aead()
	if err != nil {
		return "", err
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return base64.RawStdEncoding.EncodeToString(aead.Seal(nonce, nonce, []byte(text), []byte(about))), nil
}

// open gives a text that was sealed.
func (pp *people) open(about, sealed string) (string, error) {
	aead, err := pp.aead()
	if err != nil {
		return "", err
	}
	raw, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil || len(raw) < aead.NonceSize() {
		return "", errors.New("what is remembered is damaged")
	}
	text, err := aead.Open(nil, raw[:aead.NonceSize()], raw[aead.NonceSize():], []byte(about))
	if err != nil {
		return "", errors.New("what is remembered was sealed with another secret, or is damaged")
	}
	return string(text), nil
}

// unseal gives the Ordnungsmerkmal of a subject, "" for one that is not known.
func (pp *people) unseal(ctx context.Context, vorgang string) (string, error) {
	if !subjectForm.MatchString(vorgang) {
		return "", nil
	}
	sealed, err := pp.state.Get(ctx, subjectKey(vorgang))
	if err != nil || sealed == nil {
		return "", wrap("find the subject", err)
	}
	om, err := pp.open(vorgang, string(sealed))
	return om, wrap("find the subject", err)
}

func (pp *people) aead() (cipher.AEAD, error) {
	key := sha256.Sum256([]byte(pp.digest("siegel")))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

package send_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fitsim"
	"github.com/amtsbote/amtsbote/hub"
)

// answering changes an answer of the service to a GET whose path has a part.
func (s *service) answering(part string, change func(map[string]any)) {
	s.wrap(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.URL.Path, part) || r.Method != http.MethodGet {
				next.ServeHTTP(w, r)
				return
			}
			answer, body := httptest.NewRecorder(), map[string]any{}
			next.ServeHTTP(answer, r)
			if json.Unmarshal(answer.Body.Bytes(), &body) == nil {
				change(body)
			}
			w.WriteHeader(answer.Code)
			_ = json.NewEncoder(w).Encode(body)
		})
	})
}

// refused delivers, and gives the code of the permanent fault that must come.
func (s *service) refused(t *testing.T, further string) string {
	t.Helper()
	f := hub.FaultOf(s.sink(t, further).Deliver(t.Context(), delivery("id", dog(1))))
	if f == nil || !f.Permanent {
		t.Fatalf("no permanent fault: %v", f)
	}
	if s.Begun() != 0 || len(s.Waiting(receiver)) != 0 {
		t.Error("the service has heard of it")
	}
	return f.Code
}

// TestWrongKey: nothing is encrypted to a key that is not what it must be.
func TestWrongKey(t *testing.T) {
	t.Parallel()
	short, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(map[string]any){
		"another name":    func(k map[string]any) { k["kid"] = "jemand-anders" },
		"no operations":   func(k map[string]any) { delete(k, "key_ops") },
		"other operation": func(k map[string]any) { k["key_ops"] = []string{"verify"} },
		"no algorithm":    func(k map[string]any) { delete(k, "alg") },
		"other algorithm": func(k map[string]any) { k["alg"] = "RSA-OAEP" },
		"other use":       func(k map[string]any) { k["use"] = "sig" },
		"other type":      func(k map[string]any) { k["kty"] = "EC" },
		"too short":       func(k map[string]any) { k["n"] = base64.RawURLEncoding.EncodeToString(short.N.Bytes()) },
		"no chain":        func(k map[string]any) { k["x5c"] = "x" },
		"no certificate":  func(k map[string]any) { k["x5c"] = []string{"eA=="} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.answering("/keys/", change)
			if code := s.refused(t, ""); code != "fit-key" {
				t.Error(code)
			}
		})
	}
}

// TestDestination: what a destination does not take is not sent.
func TestDestination(t *testing.T) {
	t.Parallel()
	for code, change := range map[string]func(map[string]any){
		"fit-inactive":         func(d map[string]any) { d["status"] = "inactive" },
		"fit-metadata-version": func(d map[string]any) { d["metadataVersions"] = []string{"1.5.0"} },
		"fit-service": func(d map[string]any) {
			d["publicServices"] = []any{map[string]any{"identifier": fit.ServicePrefix + "99000000000000"}}
		},
		"fit-schema": func(d map[string]any) {
			d["publicServices"] = []any{map[string]any{
				"identifier": fit.ServicePrefix + leika, "submissionSchemas": []any{map[string]string{"schemaUri": schema, "mimeType": "application/xml"}},
			}}
		},
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.answering("/destinations/"+receiver, func(d map[string]any) {
				if d["destinationId"] != nil {
					change(d)
				}
			})
			if got := s.refused(t, ""); got != code {
				t.Error(got)
			}
		})
	}
}

// authority is a certificate authority of the test.
type authority struct {
	key  fit.PrivateKey
	cert *x509.Certificate
}

func certificate(t *testing.T, of *rsa.PublicKey, by *authority, until time.Time) *x509.Certificate {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "Stadt Beispiel"}, NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageKeyEncipherment,
	}
	parent := by.cert
	if parent == nil {
		parent = c
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, of, by.key.Key)
	if err == nil {
		c, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func asPEM(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// TestChain: where certificate authorities are configured, a key must come with a
// certificate of theirs; elsewhere one that it brings must be its own and valid.
func TestChain(t *testing.T) {
	t.Parallel()
	k := keys()
	root := &authority{key: k[2]}
	root.cert = certificate(t, &k[2].Key.PublicKey, root, time.Now().Add(time.Hour))
	other := &authority{key: k[3]}
	other.cert = certificate(t, &k[3].Key.PublicKey, other, time.Now().Add(time.Hour))
	between := &authority{key: k[1]}
	between.cert = certificate(t, &k[1].Key.PublicKey, root, time.Now().Add(time.Hour))
	own := certificate(t, &k[0].Key.PublicKey, between, time.Now().Add(time.Hour))
	past := certificate(t, &k[0].Key.PublicKey, between, time.Now().Add(-time.Hour))
	const demanded = ", zertifikate: wurzel.pem"
	for _, c := range []struct {
		name, further string
		chain         []*x509.Certificate
		root          *authority
		good          bool
	}{
		{"none, none demanded", "", nil, root, true},
		{"none, one demanded", demanded, nil, root, false},
		{"complete", demanded, []*x509.Certificate{own, between.cert}, root, true},
		{"link missing", demanded, []*x509.Certificate{own}, root, false},
		{"other root", demanded, []*x509.Certificate{own, between.cert}, other, false},
		{"past, none demanded", "", []*x509.Certificate{past}, root, false},
		{"another key's, none demanded", "", []*x509.Certificate{between.cert}, root, false},
		{"own, none demanded", "", []*x509.Certificate{own}, root, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, func(o *fitsim.Options) {
				d := o.Destinations[receiver]
				for _, one := range c.chain {
					d.Chain = append(d.Chain, base64.StdEncoding.EncodeToString(one.Raw))
				}
				o.Destinations[receiver] = d
			})
			s.write(t, "wurzel.pem", asPEM(c.root.cert))
			if !c.good {
				if code := s.refused(t, c.further); code != "fit-key" {
					t.Error(code)
				}
				return
			}
			if err := deliver(t, s.sink(t, c.further), delivery("id", dog(1)), 1); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestRoute: one destination, or a person decides; its signature is believed where
// the portal's keys are given.
func TestRoute(t *testing.T) {
	t.Parallel()
	const signed = ", routing-schluessel: portal.jwks"
	jwks, err := json.Marshal(map[string]any{"keys": []any{fit.PublicJWK(keys()[2].Public(), fit.AlgPS512, fit.OpVerify)}})
	if err != nil {
		t.Fatal(err)
	}
	second := func(o *fitsim.Options) { o.Destinations[mailbox] = o.Destinations[receiver] }
	nowhere := func(o *fitsim.Options) {
		d := o.Destinations[receiver]
		d.Keys = nil
		o.Destinations[receiver] = d
	}
	none := func(*fitsim.Options) {}
	forged := func(r map[string]any) {
		routes, _ := r["routes"].([]any)
		first, _ := routes[0].(map[string]any)
		first["destinationId"] = mailbox
	}
	for _, c := range []struct {
		name, further, code string
		options             func(*fitsim.Options)
		change              func(map[string]any)
	}{
		{"by ags", "", "", none, nil},
		{"signed", signed, "", none, nil},
		{"none", "", "fit-no-route", nowhere, nil},
		{"several", "", "fit-routes", second, nil},
		{"signed for another", signed, "fit-route-signature", none, forged},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newService(t, c.options)
			s.write(t, "portal.jwks", jwks)
			if c.change != nil {
				s.answering("/routes", c.change)
			}
			if c.code != "" {
				if code := s.refused(t, c.further); code != c.code {
					t.Error(code)
				}
				return
			}
			if err := deliver(t, s.sink(t, c.further), delivery("id", dog(1)), 1); err != nil {
				t.Error(err)
			}
		})
	}
}

package fitsim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
)

// route is the routing service: no token, but a User-Agent; exactly one place.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	leika, key := q.Get("leikaKey"), q.Get("ars")+q.Get("ags")
	switch {
	case r.UserAgent() == "":
		problem(w, http.StatusForbidden, "missing-user-agent")
		return
	case len(leika) != 14 || key == "" || q.Has("ars") == q.Has("ags"):
		problem(w, http.StatusBadRequest, "bad-request")
		return
	}
	routes := []any{}
	for id, d := range s.opt.Destinations {
		if slices.Contains(d.Keys, key) && slices.Contains(d.Services, fit.ServicePrefix+leika) {
			routes = append(routes, map[string]string{"destinationId": id, "destinationSignature": s.signRoute(id, d)})
		}
	}
	answer(w, http.StatusOK, map[string]any{"count": len(routes), "offset": 0, "totalCount": len(routes), "routes": routes})
}

// signRoute signs with the service's key, where the real one has the portal's.
func (s *Server) signRoute(id string, d Destination) string {
	var places []string
	for _, k := range d.Keys {
		places = append(places, "urn:de:bund:destatis:bevoelkerungsstatistik:schluessel:rs:"+k)
	}
	payload, err1 := json.Marshal(map[string]any{
		"destinationId": id, "iss": s.opt.Base, "submissionHost": strings.TrimPrefix(s.opt.Base, "http://"),
		"services": []any{map[string]any{"gebietIDs": places, "leistungIDs": d.Services}},
	})
	signer, err2 := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.PS512, Key: jose.JSONWebKey{Key: s.opt.Key.Key, KeyID: s.opt.Key.ID}}, (&jose.SignerOptions{}).WithType("jwt"))
	if err1 != nil || err2 != nil {
		return ""
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return ""
	}
	compact, _ := signed.CompactSerialize() // of a signature that was just made
	return compact
}

package fitsim

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
)

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // who went away is not told
}

const problemPrefix = "https://schema.fitko.de/fit-connect/submission-api/problems/"

func problem(w http.ResponseWriter, status int, name string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"type": problemPrefix + name, "title": name, "status": status}) // as above
}

// linked says whether a client may read a destination; who may not is told.
func (s *Server) linked(w http.ResponseWriter, client, destination string) bool {
	if slices.Contains(s.opt.Clients[client].Destinations, destination) {
		return true
	}
	problem(w, http.StatusForbidden, "connect-client-and-destination")
	return false
}

func (s *Server) keySet(w http.ResponseWriter, _ *http.Request) {
	answer(w, http.StatusOK, map[string]any{"keys": []fit.JWK{fit.PublicJWK(s.opt.Key.Public(), fit.AlgPS512, fit.OpVerify)}})
}

func (s *Server) destination(w http.ResponseWriter, r *http.Request, _ string) {
	id := r.PathValue("id")
	d, known := s.opt.Destinations[id]
	if !known {
		problem(w, http.StatusNotFound, "destination-not-found")
		return
	}
	var services []any
	for _, urn := range d.Services {
		one := map[string]any{"identifier": urn, "regions": []string{d.Region}}
		if d.Schema != "" {
			one["submissionSchemas"] = []any{map[string]string{"schemaUri": d.Schema, "mimeType": "application/json"}}
		}
		services = append(services, one)
	}
	answer(w, http.StatusOK, map[string]any{
		"destinationId": id, "status": "active", "encryptionKid": d.Encryption.ID, "metadataVersions": []string{"1.5.0", "2.1.0"}, "publicServices": services,
	})
}

func (s *Server) destinationKey(w http.ResponseWriter, r *http.Request, _ string) {
	d, known := s.opt.Destinations[r.PathValue("id")]
	switch key := r.PathValue("key"); {
	case known && key == d.Encryption.ID:
		k := fit.PublicJWK(d.Encryption, fit.AlgRSAOAEP256, fit.OpWrap)
		if d.Chain != nil {
			k.Chain = d.Chain
		}
		answer(w, http.StatusOK, k)
	case known && key == d.Signature.ID:
		answer(w, http.StatusOK, fit.PublicJWK(d.Signature, fit.AlgPS512, fit.OpVerify))
	default:
		problem(w, http.StatusNotFound, "key-not-found")
	}
}

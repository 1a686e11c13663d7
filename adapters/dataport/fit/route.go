package fit

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// ErrRoute is a destinationSignature that is none, or not of what it stands beside.
var ErrRoute = errors.New("is no valid signature of a route")

// ServicePrefix begins the name of a public service by its LeiKa key.
const ServicePrefix = "urn:de:fim:leika:leistung:"

// VerifyRoute checks the signature of a route (destinationSignature: JWS, PS512) by
// one of keys, and that it is for the destination and the public service, by its
// LeiKa key. The place is not compared: its key may be that of a larger area.
func VerifyRoute(compact, destination, leika string, keys []JWK, minBits int) error {
	signed, err := jose.ParseSignedCompact(compact, []jose.SignatureAlgorithm{jose.PS512})
	if err != nil || len(signed.Signatures) != 1 {
		return fmt.Errorf("%w: no compact JWS with PS512", ErrRoute)
	}
	payload, err := verifiedBy(signed, keys, minBits)
	if err != nil {
		return err
	}
	var p struct {
		Destination string `json:"destinationId"`
		Services    []struct {
			Leika []string `json:"leistungIDs"`
		} `json:"services"`
	}
	if err := strictJSON(payload, &p); err != nil {
		return fmt.Errorf("%w: its payload is not what it must be", ErrRoute)
	}
	if !strings.EqualFold(p.Destination, destination) {
		return fmt.Errorf("%w: it is for another destination", ErrRoute)
	}
	for _, s := range p.Services {
		if slices.Contains(s.Leika, ServicePrefix+leika) {
			return nil
		}
	}
	return fmt.Errorf("%w: it is for another public service", ErrRoute)
}

func verifiedBy(signed *jose.JSONWebSignature, keys []JWK, minBits int) ([]byte, error) {
	for _, k := range keys {
		pub, err := k.Public(AlgPS512, OpVerify, minBits)
		if err != nil || pub.ID != signed.Signatures[0].Protected.KeyID {
			continue
		}
		if payload, err := signed.Verify(pub.Key); err == nil {
			return payload, nil
		}
	}
	return nil, fmt.Errorf("%w: none of the keys has signed it", ErrRoute)
}

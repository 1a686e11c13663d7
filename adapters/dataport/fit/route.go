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
// one of keys, and that it is for the destination, and in one entry for the public
// service, by its LeiKa key, and the place (ARS or AGS): an area of the entry is the
// place itself, or a larger one, whose key begins the place's.
func VerifyRoute(compact, destination, leika, place string, keys []JWK, minBits int) error {
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
			Areas []string `json:"gebietIDs"`
		} `json:"services"`
	}
	if err := strictJSON(payload, &p); err != nil {
		return fmt.Errorf("%w: its payload is not what it must be", ErrRoute)
	}
	if !strings.EqualFold(p.Destination, destination) {
		return fmt.Errorf("%w: it is for another destination", ErrRoute)
	}
	for _, s := range p.Services {
		if slices.Contains(s.Leika, ServicePrefix+leika) && slices.ContainsFunc(s.Areas, func(area string) bool { return covers(area, place) }) {
			return nil
		}
	}
	return fmt.Errorf("%w: it is for another public service or place", ErrRoute)
}

// covers says whether an area, a URN that ends in its key, is the place or has it in
// it. An AGS is the ARS of a municipality without the four digits of its association.
func covers(area, place string) bool {
	key := area[strings.LastIndexByte(area, ':')+1:]
	if len(place) == 8 && len(key) == 12 {
		key = key[:5] + key[9:]
	}
	return len(key) >= 2 && strings.HasPrefix(place, key)
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

package fit_test

import (
	"errors"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
)

// TestVerifyRoute: destination, public service and place must stand in the signed
// payload, the last two in one entry.
func TestVerifyRoute(t *testing.T) {
	t.Parallel()
	const (
		to      = "d12caea8-f372-4eb1-b102-b0a228253a11"
		leika   = "99107001017000"
		other   = "99107001018000"
		areas   = "urn:de:bund:destatis:bevoelkerungsstatistik:schluessel:rs:"
		place   = "091620000000"
		service = fit.ServicePrefix + leika
	)
	key, stranger := keys(t)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.PS512, Key: jose.JSONWebKey{Key: key.Key, KeyID: key.ID}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	entry := func(leika, area string) string { return `{"leistungIDs":["` + leika + `"],"gebietIDs":[` + area + `]}` }
	named := func(key string) string { return `"` + areas + key + `"` }
	for _, c := range []struct {
		name, destination, services, place string
		good                               bool
	}{
		{"itself", to, entry(service, named(place)), place, true},
		{"a larger area", to, entry(service, named("09")), place, true},
		{"one of several", to, entry(service, named("05")+","+named("09162")), place, true},
		{"by AGS", to, entry(service, named(place)), "09162000", true},
		{"a smaller area", to, entry(service, named(place)), "09", false},
		{"another place", to, entry(service, named("091620001001")), place, false},
		{"another place's AGS", to, entry(service, named(place)), "09163000", false},
		{"no place", to, entry(service, ""), place, false},
		{"an empty key", to, entry(service, `"urn:", ""`), place, false},
		{"in two entries", to, entry(service, named("05")) + "," + entry(fit.ServicePrefix+other, named(place)), place, false},
		{"another service", to, entry(fit.ServicePrefix+other, named(place)), place, false},
		{"another destination", "0b799252-deb9-42b0-98d3-c50d24bbafe0", entry(service, named(place)), place, false},
	} {
		signed, err := signer.Sign([]byte(`{"destinationId":"` + c.destination + `","services":[` + c.services + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		compact, err := signed.CompactSerialize()
		if err != nil {
			t.Fatal(err)
		}
		trusted := []fit.JWK{fit.PublicJWK(key.Public(), fit.AlgPS512, fit.OpVerify)}
		err = fit.VerifyRoute(compact, to, leika, c.place, trusted, 2048)
		if (err == nil) != c.good || err != nil && !errors.Is(err, fit.ErrRoute) {
			t.Errorf("%s: %v", c.name, err)
		}
		foreign := []fit.JWK{fit.PublicJWK(stranger.Public(), fit.AlgPS512, fit.OpVerify)}
		if err := fit.VerifyRoute(compact, to, leika, c.place, foreign, 2048); !errors.Is(err, fit.ErrRoute) {
			t.Errorf("%s, by a stranger: %v", c.name, err)
		}
	}
}

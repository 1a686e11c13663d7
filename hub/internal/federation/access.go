package federation

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"maps"
	"slices"
)

// Access is how an application proves over HTTP who it is, besides tokens of the hub.
type Access struct {
	// Claims are those of an OIDC token, each equal; one of the sets is enough.
	Claims []map[string]string
	// Certificates are those of TLS clients; one of them is enough.
	Certificates []CertificateName
}

// CertificateName is what a client certificate must name: exactly one of Subject, DNS
// and URI is set.
type CertificateName struct {
	Subject string // distinguished name, RFC 4514
	DNS     string // subject alternative name
	URI     string // subject alternative name
	Issuer  string // distinguished name of who has issued it; "": any trusted authority
}

// fits tells whether a certificate has the name.
func (n CertificateName) fits(c *x509.Certificate) bool {
	if n.Issuer != "" && distinguished(c.RawIssuer) != n.Issuer {
		return false
	}
	switch {
	case n.Subject != "":
		return distinguished(c.RawSubject) == n.Subject
	case n.DNS != "":
		return slices.Contains(c.DNSNames, n.DNS)
	}
	for _, u := range c.URIs {
		if n.URI != "" && u.String() == n.URI {
			return true
		}
	}
	return false
}

// distinguished writes a name (DER) as RFC 4514 says: each of its parts, in order, the
// last first. pkix.Name would leave out what stands there twice, and sort the rest. ""
// is one that cannot be written.
func distinguished(der []byte) string {
	var name pkix.RDNSequence
	if rest, err := asn1.Unmarshal(der, &name); err != nil || len(rest) > 0 {
		return ""
	}
	for _, part := range name {
		for _, attribute := range part {
			if attribute.Value == nil { // a kind of text that Go does not read
				return ""
			}
		}
	}
	return name.String()
}

// Limits is how fast an application, or an organisation with all of its applications,
// may hand in and ask by HTTP, and how much at once.
type Limits struct {
	Rate int   // events a second, or requests that carry none
	Body int64 // of a batch, in bytes; of applications only
}

// What a file says nothing of.
const (
	DefaultRate             = 1000
	DefaultOrganisationRate = 2000
	DefaultBody             = 4 << 20
	// MaxBody leaves a batch small enough to be stored in one step.
	MaxBody = 4 << 20
)

// ByClaims finds the application that a token's claims name; nil when it is none, or
// not one alone. A claim that is a list names by each of its texts.
func (f *Federation) ByClaims(claims map[string]any) *Application {
	return f.only(func(a *Access) bool {
		return slices.ContainsFunc(a.Claims, func(set map[string]string) bool { return claim(set, claims) })
	})
}

// ByCertificate finds the application that a client certificate, which was verified,
// names; nil when it is none, or not one alone.
func (f *Federation) ByCertificate(c *x509.Certificate) *Application {
	return f.only(func(a *Access) bool {
		return slices.ContainsFunc(a.Certificates, func(n CertificateName) bool { return n.fits(c) })
	})
}

// only gives the one application whose access fits.
func (f *Federation) only(fits func(*Access) bool) *Application {
	var found *Application
	for _, a := range f.withAccess {
		if !fits(&a.Access) {
			continue
		}
		if found != nil {
			return nil
		}
		found = a
	}
	return found
}

// claim tells whether claims have all of a set.
func claim(set map[string]string, claims map[string]any) bool {
	for name, want := range set {
		switch got := claims[name].(type) {
		case string:
			if got != want {
				return false
			}
		case []any:
			if !slices.Contains(got, any(want)) {
				return false
			}
		default:
			return false
		}
	}
	return len(set) > 0
}

// implied tells whether whoever has the claims of one set may have those of the other
// without another token: one is part of the other.
func implied(x, y map[string]string) bool {
	if len(x) > len(y) {
		x, y = y, x
	}
	for _, name := range slices.Collect(maps.Keys(x)) {
		if v, ok := y[name]; !ok || v != x[name] {
			return false
		}
	}
	return true
}

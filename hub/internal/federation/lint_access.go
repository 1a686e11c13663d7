package federation

import (
	"github.com/amtsbote/amtsbote/hub/internal/finding"
	"github.com/amtsbote/amtsbote/hub/internal/strictyaml"
)

// accessFile is how an application proves over HTTP who it is.
type accessFile struct {
	OIDC        strictyaml.OneOrMany[claimsFile]      `yaml:"oidc"`
	Certificate strictyaml.OneOrMany[certificateFile] `yaml:"certificate"`
}

// claimsFile is a set of claims of a token and their values.
type claimsFile struct {
	claims map[string]string
	at     finding.Pos
}

const claimsExample = "{azp: akdb-okewo}"

// FromNode reads {azp: akdb-okewo}: any claims but those that are the same for all of
// an issuer.
func (f *claimsFile) FromNode(d *strictyaml.Decoder, n *strictyaml.Node) {
	f.at, f.claims = n.At, map[string]string{}
	if !d.Expect(n, strictyaml.Mapping) {
		return
	}
	if len(n.Keys) == 0 {
		d.Add(n.At, finding.YAMLValue, claimsExample)
	}
	for _, e := range n.Keys {
		if !d.Expect(e.Value, strictyaml.String) {
			continue
		}
		if e.Value.Text == "" || e.Key == "iss" || e.Key == "aud" || e.Key == "exp" {
			d.Add(e.Value.At, finding.YAMLValue, claimsExample)
			continue
		}
		f.claims[e.Key] = e.Value.Text
	}
}

// certificateFile is one name of a client certificate.
type certificateFile struct {
	name CertificateName
	at   finding.Pos
}

// FromNode reads one of {subject: …}, {dns: …} and {uri: …}, each with an issuer or not.
func (f *certificateFile) FromNode(d *strictyaml.Decoder, n *strictyaml.Node) {
	var in struct {
		Subject strictyaml.Text `yaml:"subject"`
		DNS     strictyaml.Text `yaml:"dns"`
		URI     strictyaml.Text `yaml:"uri"`
		Issuer  strictyaml.Text `yaml:"issuer"`
	}
	f.at = n.At
	d.Fields(n, &in)
	f.name = CertificateName{in.Subject.Value, in.DNS.Value, in.URI.Value, in.Issuer.Value}
	if given := f.name.given(); n.Kind == strictyaml.Mapping && given != 1 {
		d.Add(n.At, finding.YAMLValue, `{subject: "CN=okewo,O=AKDB,C=DE"} | {dns: okewo.akdb.example} | {uri: urn:…}`)
	}
}

func (n CertificateName) given() (count int) {
	for _, s := range []string{n.Subject, n.DNS, n.URI} {
		if s != "" {
			count++
		}
	}
	return count
}

// limitsFile are the limits over HTTP.
type limitsFile struct {
	Rate strictyaml.Whole `yaml:"rate"`
	Body quota            `yaml:"body"`
}

// rateFile are those of an organisation.
type rateFile struct {
	Rate strictyaml.Whole `yaml:"rate"`
}

const maxRate = 1_000_000

func (b *builder) rate(in strictyaml.Whole, otherwise int) int {
	switch {
	case in.At.Line == 0:
		return otherwise
	case in.Value < 1 || in.Value > maxRate:
		b.Add(in.At, finding.YAMLValue, "1 … 1000000")
		return otherwise
	}
	return int(in.Value)
}

func (b *builder) limits(in limitsFile) Limits {
	out := Limits{Rate: b.rate(in.Rate, DefaultRate), Body: in.Body.bytes}
	if out.Body == 0 {
		out.Body = DefaultBody
	}
	if out.Body > MaxBody {
		b.Add(in.Body.at, finding.YAMLValue, "1MiB … 4MiB")
	}
	return out
}

// identity is a proof that an application owns.
type identity struct {
	claims map[string]string
	name   CertificateName
	owner  *Application
}

// meets tells whether one proof could be taken for both.
func (x identity) meets(y identity) bool {
	if x.claims == nil || y.claims == nil {
		return x.claims == nil && y.claims == nil && x.name.meets(y.name)
	}
	return implied(x.claims, y.claims)
}

func (n CertificateName) meets(m CertificateName) bool {
	if n.Issuer == "" || m.Issuer == "" {
		n.Issuer, m.Issuer = "", ""
	}
	return n == m
}

// access takes over how an application proves who it is; no proof may be another's too.
func (b *builder) access(a *Application, in accessFile) {
	for _, c := range in.OIDC {
		if len(c.claims) > 0 && b.own(identity{claims: c.claims, owner: a}, c.at) {
			a.Access.Claims = append(a.Access.Claims, c.claims)
		}
	}
	for _, c := range in.Certificate {
		if c.name.given() == 1 && b.own(identity{name: c.name, owner: a}, c.at) {
			a.Access.Certificates = append(a.Access.Certificates, c.name)
		}
	}
	if len(a.Access.Claims)+len(a.Access.Certificates) > 0 {
		b.fed.withAccess = append(b.fed.withAccess, a)
	}
}

func (b *builder) own(x identity, at finding.Pos) bool {
	for _, other := range b.identities {
		if x.meets(other) {
			b.Add(at, finding.OrgAccess, other.owner.ID)
			return false
		}
	}
	b.identities = append(b.identities, x)
	return true
}

package federation

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"testing"
)

// rdns is a name of single attributes, in the order of the certificate.
func rdns(t *testing.T, attributes ...string) ([]byte, pkix.Name) {
	t.Helper()
	types := map[string]asn1.ObjectIdentifier{"CN": {2, 5, 4, 3}, "O": {2, 5, 4, 10}, "OU": {2, 5, 4, 11}, "C": {2, 5, 4, 6}}
	var sequence pkix.RDNSequence
	for i := 0; i < len(attributes); i += 2 {
		sequence = append(sequence, pkix.RelativeDistinguishedNameSET{{Type: types[attributes[i]], Value: attributes[i+1]}})
	}
	der, err := asn1.Marshal(sequence)
	if err != nil {
		t.Fatal(err)
	}
	var name pkix.Name
	name.FillFromRDNSequence(&sequence)
	return der, name
}

// TestCertificateFits: a distinguished name is compared whole and in its order; with an
// issuer, the certificate must be from that one.
func TestCertificateFits(t *testing.T) {
	const subject = "CN=okewo,O=AKDB,C=DE"
	ca, _ := rdns(t, "C", "DE", "CN", "CA eins")
	for what, c := range map[string]struct {
		subject []string
		name    CertificateName
		want    bool
	}{
		"the name":              {[]string{"C", "DE", "O", "AKDB", "CN", "okewo"}, CertificateName{Subject: subject}, true},
		"another CN before it":  {[]string{"C", "DE", "O", "AKDB", "CN", "x", "CN", "okewo"}, CertificateName{Subject: subject}, false},
		"another CN behind it":  {[]string{"C", "DE", "O", "AKDB", "CN", "okewo", "CN", "x"}, CertificateName{Subject: subject}, false},
		"another order":         {[]string{"CN", "okewo", "O", "AKDB", "C", "DE"}, CertificateName{Subject: subject}, false},
		"that order":            {[]string{"CN", "okewo", "O", "AKDB", "C", "DE"}, CertificateName{Subject: "C=DE,O=AKDB,CN=okewo"}, true},
		"a comma in a value":    {[]string{"C", "DE", "CN", "okewo,O=AKDB"}, CertificateName{Subject: subject}, false},
		"nothing":               {nil, CertificateName{Subject: subject}, false},
		"its issuer":            {[]string{"C", "DE", "O", "AKDB", "CN", "okewo"}, CertificateName{Subject: subject, Issuer: "CN=CA eins,C=DE"}, true},
		"another issuer":        {[]string{"C", "DE", "O", "AKDB", "CN", "okewo"}, CertificateName{Subject: subject, Issuer: "CN=CA zwei,C=DE"}, false},
		"DNS, its issuer":       {[]string{"CN", "x"}, CertificateName{DNS: "okewo.example", Issuer: "CN=CA eins,C=DE"}, true},
		"DNS, another issuer":   {[]string{"CN", "x"}, CertificateName{DNS: "okewo.example", Issuer: "C=DE,CN=CA eins"}, false},
		"DNS, whoever says so":  {[]string{"CN", "x"}, CertificateName{DNS: "okewo.example"}, true},
		"no name but an issuer": {[]string{"CN", "x"}, CertificateName{Issuer: "CN=CA eins,C=DE"}, false},
	} {
		der, name := rdns(t, c.subject...)
		if got := c.name.fits(&x509.Certificate{RawSubject: der, Subject: name, RawIssuer: ca, DNSNames: []string{"okewo.example"}}); got != c.want {
			t.Errorf("%s: fits %v", what, got)
		}
	}
}

// FuzzDistinguished: whatever stands in a certificate, it gets a name or none.
func FuzzDistinguished(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x30, 0x00})
	f.Add([]byte("\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x0c\x04okew"))
	f.Add([]byte("\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x1c\x04okew"))
	f.Fuzz(func(t *testing.T, der []byte) {
		if s := distinguished(der); s != distinguished(der) {
			t.Errorf("%x is %s, then another", der, s)
		}
	})
}

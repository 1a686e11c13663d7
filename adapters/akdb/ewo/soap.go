package ewo

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// SOAP reads personErweitert through the gateway's older, SOAP 1.1 form, whose
// user stands in the message (WS-Security UsernameToken with PasswordText).
type SOAP struct {
	EAI                *eai.Client
	Benutzer, Passwort string
	BenutzerID         string
}

// PersonErweitert reads a person; an unknown one gives nil, nil.
func (c *SOAP) PersonErweitert(ctx context.Context, om string) (*Person, error) {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails
	answer, err := c.EAI.Do(ctx, eai.Request{
		Method: http.MethodPost, AnyStatus: true,
		Header: http.Header{"Content-Type": {"text/xml; charset=utf-8"}, "SOAPAction": {`""`}},
		Body:   WriteLese(c.Benutzer, c.Passwort, nonce, time.Now(), c.BenutzerID, om),
	})
	if e, ok := errors.AsType[*eai.Error](err); ok && e.Status == http.StatusInternalServerError {
		if _, fault := ReadSOAP(answer); eai.Code(fault) == eai.Failed {
			return nil, fault
		}
	}
	if err != nil {
		return nil, err
	}
	found, err := ReadSOAP(answer)
	switch {
	case err != nil || len(found) == 0:
		return nil, err
	case len(found) > 1:
		return nil, eai.BadAnswer("more than one person was read by one Ordnungsmerkmal")
	}
	return found[0], nil
}

const (
	wsse      = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
	wsseSpace = wsse + "wssecurity-secext-1.0.xsd"
	soapSpace = "http://schemas.xmlsoap.org/soap/envelope/"
)

// WriteLese writes lesePersonErweitert as recorded
// (soap-request-lesePersonErweitert.xml).
func WriteLese(user, password string, nonce []byte, at time.Time, benutzerID, om string) []byte {
	var b bytes.Buffer
	esc := func(s string) string {
		var t strings.Builder
		_ = xml.EscapeText(&t, []byte(s)) // a strings.Builder does not fail
		return t.String()
	}
	b.WriteString(`<soapenv:Envelope xmlns:soapenv="` + soapSpace + `" xmlns:v2="http://v2.person.erweitert.service.fachlich.api.ewo.eai.muenchen.de">` +
		`<soapenv:Header><wsse:Security xmlns:wsse="` + wsseSpace + `" xmlns:wsu="` + wsse + `wssecurity-utility-1.0.xsd">` +
		`<wsse:UsernameToken wsu:Id="UsernameToken-1"><wsse:Username>` + esc(user) + `</wsse:Username>` +
		`<wsse:Password Type="` + wsse + `username-token-profile-1.0#PasswordText">` + esc(password) + `</wsse:Password>` +
		`<wsse:Nonce EncodingType="` + wsse + `soap-message-security-1.0#Base64Binary">` + base64.StdEncoding.EncodeToString(nonce) + `</wsse:Nonce>` +
		`<wsu:Created>` + at.UTC().Format("2006-01-02T15:04:05.000Z") + `</wsu:Created></wsse:UsernameToken></wsse:Security></soapenv:Header>` +
		`<soapenv:Body><v2:lesePersonErweitert><anfrage><benutzer><benutzerId>` + esc(benutzerID) + `</benutzerId></benutzer>` +
		`<om>` + esc(om) + `</om></anfrage></v2:lesePersonErweitert></soapenv:Body></soapenv:Envelope>`)
	return b.Bytes()
}

var fehlerID = regexp.MustCompile(`^EWO[0-9A-Z]{1,12}$`)

// ReadSOAP reads the answer to lesePersonErweitert and suchePersonErweitert; an
// empty answer gives no person. A fault is an *eai.Error with the FehlerId, not
// the text; one with faultcode Client is not blocking.
func ReadSOAP(answer []byte) ([]*Person, error) {
	doc, err := xmlguard.Read(bytes.NewReader(answer), xmlguard.Limits{Bytes: eai.MaxAnswer}, func(int, *xmlguard.Element) bool { return true })
	if err != nil {
		return nil, eai.BadAnswer("no XML: " + err.Error())
	}
	body := doc.Root.Child("Body")
	if doc.Root.Space != soapSpace || body == nil || len(body.Children) != 1 {
		return nil, eai.BadAnswer("no SOAP 1.1 envelope")
	}
	content := body.Children[0]
	if content.Local == "Fault" {
		id := content.Value("detail", "FehlerInfo", "fehlerId")
		if !fehlerID.MatchString(id) {
			id = "without a FehlerId"
		}
		return nil, &eai.Error{
			Code: eai.Failed, Err: errors.New("SOAP fault " + id),
			Blocking: afterPrefix(content.Value("faultcode")) != "Client",
		}
	}
	if !strings.HasSuffix(content.Local, "Response") {
		return nil, eai.BadAnswer("the answer is of another operation")
	}
	return personsIn(content), nil
}

// personsIn finds the outermost elements with an Ordnungsmerkmal: partners and
// children are inside.
func personsIn(e *xmlguard.Element) (all []*Person) {
	if om := e.Child("ordnungsmerkmal"); om != nil && om.Value() != "" {
		return []*Person{{tree: object(normal(treeOf(e)))}}
	}
	for _, c := range e.Children {
		all = append(all, personsIn(c)...)
	}
	return all
}

// treeOf gives an element as the gateway's REST form would have it.
func treeOf(e *xmlguard.Element) any {
	if len(e.Children) == 0 {
		if isNil(e) {
			return nil
		}
		return e.Value()
	}
	out := map[string]any{}
	for _, a := range e.Attrs {
		if a.Local == "type" && strings.HasSuffix(a.Space, "XMLSchema-instance") {
			out["@type"] = a.Value
		}
	}
	for _, c := range e.Children {
		switch before := out[c.Local].(type) {
		case nil:
			out[c.Local] = treeOf(c)
		case []any:
			out[c.Local] = append(before, treeOf(c))
		default:
			out[c.Local] = []any{before, treeOf(c)}
		}
	}
	return out
}

// isNil holds for xsi:nil, which REST writes as null.
func isNil(e *xmlguard.Element) bool {
	return slices.ContainsFunc(e.Attrs, func(a xmlguard.Attr) bool {
		return a.Local == "nil" && strings.HasSuffix(a.Space, "XMLSchema-instance") && a.Value != "false" && a.Value != "0"
	})
}

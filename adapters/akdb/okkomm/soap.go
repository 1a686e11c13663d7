package okkomm

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"strings"

	"github.com/amtsbote/amtsbote/adapters/internal/eai"
	"github.com/amtsbote/amtsbote/adapters/internal/xmlguard"
)

// Service is one of OK.KOMM's two.
type Service string

// The namespaces of the services.
const (
	XoevService Service = "urn:akdb:ok.komm:xmeld-service"
	KomService  Service = "urn:akdb:ok.komm:komm-service"
)

const (
	soapSpace = "http://schemas.xmlsoap.org/soap/envelope/" // SOAP 1.1
	operation = "callApplicationByte"
)

// The envelopes around the parameter, as recorded (xoevservice-soap-request-
// 1332.xml, komservice-soap-request.xml).
var envelopes = map[Service][2]string{
	XoevService: {
		xml.Header[:len(xml.Header)-1] + `<soapenv:Envelope xmlns:soapenv="` + soapSpace + `" xmlns:tns="` + string(XoevService) +
			`"><soapenv:Header/><soapenv:Body><tns:callApplicationByte><tns:xmlParameter>`,
		`</tns:xmlParameter></tns:callApplicationByte></soapenv:Body></soapenv:Envelope>`,
	},
	KomService: {
		xml.Header[:len(xml.Header)-1] + `<SOAP-ENV:Envelope xmlns:SOAP-ENV="` + soapSpace +
			`"><SOAP-ENV:Header/><SOAP-ENV:Body xmlns:xsd="http://www.w3.org/2001/XMLSchema"><okk:callApplicationByte xmlns:okk="` + string(KomService) +
			`"><okk:xmlParameter xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xsd:base64Binary">`,
		`</okk:xmlParameter></okk:callApplicationByte></SOAP-ENV:Body></SOAP-ENV:Envelope>`,
	},
}

// WriteRequest puts a payload into the request of a service.
func WriteRequest(s Service, payload []byte) []byte {
	around := envelopes[s]
	var b bytes.Buffer
	b.WriteString(around[0])
	b.WriteString(base64.StdEncoding.EncodeToString(payload))
	b.WriteString(around[1])
	return b.Bytes()
}

// WriteAnswer puts a payload into the answer of a service, as recorded
// (xoevservice-soap-response-1331.xml). A simulator needs it.
func WriteAnswer(s Service, payload []byte) []byte {
	return []byte(xml.Header[:len(xml.Header)-1] + `<soapenv:Envelope xmlns:soapenv="` + soapSpace +
		`"><soapenv:Body><callApplicationByteResponse xmlns="` + string(s) + `"><callApplicationByteReturn>` +
		base64.StdEncoding.EncodeToString(payload) +
		`</callApplicationByteReturn></callApplicationByteResponse></soapenv:Body></soapenv:Envelope>`)
}

// ReadRequest gives the payload and the service of a request.
func ReadRequest(envelope []byte) (payload []byte, s Service, err error) {
	body, err := readBody(envelope)
	if err != nil {
		return nil, "", err
	}
	call := body.Child(operation)
	payload, err = decode(call.Child("xmlParameter"))
	if err != nil {
		return nil, "", err
	}
	return payload, Service(call.Space), nil
}

// ReadAnswer gives the payload of an answer. Elements count by their local name:
// prefixes differ. A fault is an *eai.Error: one of the caller's own making
// (faultcode Client) is not blocking, every other is. Its text is not kept, it
// may speak of a person.
func ReadAnswer(envelope []byte) ([]byte, error) {
	body, err := readBody(envelope)
	if err != nil {
		return nil, err
	}
	if fault := body.Child("Fault"); fault != nil {
		code := fault.Value("faultcode")
		code = code[strings.LastIndex(code, ":")+1:]
		client, _, _ := strings.Cut(code, ".") // Client.Authentication and the like
		return nil, &eai.Error{Code: eai.Failed, Blocking: client != "Client", Err: errors.New("SOAP fault " + known(client))}
	}
	return decode(body.At(operation+"Response", operation+"Return"))
}

// known lets only the codes of SOAP 1.1 (4.4.1) into a text.
func known(code string) string {
	switch code {
	case "Client", "Server", "VersionMismatch", "MustUnderstand":
		return code
	}
	return "of another code"
}

func readBody(envelope []byte) (*xmlguard.Element, error) {
	doc, err := xmlguard.Read(bytes.NewReader(envelope), limits(), func(int, *xmlguard.Element) bool { return true })
	if err != nil {
		return nil, eai.BadAnswer("no XML: " + err.Error())
	}
	body := doc.Root.Child("Body")
	if doc.Root.Space != soapSpace || doc.Root.Local != "Envelope" || body == nil {
		return nil, eai.BadAnswer("no SOAP 1.1 envelope")
	}
	return body, nil
}

func limits() xmlguard.Limits {
	l := xmlguard.Defaults()
	l.Bytes = eai.MaxAnswer
	return l
}

// decode reads base64, which may have line ends.
func decode(e *xmlguard.Element) ([]byte, error) {
	if e == nil {
		return nil, eai.BadAnswer("the envelope holds no " + operation)
	}
	payload, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(e.Text), ""))
	if err != nil {
		return nil, eai.BadAnswer("the content of the envelope is not base64")
	}
	return payload, nil
}

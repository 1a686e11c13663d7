// Package zbp writes messages for the Zentrales Bürgerpostfach (BundID, DeutschlandID)
// as they go over FIT-Connect: an entry of the status monitor (status_v6), or a
// message into the mailbox (message_v6), in an envelope that the sending authority
// signs. Source: optiGov/php-fitconnect; not tried against the service (UNVERIFIED).
package zbp

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Names of the two public services of the ZBP's destination, and the schema that
// both have.
const (
	StatusService  = "urn:schema-fitko-de:fit-connect:id.bund.de:status_v6"
	MessageService = "urn:schema-fitko-de:fit-connect:id.bund.de:message_v6"
	SchemaURI      = "https://schema.fitko.de/fit-connect/id.bund.de/message_v6/1.0.0/zbp-message.schema.json"
)

// Names of the public services as they are announced.
const (
	StatusName  = "ZBP State Forwarding"
	MessageName = "ZBP Message Forwarding"
)

// Status is an entry of the status monitor.
type Status struct {
	ApplicationID string `json:"applicationId"` // UUID, idBundDeApplicationId
	Status        string `json:"status"`
	Service       Text   `json:"publicServiceName"`       // at most 100 characters
	Sender        string `json:"senderName"`              // at most 100
	Created       string `json:"createdDate"`             // see Time
	Details       *Text  `json:"statusDetails,omitempty"` // at most 50
	Information   *Text  `json:"additionalInformation,omitempty"`
	Reference     string `json:"reference,omitempty"` // at most 50
}

// Text is a text in German.
type Text struct {
	DE string `json:"de"`
}

// The values of Status.Status that are used.
const (
	Received       = "RECEIVED"
	Processing     = "PROCESSING"
	ActionRequired = "ACTION_REQUIRED"
	Completed      = "COMPLETED"
)

// Time writes a moment as Status.Created has it.
func Time(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// Message goes into a mailbox.
type Message struct {
	Level         int          `json:"stork_qaa_level"` // 1 to 4: how the citizen must have logged in
	Mailbox       string       `json:"mailboxUuid"`     // legacyPostkorbHandle
	Sender        string       `json:"sender"`          // at most 255 characters
	Title         string       `json:"title"`           // at most 1024
	Content       string       `json:"content"`
	Service       string       `json:"service"` // at most 255
	ApplicationID string       `json:"applicationId,omitempty"`
	Reference     string       `json:"reference,omitempty"` // at most 255
	Attachments   []Attachment `json:"attachments,omitempty"`
}

// Attachment is a file that goes as an attachment of the submission.
type Attachment struct {
	Filename string `json:"filename"`
	SHA512   string `json:"sha512sum"` // lower-case hexadecimal
	Size     int64  `json:"contentLength"`
}

// TokenLife is how long the envelope's token is good.
const TokenLife = 30 * time.Minute

// Signer signs for an authority.
type Signer struct {
	key         *rsa.PrivateKey
	certificate string // PEM
	name        string // CN
}

// NewSigner reads a certificate (PEM, one) and takes the RSA key that belongs to it.
func NewSigner(key *rsa.PrivateKey, certificate []byte) (*Signer, error) {
	block, _ := pem.Decode(certificate)
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("the certificate is no PEM")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	switch {
	case err != nil:
		return nil, errors.New("the certificate cannot be read")
	case !key.PublicKey.Equal(c.PublicKey):
		return nil, errors.New("the certificate is that of another key")
	case c.Subject.CommonName == "":
		return nil, errors.New("the certificate has no common name (CN)")
	}
	return &Signer{key, string(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})), c.Subject.CommonName}, nil
}

// Envelope signs a Status or a Message: the data of a submission. It is good for
// TokenLife from now.
func (s *Signer) Envelope(content any, now time.Time) ([]byte, error) {
	text, err := marshal(content)
	if err != nil {
		return nil, err
	}
	sum := sha512.Sum512(text)
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA512, sum[:])
	if err != nil {
		return nil, fmt.Errorf("sign for the ZBP: %w", err)
	}
	token, err := s.token(now)
	if err != nil {
		return nil, err
	}
	return marshal(map[string]string{
		"content":           string(text),
		"sha512sum":         base64.StdEncoding.EncodeToString(signature), // the name is FITKO's
		"authorToken":       token,
		"authorCertificate": s.certificate,
	})
}

func marshal(v any) ([]byte, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write for the ZBP: %w", err)
	}
	return raw, nil
}

func (s *Signer) token(now time.Time) (string, error) {
	claims, err := marshal(map[string]any{
		"iat": now.Unix(), "exp": now.Add(TokenLife).Unix(), "signer": s.name, "roles": []string{"THIRD_PARTY"},
	})
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS512, Key: s.key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("sign for the ZBP: %w", err)
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		return "", fmt.Errorf("sign for the ZBP: %w", err)
	}
	return signed.CompactSerialize()
}

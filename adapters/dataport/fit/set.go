package fit

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	"github.com/google/uuid"
)

// Namespaces of FIT-Connect.
const (
	EventPrefix = "https://schema.fitko.de/fit-connect/events/"
	setType     = "secevent+jwt"
	// DefaultSetSchema is the payload's schema where none can be copied.
	DefaultSetSchema = "https://schema.fitko.de/fit-connect/set-payload/1.2.2/set-payload.schema.json"
)

// Events about a submission (https://schema.fitko.de/fit-connect/events/…).
const (
	CreateSubmission  = "create-submission"
	SubmitSubmission  = "submit-submission"
	NotifySubmission  = "notify-submission"
	ForwardSubmission = "forward-submission"
	AcceptSubmission  = "accept-submission"
	RejectSubmission  = "reject-submission"
	DeleteSubmission  = "delete-submission"
)

// ErrSET is a token that is none, or not from whom it says.
var ErrSET = errors.New("is no valid Security Event Token")

// SET is a Security Event Token (RFC 8417) with the one event that it has.
type SET struct {
	Schema   string // $schema; empty where the event has no payload
	ID       string // jti
	Issuer   string // iss: base URL of the service, or id of the destination
	IssuedAt time.Time
	// Subject is what it is about: "submission:" or "reply:", and the id in lower
	// case.
	Subject string
	Case    string // txn without "case:", lower case
	Event   string // without EventPrefix: "accept-submission"
	Payload Payload
}

// Payload of the events that have one.
type Payload struct {
	Tags     *Tags     `json:"authenticationTags,omitzero"`
	Problems []Problem `json:"problems,omitzero"`
}

// Submission gives the subject of a submission.
func Submission(id string) string { return "submission:" + strings.ToLower(id) }

type claims struct {
	Schema  string             `json:"$schema,omitzero"`
	ID      string             `json:"jti"`
	Issuer  string             `json:"iss"`
	At      int64              `json:"iat"`
	Subject string             `json:"sub"`
	Txn     string             `json:"txn"`
	Events  map[string]Payload `json:"events"`
}

// Sign makes the token (PS512, compact). An id and a time are chosen where there
// are none.
func (s SET) Sign(key PrivateKey) (string, error) {
	if s.ID == "" {
		s.ID = uuid.NewString()
	}
	if s.IssuedAt.IsZero() {
		s.IssuedAt = time.Now()
	}
	payload, err := json.Marshal(claims{
		s.Schema, s.ID, s.Issuer, s.IssuedAt.Unix(), s.Subject, "case:" + s.Case, map[string]Payload{EventPrefix + s.Event: s.Payload},
	})
	if err != nil {
		return "", fmt.Errorf("write SET: %w", err)
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.PS512, Key: jose.JSONWebKey{Key: key.Key, KeyID: key.ID}},
		(&jose.SignerOptions{}).WithType(setType))
	if err != nil {
		return "", fmt.Errorf("sign SET: %w", err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign SET: %w", err)
	}
	return signed.CompactSerialize()
}

// Issuers finds the key of an issuer that is trusted; any other issuer is an
// error that wraps ErrSET, and so is a key that the issuer does not have.
type Issuers interface {
	Key(ctx context.Context, issuer, keyID string) (*rsa.PublicKey, error)
}

// VerifySET reads a token, and believes it only after its signature.
func VerifySET(ctx context.Context, compact string, issuers Issuers) (*SET, error) {
	signed, err := jose.ParseSignedCompact(strings.TrimSpace(compact), []jose.SignatureAlgorithm{jose.PS512})
	if err != nil || len(signed.Signatures) != 1 {
		return nil, fmt.Errorf("%w: no compact JWS with PS512", ErrSET)
	}
	header := signed.Signatures[0].Protected
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); !strings.EqualFold(typ, setType) {
		return nil, fmt.Errorf("%w: its typ is another", ErrSET)
	}
	s, err := readClaims(signed.UnsafePayloadWithoutVerification())
	if err != nil {
		return nil, err
	}
	key, err := issuers.Key(ctx, s.Issuer, header.KeyID)
	if err != nil {
		return nil, err
	}
	if _, err := signed.Verify(key); err != nil {
		return nil, fmt.Errorf("%w: the signature is wrong", ErrSET)
	}
	return s, nil
}

var (
	uuidForm    = regexp.MustCompile(`^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	subjectForm = regexp.MustCompile(`^(?:submission|reply):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$`)
	setSchema   = regexp.MustCompile(`^https://schema\.fitko\.de/fit-connect/set-payload/1\.\d+\.\d+/set-payload\.schema\.json$`)
)

// IsUUID says whether s is a UUID in lower case.
func IsUUID(s string) bool { return uuidForm.MatchString(s) }

// earliest is the least iat that the payload schema allows, 2020-01-01.
const earliest = 1577833200

func readClaims(raw []byte) (*SET, error) {
	var c claims
	if err := strictJSON(raw, &c); err != nil {
		return nil, fmt.Errorf("%w: its payload is not what it must be", ErrSET)
	}
	txn, hasCase := strings.CutPrefix(strings.ToLower(c.Txn), "case:")
	subject := strings.ToLower(c.Subject)
	switch {
	case c.Schema != "" && !setSchema.MatchString(c.Schema):
		return nil, fmt.Errorf("%w: its $schema is not known", ErrSET)
	case c.ID == "" || c.Issuer == "" || c.At < earliest || !hasCase || !uuidForm.MatchString(txn) || !subjectForm.MatchString(subject):
		return nil, fmt.Errorf("%w: a claim is missing or not what it must be", ErrSET)
	case len(c.Events) != 1:
		return nil, fmt.Errorf("%w: it must have one event", ErrSET)
	}
	s := &SET{Schema: c.Schema, ID: c.ID, Issuer: c.Issuer, IssuedAt: time.Unix(c.At, 0).UTC(), Subject: subject, Case: txn}
	for name, payload := range c.Events {
		event, known := strings.CutPrefix(name, EventPrefix)
		if !known {
			return nil, fmt.Errorf("%w: its event is none of FIT-Connect", ErrSET)
		}
		s.Event, s.Payload = event, payload
	}
	return s, nil
}

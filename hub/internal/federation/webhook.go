package federation

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/amtsbote/amtsbote/hub/internal/egress"
)

// WebhookFormat is the content mode (CloudEvents HTTP binding, section 1.3) in
// which a webhook gets its events.
type WebhookFormat string

// The formats.
const (
	FormatStructured WebhookFormat = "structured" // the default: a signature covers the attributes too
	FormatBinary     WebhookFormat = "binary"
	FormatBatch      WebhookFormat = "batch" // events of several keys in one request
)

// What a webhook gets when its file does not say.
const (
	DefaultWebhookRate    = 600 // requests a minute
	DefaultWebhookTimeout = 30 * time.Second
)

// Webhook is where the hub sends what lies in a mailbox of mode webhook.
type Webhook struct {
	// URL as the guard has normalised it.
	URL    string
	Format WebhookFormat
	// Rate is how many requests a minute the hub asks to be allowed.
	Rate int
	// Timeout of one request.
	Timeout time.Duration
	// Secrets sign the requests (Standard Webhooks); several while one replaces
	// another. None: not signed.
	Secrets []Secret
	OAuth2  *OAuth2 // nil: no token
	// Certificate and Key, files below the folder of secrets, are what the hub shows
	// as TLS client; CA says whom it believes instead of the system's list. "": none.
	Certificate, Key, CA string
	// Allow are exceptions from where requests may go, as egress.ParseAllow reads
	// them.
	Allow []string
	// Contact is who is told when deliveries stop, and Mail the e-mail address in it;
	// "": none, the log alone tells.
	Contact, Mail string
	// Origin is the name of the hub, as federation.yaml says it.
	Origin string

	sign string
}

// Secret says where a secret is: never itself in the directory.
type Secret struct {
	File string // below the hub's folder of secrets
	Env  string // or a variable of the hub's environment
}

// OAuth2 is how a token is had (client credentials, RFC 6749 section 4.4).
type OAuth2 struct {
	TokenURL, ClientID string
	Secret             Secret
	Scope              string
}

// Guard makes the guard of the webhook's requests.
func (w *Webhook) Guard() *egress.Guard {
	allow, _ := egress.ParseAllow(w.Allow) // was checked
	return egress.New(allow)
}

// Sign changes when anything changes that the webhook is made of.
func (w *Webhook) Sign() string { return w.sign }

func (w *Webhook) signed() *Webhook {
	text, _ := json.Marshal(w) // strings and numbers
	sum := sha256.Sum256(text)
	w.sign = hex.EncodeToString(sum[:])
	return w
}

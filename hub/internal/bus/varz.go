package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// varz is what the hub looks at of a server's monitoring page /varz.
type varz struct {
	AuthRequired bool `json:"auth_required"`
	MaxPayload   int  `json:"max_payload"`
	Operators    []struct {
		Subject string `json:"sub"`
		Nats    struct {
			SigningKeys []string `json:"signing_keys"`
		} `json:"nats"`
	} `json:"trusted_operators_claim"`
	JetStream struct {
		Config *struct {
			SyncAlways bool   `json:"sync_always"`
			Strict     bool   `json:"strict"`
			Domain     string `json:"domain"`
		} `json:"config"`
	} `json:"jetstream"`
}

// VerifyServer asks an external server's monitoring endpoint (http://host:8222)
// for its settings and compares them with what the promises need. All
// differences come in one DriftError.
func VerifyServer(ctx context.Context, monitor string) error {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(monitor, "/")+"/varz", nil)
	if err != nil {
		return fmt.Errorf("monitoring address %s: %w", redact(monitor), err)
	}
	resp, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return fmt.Errorf("ask the NATS server's monitoring for its settings: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("ask the NATS server's monitoring for its settings: %s", resp.Status)
	}
	var v varz
	if err := json.NewDecoder(io.LimitReader(resp.Body, 4<<20)).Decode(&v); err != nil {
		return fmt.Errorf("read the NATS server's settings: %w", err)
	}
	if drifts := v.drift(); len(drifts) > 0 {
		return ServerError(drifts)
	}
	return nil
}

// ServerError lists settings of an external server that break a promise.
type ServerError []string

func (e ServerError) Error() string {
	return "the NATS server's settings break what Amtsbote promises:\n  " + strings.Join(e, "\n  ")
}

func (v *varz) drift() []string {
	var out []string
	c := v.JetStream.Config
	if c == nil {
		return []string{"JetStream is off, must be on"}
	}
	if !c.SyncAlways {
		out = append(out, "jetstream sync_interval is not \"always\": an acknowledged event would be lost in a power failure")
	}
	if !c.Strict {
		out = append(out, "jetstream strict is false, must be true: a forged reply could reach the API")
	}
	if !v.AuthRequired {
		out = append(out, "no login is required: anybody could publish and read")
	}
	if v.MaxPayload < MaxPayload {
		out = append(out, fmt.Sprintf("max_payload is %d, must be at least %d: a refused event would not fit into quarantine", v.MaxPayload, MaxPayload))
	}
	return out
}

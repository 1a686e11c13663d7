package bus

import (
	"context"
	"encoding/json"
	"errors"
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

// Deviation is a setting of an external server that breaks a promise.
type Deviation struct {
	// Name by which an operator may accept it, of Deviations; "" when nobody may.
	Name string
	Says string // what is so, what must be, and what it breaks
}

// Deviations are those that may be accepted by name.
var Deviations = []string{"unverified", "unsynced", "lenient", "open", "no-accounts"}

// VerifyServer compares the settings of the external server that b is connected to
// with what the promises need: its account, and what its monitoring endpoint
// (http://host:8222) says; "" is a deviation too.
func (b *Bus) VerifyServer(ctx context.Context, monitor string) ([]Deviation, error) {
	out, err := b.shared(ctx)
	if err != nil {
		return nil, err
	}
	if monitor == "" {
		return append(out, Deviation{"unverified", "its settings (sync, strict, login, message size) are not known: give its monitoring address (--nats-monitor)"}), nil
	}
	v, err := readVarz(ctx, monitor)
	if err != nil {
		return nil, err
	}
	if c := v.JetStream.Config; c != nil {
		b.costs.syncing(c.SyncAlways)
	}
	return append(out, v.drift()...), nil
}

// globalAccount is where a server puts everybody when it has no accounts.
const globalAccount = "$G"

// shared tells when the hub has no account of its own.
func (b *Bus) shared(ctx context.Context) ([]Deviation, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	m, err := b.nc.RequestWithContext(ctx, "$SYS.REQ.USER.INFO", nil)
	if err != nil {
		return nil, fmt.Errorf("ask the NATS server for the hub's account: %w", err)
	}
	var info struct {
		Data struct {
			Account string `json:"account"`
		} `json:"data"`
	}
	if err := json.Unmarshal(m.Data, &info); err != nil || info.Data.Account == "" {
		return nil, fmt.Errorf("read the hub's account from the NATS server's answer: %w", errors.Join(err, errors.New("it names none")))
	}
	if info.Data.Account == globalAccount {
		return []Deviation{{"no-accounts", "it has no accounts: whoever connects to it shares one with the hub, and could publish and read everything"}}, nil
	}
	return nil, nil
}

func readVarz(ctx context.Context, monitor string) (*varz, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(monitor, "/")+"/varz", nil)
	if err != nil {
		return nil, fmt.Errorf("monitoring address %s: %w", redact(monitor), err)
	}
	resp, err := (&http.Client{Timeout: 10 * time.Second}).Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the NATS server's monitoring for its settings: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask the NATS server's monitoring for its settings: %s", resp.Status)
	}
	v := new(varz)
	if err := json.NewDecoder(io.LimitReader(resp.Body, 4<<20)).Decode(v); err != nil {
		return nil, fmt.Errorf("read the NATS server's settings: %w", err)
	}
	return v, nil
}

// ServerError lists settings of an external server that break a promise.
type ServerError []string

func (e ServerError) Error() string {
	return "the NATS server's settings break what Amtsbote promises:\n  " + strings.Join(e, "\n  ")
}

func (v *varz) drift() []Deviation {
	c := v.JetStream.Config
	if c == nil {
		return []Deviation{{"", "JetStream is off, must be on"}}
	}
	var out []Deviation
	if !c.SyncAlways {
		out = append(out, Deviation{"unsynced", "jetstream sync_interval is not \"always\": an acknowledged event would be lost in a power failure"})
	}
	if !c.Strict {
		out = append(out, Deviation{"lenient", "jetstream strict is false, must be true: a forged reply could reach the API"})
	}
	if !v.AuthRequired {
		out = append(out, Deviation{"open", "no login is required: anybody could publish and read"})
	}
	if v.MaxPayload < MaxPayload {
		out = append(out, Deviation{"", fmt.Sprintf("max_payload is %d, must be at least %d: a refused event would not fit into quarantine", v.MaxPayload, MaxPayload)})
	}
	return out
}

package client

import (
	"context"
	"crypto/rsa"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
)

// keyRefresh is how often at most the keys are asked for again because a name is
// not among them.
const keyRefresh = time.Minute

// keyLife is how long keys are believed without being asked for again.
const keyLife = 24 * time.Hour

// keyCache holds the keys of issuers by "issuer key-id".
type keyCache struct {
	mu      sync.Mutex
	since   time.Time
	known   map[string]*rsa.PublicKey
	refresh map[string]time.Time // when an issuer's key, or its set, was last asked for in vain
}

var _ fit.Issuers = (*Client)(nil)

// Key implements fit.Issuers for the client's own destination.
func (c *Client) Key(ctx context.Context, issuer, keyID string) (*rsa.PublicKey, error) {
	return c.keyAbout(ctx, c.cfg.Destination, issuer, keyID)
}

// Issuers are those that are believed about what goes to a destination.
func (c *Client) Issuers(destination string) fit.Issuers { return about{c, destination} }

type about struct {
	c           *Client
	destination string
}

// Key implements fit.Issuers.
func (a about) Key(ctx context.Context, issuer, keyID string) (*rsa.PublicKey, error) {
	return a.c.keyAbout(ctx, a.destination, issuer, keyID)
}

// keyAbout finds the key of the service under its names, by its key set; of the
// destination by the key that it has registered. Nobody else is believed.
func (c *Client) keyAbout(ctx context.Context, destination, issuer, keyID string) (*rsa.PublicKey, error) {
	service := slices.Contains(c.cfg.Issuers, strings.TrimRight(issuer, "/"))
	if !service && !strings.EqualFold(issuer, destination) {
		return nil, fmt.Errorf("%w: its issuer is neither the service nor this destination", fit.ErrSET)
	}
	if keyID == "" || len(keyID) > 256 {
		return nil, fmt.Errorf("%w: it does not name its key", fit.ErrSET)
	}
	c.keys.mu.Lock()
	defer c.keys.mu.Unlock()
	if time.Since(c.keys.since) > keyLife {
		c.keys.since, c.keys.known, c.keys.refresh = time.Now(), map[string]*rsa.PublicKey{}, map[string]time.Time{}
	}
	of := "service "
	if !service {
		of = "destination " + destination + " "
	}
	name := of + keyID
	if k := c.keys.known[name]; k != nil {
		return k, nil
	}
	asked := name
	if service { // its keys come all at once
		asked = of
	}
	if time.Since(c.keys.refresh[asked]) < keyRefresh {
		return nil, unknownKey()
	}
	if err := c.askKeys(ctx, service, destination, keyID); err != nil {
		return nil, err
	}
	if k := c.keys.known[name]; k != nil {
		return k, nil
	}
	if len(c.keys.refresh) > 1000 { // names are the other side's choice
		clear(c.keys.refresh)
	}
	c.keys.refresh[asked] = time.Now()
	return nil, unknownKey()
}

func unknownKey() error { return fmt.Errorf("%w: its issuer has no such key", fit.ErrSET) }

func (c *Client) askKeys(ctx context.Context, service bool, destination, keyID string) error {
	if service {
		var set struct {
			Keys []fit.JWK `json:"keys"`
		}
		if err := c.getJSON(ctx, "read the service's keys", c.cfg.BaseURL+"/.well-known/jwks.json", maxKeys, &set); err != nil {
			return transient(err) // the key set is always there; this says nothing about the case
		}
		for _, k := range set.Keys {
			c.learn("service ", k)
		}
		return nil
	}
	var k fit.JWK
	err := c.getJSON(ctx, "read the destination's key", c.path("destinations", destination, "keys", keyID), maxKeys, &k)
	if ClassOf(err) == Gone {
		return nil
	}
	if err == nil && k.ID == keyID {
		c.learn("destination "+destination+" ", k)
	}
	return transient(err)
}

// learn keeps a key that can verify; others in the set are for something else.
func (c *Client) learn(of string, k fit.JWK) {
	if pub, err := k.Public(fit.AlgPS512, fit.OpVerify, c.cfg.MinBits); err == nil {
		c.keys.known[of+pub.ID] = pub.Key
	}
}

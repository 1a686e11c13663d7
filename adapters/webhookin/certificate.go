package webhookin

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"

	"go.uber.org/zap"
)

// certificate is read again when one of its files has changed. While the new files
// do not go together (one is replaced before the other) the former is used on.
type certificate struct {
	set tlsSettings
	log *zap.Logger

	mu    sync.Mutex
	pair  *tls.Certificate
	stamp string
}

// get is tls.Config.GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	stamp, err := c.stampOf()
	if err == nil && c.pair != nil && stamp == c.stamp {
		return c.pair, nil
	}
	if err == nil {
		var pair tls.Certificate
		if pair, err = tls.LoadX509KeyPair(c.set.Cert, c.set.Key); err == nil {
			c.pair, c.stamp = &pair, stamp
			return c.pair, nil
		}
	}
	c.log.Error("webhook: the certificate cannot be read", zap.Bool("former-used", c.pair != nil))
	if c.pair != nil {
		return c.pair, nil
	}
	return nil, fmt.Errorf("read the certificate: %w", err)
}

func (c *certificate) stampOf() (string, error) {
	stamp := ""
	for _, name := range []string{c.set.Cert, c.set.Key} {
		info, err := os.Stat(name)
		if err != nil {
			return "", err
		}
		stamp += fmt.Sprintf("%d %d|", info.Size(), info.ModTime().UnixNano())
	}
	return stamp, nil
}

package bus

import (
	"net/url"
	"strings"
)

// redact takes passwords out of server addresses for logs and errors.
func redact(addresses string) string {
	parts := strings.Split(addresses, ",")
	for i, p := range parts {
		if u, err := url.Parse(strings.TrimSpace(p)); err == nil {
			parts[i] = u.Redacted()
		} else {
			parts[i] = "(unreadable address)"
		}
	}
	return strings.Join(parts, ",")
}

// Package egress keeps requests that leave the hub from going where they must
// not: it judges a URL as it is written, and again the address that a connection
// is really made to, so that a name that changes its address in between (DNS
// rebinding) gains nothing.
//
// Without a word in the directory: https, port 443, an address that is reachable
// by everybody. An allow list names the exceptions.
package egress

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Why a URL is not allowed.
var (
	ErrURL      = errors.New("no absolute URL")
	ErrScheme   = errors.New("not https")
	ErrUserinfo = errors.New("a user name or password in the URL")
	ErrFragment = errors.New("a fragment (#) in the URL")
	ErrToken    = errors.New("access_token in the URL")
	ErrHost     = errors.New("no host name")
	ErrPort     = errors.New("another port than 443")
	ErrLocal    = errors.New("an address that is not public")
)

// Guard says where requests may go.
type Guard struct{ allow Allow }

// New makes a Guard with exceptions.
func New(allow Allow) *Guard { return &Guard{allow} }

// maxURL is the longest URL, in bytes.
const maxURL = 2048

// URL reads a URL and tells whether a request may be sent there as far as can be
// seen without asking for its host's address. The host of what it returns is in
// lower case and ASCII (punycode), path and query as they were written.
func (g *Guard) URL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || !utf8.ValidString(raw) || len(raw) > maxURL || u.Opaque != "" || u.Scheme == "" || strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return nil, ErrURL // what url.Parse says quotes the URL, and that may hold a secret
	}
	switch {
	case u.User != nil:
		return nil, ErrUserinfo
	case u.Fragment != "" || strings.Contains(raw, "#"):
		return nil, ErrFragment
	case hasToken(u):
		return nil, ErrToken
	}
	host, err := hostOf(u)
	if err != nil {
		return nil, err
	}
	if err := g.place(strings.ToLower(u.Scheme), host, portOf(u)); err != nil {
		return nil, err
	}
	u.Scheme = strings.ToLower(u.Scheme)
	u.Host = joined(host, u.Port())
	return u, nil
}

func hasToken(u *url.URL) bool {
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return strings.Contains(strings.ToLower(u.RawQuery), "access_token")
	}
	for name := range query {
		if strings.EqualFold(name, "access_token") {
			return true
		}
	}
	return false
}

// hostOf gives the host as an address or an ASCII name without a dot at its end.
func hostOf(u *url.URL) (string, error) {
	host := u.Hostname()
	if at, err := netip.ParseAddr(host); err == nil {
		if at.Zone() != "" {
			return "", ErrHost
		}
		return at.String(), nil
	}
	host, err := idna.Lookup.ToASCII(strings.TrimSuffix(host, "."))
	if err != nil || host == "" || len(host) > 253 || strings.Contains(host, ":") {
		return "", ErrHost
	}
	if again, err := idna.Lookup.ToASCII(host); err != nil || again != host {
		return "", ErrHost
	}
	if last := host[strings.LastIndexByte(host, '.')+1:]; numeric(last) {
		return "", ErrHost // 127.1, 0177.0.0.1, 2130706433: some resolvers take it for an address
	}
	return host, nil
}

// numeric tells whether a host that ends in label would be read as an IPv4
// address (WHATWG URL, "ends in a number").
func numeric(label string) bool {
	if label == "" {
		return true
	}
	if hex, ok := strings.CutPrefix(strings.ToLower(label), "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case strings.EqualFold(u.Scheme, "http"):
		return "80"
	}
	return "443"
}

func joined(host, port string) string {
	if port != "" {
		return net.JoinHostPort(host, port)
	}
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// place judges what is written.
func (g *Guard) place(scheme, host, port string) error {
	rule := g.allow.rule(host, port)
	switch {
	case scheme != "https" && (scheme != "http" || !rule.plain):
		return ErrScheme
	case port != "443" && !rule.port:
		return ErrPort
	}
	if at, err := netip.ParseAddr(host); err == nil {
		return g.address(at, rule)
	}
	if !rule.named && (host == "localhost" || strings.HasSuffix(host, ".localhost")) {
		return ErrLocal
	}
	return nil
}

// address judges what a connection is made to.
func (g *Guard) address(at netip.Addr, rule rule) error {
	at = at.Unmap().WithZone("")
	switch {
	case !special(at), rule.addresses && within(at, private), slices.ContainsFunc(g.allow.networks, func(p netip.Prefix) bool { return p.Contains(at) }):
		return nil
	}
	return ErrLocal
}

// Dial connects to host:port and judges the address that it connects to, after
// its name was resolved.
func (g *Guard) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, ErrURL
	}
	host = strings.TrimSuffix(host, ".")
	rule := g.allow.rule(host, port)
	if port != "443" && !rule.port {
		return nil, ErrPort
	}
	d := net.Dialer{
		Timeout: 10 * time.Second,
		Control: func(_, to string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(to)
			if err != nil {
				return ErrLocal
			}
			return g.address(at.Addr(), rule)
		},
	}
	return d.DialContext(ctx, network, address)
}

// Transport makes an HTTP transport that goes nowhere else: no proxy, which would
// connect in its stead.
func (g *Guard) Transport() *http.Transport {
	return &http.Transport{
		Proxy: nil, DialContext: g.Dial, ForceAttemptHTTP2: true, DisableCompression: true,
		TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// Client makes a client that goes nowhere else and follows no redirect.
func (g *Guard) Client(transport http.RoundTripper, timeout time.Duration) *http.Client {
	return &http.Client{
		Transport: transport, Timeout: timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Reason gives the guard's word in err without the rest, which may hold a URL;
// nil when the guard did not speak.
func Reason(err error) error {
	for _, is := range []error{ErrURL, ErrScheme, ErrUserinfo, ErrFragment, ErrToken, ErrHost, ErrPort, ErrLocal} {
		if errors.Is(err, is) {
			return fmt.Errorf("egress: %w", is)
		}
	}
	return nil
}

package egress

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// Allow are the exceptions, as ParseAllow reads them.
type Allow struct {
	hosts    map[string]rule // by host:port
	networks []netip.Prefix
}

// rule is what is allowed for a host and port.
type rule struct {
	named     bool // the host stands in the list
	port      bool // with this port
	plain     bool // by http
	addresses bool // when its name leads to a private or loopback address
}

// ErrAllow means that an exception is not written as one.
var ErrAllow = errors.New("not host, host:port, http://host:port or a network like 10.1.0.0/16")

// ParseAllow reads exceptions:
//
//	hook.intern.example         the name may lead to private and loopback addresses
//	hook.intern.example:8443    and be asked at this port
//	http://127.0.0.1:8080       and without TLS
//	10.1.0.0/16                 any name may lead there, at port 443
//
// Link-local and other addresses that are neither public nor private (the cloud's
// 169.254.169.254) need their network in the list, a name is not enough.
func ParseAllow(list []string) (Allow, error) {
	a := Allow{hosts: map[string]rule{}}
	for _, one := range list {
		if err := a.add(one); err != nil {
			return Allow{}, err
		}
	}
	return a, nil
}

func (a *Allow) add(one string) error {
	if p, err := netip.ParsePrefix(one); err == nil {
		a.networks = append(a.networks, p.Masked())
		return nil
	}
	if at, err := netip.ParseAddr(one); err == nil && at.Zone() == "" {
		a.networks = append(a.networks, netip.PrefixFrom(at.Unmap(), at.Unmap().BitLen()))
		return nil
	}
	rest, plain := strings.CutPrefix(one, "http://")
	host, port, err := net.SplitHostPort(rest)
	if err != nil {
		host, port = rest, ""
	}
	if at, err := netip.ParseAddr(host); err == nil && at.Zone() == "" {
		at = at.Unmap()
		a.networks = append(a.networks, netip.PrefixFrom(at, at.BitLen()))
		host = at.String()
	} else if host, err = idna.Lookup.ToASCII(host); err != nil || host == "" || numeric(host[strings.LastIndexByte(host, '.')+1:]) || strings.ContainsAny(host, "/:@ ") {
		return ErrAllow
	}
	if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0) || plain && port == "" {
		return ErrAllow
	}
	a.note(host, port, plain)
	return nil
}

func (a *Allow) note(host, port string, plain bool) {
	any := rule{named: true, addresses: true}
	a.hosts[host+":"] = any
	if port != "" {
		before := a.hosts[host+":"+port]
		a.hosts[host+":"+port] = rule{named: true, port: true, plain: plain || before.plain, addresses: true}
	}
}

// Plain tells whether anything is allowed without TLS.
func (a *Allow) Plain() bool {
	for _, r := range a.hosts {
		if r.plain {
			return true
		}
	}
	return false
}

func (a *Allow) rule(host, port string) rule {
	host = strings.ToLower(host)
	if at, err := netip.ParseAddr(host); err == nil {
		host = at.Unmap().String()
	}
	if r, ok := a.hosts[host+":"+port]; ok {
		return r
	}
	return a.hosts[host+":"]
}

package httpapi

import (
	"errors"
	"net/http"

	"github.com/amtsbote/amtsbote/hub/internal/federation"
)

// Principal is the application that asks.
type Principal struct {
	Application *federation.Application
	// Federation is the version of the federation directory that was in force when the
	// request came; the whole answer is by this one.
	Federation *federation.Federation
	// By is how it was authenticated.
	By Method
	// Credential names what it showed: the id of a token, the serial of a certificate.
	// It is no secret.
	Credential string

	server *Server // that let it in; nil: none
}

// Again authenticates a request once more: what lasts long asks from time to time.
// The problem is 401 when its credential does not hold any more; nil: it does.
func (p *Principal) Again(r *http.Request) *Problem {
	if p.server == nil {
		return nil
	}
	now, err := p.server.authenticate(r)
	if err != nil || now.Application.ID != p.Application.ID {
		return unauthorized()
	}
	return nil
}

// Organisation of the application.
func (p *Principal) Organisation() string { return p.Application.Organisation }

// Method is how an application is authenticated.
type Method string

// The methods.
const (
	ByToken       Method = "token"       // issued by the hub
	ByOIDC        Method = "oidc"        // of a configured issuer
	ByCertificate Method = "certificate" // of a TLS client
)

// Authenticator finds out who asks.
type Authenticator interface {
	// Authenticate gives the application that asks by fed. ErrNoCredential: the request
	// has none of this kind. Any other error means that it has one that is not good; the
	// error names no secret and nothing personal, since it is logged.
	Authenticate(r *http.Request, fed *federation.Federation) (*Principal, error)
}

// ErrNoCredential means that a request carries no credential of an Authenticator's
// kind.
var ErrNoCredential = errors.New("no credential of this kind")

// authenticate asks all: the first credential decides, good or not.
func (s *Server) authenticate(r *http.Request) (*Principal, error) {
	fed := s.cfg.Federation()
	for _, a := range s.cfg.Authenticators {
		p, err := a.Authenticate(r, fed)
		if errors.Is(err, ErrNoCredential) {
			continue
		}
		if err != nil {
			return nil, err
		}
		p.Federation, p.server = fed, s
		return p, nil
	}
	return nil, ErrNoCredential
}

// Package oidc verifies access tokens in the form of JWTs (RFC 7519, RFC 9068) of one
// configured issuer. It fetches nothing but that issuer's keys.
package oidc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// algorithms that are taken; the token has no say in it. None is symmetric.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}

// leeway is by how much clocks may differ.
const leeway = 30 * time.Second

// maxToken is how long a token may be, in bytes.
const maxToken = 16 << 10

// Verifier verifies the tokens of an issuer.
type Verifier struct {
	Issuer, Audience string
	Keys             *Keys
	Now              func() time.Time
}

// Verify gives the claims of a token that is signed by the issuer, for the audience,
// and valid now. The error says why not, without any claim of it.
func (v *Verifier) Verify(ctx context.Context, raw string) (map[string]any, error) {
	if len(raw) > maxToken {
		return nil, errors.New("the token is too long")
	}
	token, err := jwt.ParseSigned(raw, algorithms)
	if err != nil || len(token.Headers) != 1 {
		return nil, errors.New("the token is no JWT that is signed by an algorithm allowed here (RS256, PS256, ES256, EdDSA)")
	}
	keys, err := v.Keys.find(ctx, token.Headers[0].KeyID, token.Headers[0].Algorithm)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		var registered jwt.Claims
		claims := map[string]any{}
		if err := token.Claims(key.Key, &registered, &claims); err != nil {
			continue // not signed by this one
		}
		return claims, v.valid(&registered)
	}
	return nil, errors.New("the token is not signed by a key of the issuer")
}

// valid holds the registered claims to what is configured (RFC 7519, 4.1).
func (v *Verifier) valid(c *jwt.Claims) error {
	if c.Expiry == nil {
		return errors.New("the token does not say until when it is valid")
	}
	err := c.ValidateWithLeeway(jwt.Expected{Issuer: v.Issuer, AnyAudience: jwt.Audience{v.Audience}, Time: v.Now()}, leeway)
	for _, known := range []struct {
		is  error
		say string
	}{
		{jwt.ErrInvalidIssuer, "is of another issuer"},
		{jwt.ErrInvalidAudience, "is for another audience"},
		{jwt.ErrExpired, "has expired"},
		{jwt.ErrNotValidYet, "is not valid yet"},
		{jwt.ErrIssuedInTheFuture, "was issued in the future"},
	} {
		if errors.Is(err, known.is) {
			return fmt.Errorf("the token %s", known.say)
		}
	}
	return err
}

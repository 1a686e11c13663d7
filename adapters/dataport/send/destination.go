package send

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
	"github.com/amtsbote/amtsbote/adapters/dataport/fit/client"
	"github.com/amtsbote/amtsbote/hub"
)

// route finds the one destination for a service in a place.
func (x *sink) route(ctx context.Context, p *parcel) (string, error) {
	if p.destination != "" {
		return p.destination, nil
	}
	routes, err := x.api.Routes(ctx, p.leika, p.area, p.key)
	if client.ClassOf(err) == client.Gone {
		routes, err = nil, nil
	}
	if err != nil {
		return "", err
	}
	if len(routes) == 0 {
		return "", hub.Permanent("fit-no-route", "the routing service knows no destination for this public service in this place")
	}
	found := routes[0]
	for _, r := range routes[1:] {
		if r.Destination != found.Destination {
			return "", hub.Permanent("fit-routes", "the routing service knows several destinations for this public service in this place; name one (zustellpunkt)")
		}
	}
	if !fit.IsUUID(found.Destination) {
		return "", hub.Retryable("fit-no-route", "the routing service's answer has no destination")
	}
	if x.routing != nil {
		if err := fit.VerifyRoute(found.Signature, found.Destination, p.leika, p.key, x.routing, x.minBits); err != nil {
			return "", hub.Permanent("fit-route-signature", "the route: %w", err)
		}
	}
	return found.Destination, nil
}

// destination asks whether a destination takes what is to be sent, in which version
// of the metadata, and for the key to encrypt it to, which is checked.
func (x *sink) destination(ctx context.Context, p *parcel, id string) (*client.Destination, fit.PublicKey, error) {
	to, err := x.api.Destination(ctx, id)
	if client.ClassOf(err) == client.Gone {
		return nil, fit.PublicKey{}, hub.Permanent("fit-no-destination", "the service does not know the destination")
	}
	if err != nil {
		return nil, fit.PublicKey{}, err
	}
	if to.Status != "active" {
		return nil, fit.PublicKey{}, hub.Permanent("fit-inactive", "the destination is not active")
	}
	if err := takes(to, p); err != nil {
		return nil, fit.PublicKey{}, err
	}
	if p.metadata.Schema, err = metadataVersion(to); err != nil {
		return nil, fit.PublicKey{}, err
	}
	jwk, err := x.api.DestinationKey(ctx, id, to.EncryptionKeyID)
	if client.ClassOf(err) == client.Gone {
		return nil, fit.PublicKey{}, hub.Permanent("fit-key", "the service does not have the key that the destination names")
	}
	if err != nil {
		return nil, fit.PublicKey{}, err
	}
	key, err := jwk.ForSending(to.EncryptionKeyID, fit.Trust{MinBits: x.minBits, Roots: x.roots, Now: time.Now()})
	if err != nil {
		return nil, fit.PublicKey{}, hub.Permanent("fit-key", "the destination's key: %w", err)
	}
	return to, key, nil
}

func offered(to *client.Destination, service string) *client.Service {
	i := slices.IndexFunc(to.Services, func(s client.Service) bool { return s.Identifier == service })
	if i < 0 {
		return nil
	}
	return &to.Services[i]
}

// takes says whether the destination offers the service with the schema. One that
// says nothing about it may take all.
func takes(to *client.Destination, p *parcel) error {
	if len(to.Services) == 0 {
		return nil
	}
	s := offered(to, p.service)
	if s == nil {
		return hub.Permanent("fit-service", "the destination does not take the public service")
	}
	for _, schema := range s.Schemas {
		if schema.URI == p.metadata.Data.SchemaURI && schema.MIMEType == p.metadata.Data.MIMEType {
			return nil
		}
	}
	if len(s.Schemas) > 0 {
		return hub.Permanent("fit-schema", "the destination does not take the schema of the data")
	}
	return nil
}

// region is one that the destination has for the service and that the place lies in;
// "" where none is known.
func region(to *client.Destination, p *parcel) string {
	s := offered(to, p.service)
	if s == nil {
		return ""
	}
	key := p.key
	if p.area == "ars" && len(key) == 12 { // regions have the key of the municipality without its association
		key = key[:5] + key[9:]
	}
	for _, one := range s.Regions {
		if code := strings.TrimPrefix(one, "DE"); key != "" && (strings.HasPrefix(p.key, code) || strings.HasPrefix(key, code)) {
			return one
		}
	}
	return ""
}

// metadataVersion is the newest of family 2 that the destination takes.
func metadataVersion(to *client.Destination) (string, error) {
	if len(to.MetadataVersions) == 0 || slices.Contains(to.MetadataVersions, fit.MetadataVersion) {
		return fit.MetadataVersion, nil
	}
	newest := ""
	for _, v := range to.MetadataVersions {
		if strings.HasPrefix(v, "2.") && newer(v, newest) {
			newest = v
		}
	}
	if newest == "" {
		return "", hub.Permanent("fit-metadata-version", "the destination takes no metadata of version 2")
	}
	return newest, nil
}

// newer compares versions by their numbers; what is none counts as -1.
func newer(a, b string) bool {
	numbers := func(v string) (all []int) {
		for part := range strings.SplitSeq(v, ".") {
			n, err := strconv.Atoi(part)
			if err != nil {
				n = -1
			}
			all = append(all, n)
		}
		return all
	}
	return slices.Compare(numbers(a), numbers(b)) > 0
}

// fresh is how long what was announced goes on without a look at the destination.
const fresh = time.Hour

// renew has what was packed by an earlier try packed anew when it would go to another
// destination now, to another key, or as something else. What may have been submitted
// stays as it is.
func (x *sink) renew(ctx context.Context, p *parcel, r *record) error {
	if r.State != packed && (r.State != announced || time.Since(r.Since) < fresh) {
		return nil
	}
	id, err := x.route(ctx, p)
	if err != nil {
		return err
	}
	to, key, err := x.destination(ctx, p, id)
	if err != nil || r.Destination == id && r.Packing == x.packing(p, key, region(to, p)) {
		return err
	}
	x.log.Info("fit-connect: the destination, its key or the settings have changed; it is encrypted anew", zap.String("delivery", r.id))
	return x.out.drop(r)
}

// packing names, by a hash, all that a submission was encrypted for and says of itself
// beside the event's content.
func (x *sink) packing(p *parcel, key fit.PublicKey, region string) string {
	m := p.metadata
	raw, _ := json.Marshal([]string{key.ID, p.service, p.name, region, m.Schema, m.Data.SchemaURI, m.Data.MIMEType, x.set.Absender}) // texts alone
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

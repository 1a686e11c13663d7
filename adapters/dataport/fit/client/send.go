package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/amtsbote/amtsbote/adapters/dataport/fit"
)

// Destination is a Zustellpunkt as a sender sees it.
type Destination struct {
	ID               string    `json:"destinationId"`
	Status           string    `json:"status"` // created, active, inactive, decommissioned
	EncryptionKeyID  string    `json:"encryptionKid"`
	MetadataVersions []string  `json:"metadataVersions"`
	Services         []Service `json:"publicServices"`
}

// Service is a public service that a destination takes.
type Service struct {
	Identifier string   `json:"identifier"` // urn:de:fim:leika:leistung:…
	Regions    []string `json:"regions"`    // DE and a key
	Schemas    []struct {
		URI      string `json:"schemaUri"`
		MIMEType string `json:"mimeType"`
	} `json:"submissionSchemas"`
}

// Destination asks for one.
func (c *Client) Destination(ctx context.Context, id string) (*Destination, error) {
	d := &Destination{}
	err := c.getJSON(ctx, "read destination", c.path("destinations", id), maxKeys, d)
	return d, err
}

// DestinationKey asks for a destination's key by its name. Nothing of it has been
// checked.
func (c *Client) DestinationKey(ctx context.Context, destination, keyID string) (fit.JWK, error) {
	var k fit.JWK
	err := c.getJSON(ctx, "read the destination's key", c.path("destinations", destination, "keys", keyID), maxKeys, &k)
	return k, err
}

// Announcement begins a submission.
type Announcement struct {
	Destination string   `json:"destinationId"`
	Attachments []string `json:"announcedAttachments"`
	Service     struct {
		Identifier string `json:"identifier"`
		Name       string `json:"name"`
	} `json:"publicService"`
	Region string `json:"region,omitempty"`
}

// Announce gives a submission its ids. It is not idempotent: each call begins
// another one, which the service deletes after a day if it is not completed.
func (c *Client) Announce(ctx context.Context, a Announcement) (Listed, error) {
	const doing = "announce submission"
	body, err := json.Marshal(a)
	if err != nil {
		return Listed{}, fmt.Errorf("%s: %w", doing, err)
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	resp, err := c.do(ctx, call{
		doing: doing, method: http.MethodPost, url: c.path("submissions"), accept: "application/json", contentType: "application/json", body: string(body),
	})
	if err != nil {
		return Listed{}, err
	}
	var l Listed
	if err := readJSON(ctx, doing, resp, maxProblem, &l); err != nil {
		return Listed{}, err
	}
	l.Submission, l.Case = strings.ToLower(l.Submission), strings.ToLower(l.Case)
	if !fit.IsUUID(l.Submission) || !fit.IsUUID(l.Case) {
		return Listed{}, &Error{Doing: doing, Class: Retry, Status: resp.StatusCode, Err: errors.New("the answer has no ids")}
	}
	return l, nil
}

// PutAttachment uploads an encrypted attachment from a file, streaming. The same
// bytes again have no further effect.
func (c *Client) PutAttachment(ctx context.Context, submission, attachment, path string) error {
	return c.upload(ctx, call{
		doing: "put attachment", url: c.path("submissions", submission, "attachments", attachment), contentType: "application/jose",
	}, piece{path: path})
}

// Submit completes a submission with metadata and data, each a compact JWE in a
// file.
func (c *Client) Submit(ctx context.Context, submission, metadata, data string) error {
	return c.upload(ctx, call{doing: "submit", url: c.path("submissions", submission), accept: "application/json", contentType: "application/json"},
		piece{text: `{"encryptedMetadata":"`}, piece{path: metadata}, piece{text: `","encryptedData":"`}, piece{path: data}, piece{text: `"}`})
}

// piece of a body: a text, or a file. Compact JWEs need no escaping in JSON.
type piece struct{ text, path string }

// upload puts pieces one behind the other.
func (c *Client) upload(ctx context.Context, k call, pieces ...piece) error {
	for _, p := range pieces {
		n := int64(len(p.text))
		if p.path != "" {
			info, err := os.Stat(p.path)
			if err != nil {
				return fmt.Errorf("%s: %w", k.doing, err)
			}
			n = info.Size()
		}
		k.size += n
	}
	k.method, k.open = http.MethodPut, func() (io.ReadCloser, error) { return openPieces(pieces) }
	ctx, cancel := context.WithTimeout(ctx, 10*c.cfg.Timeout)
	defer cancel()
	resp, err := c.do(ctx, k)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	said, err := io.ReadAll(io.LimitReader(resp.Body, maxProblem))
	if err != nil || len(said) > 0 && !jsontext.Value(said).IsValid() { // of a proxy, not of the service
		return &Error{Doing: k.doing, Class: Retry, Status: resp.StatusCode, Err: errors.New("the answer is not what was asked for")}
	}
	return nil
}

// joined reads pieces in order.
type joined struct {
	io.Reader
	files []*os.File
}

func openPieces(pieces []piece) (io.ReadCloser, error) {
	j := &joined{}
	var all []io.Reader
	for _, p := range pieces {
		if p.path == "" {
			all = append(all, strings.NewReader(p.text))
			continue
		}
		f, err := os.Open(p.path)
		if err != nil {
			_ = j.Close()
			return nil, fmt.Errorf("read what is to be sent: %w", err)
		}
		j.files = append(j.files, f)
		all = append(all, f)
	}
	j.Reader = io.MultiReader(all...)
	return j, nil
}

// Close implements io.Closer.
func (j *joined) Close() error {
	for _, f := range j.files {
		_ = f.Close() // were only read
	}
	return nil
}

// Route is where applications for a service in a place go.
type Route struct {
	Destination string `json:"destinationId"`
	Signature   string `json:"destinationSignature"` // JWS, see fit.VerifyRoute
}

// Routes asks the routing service, without a token. area is the name of a
// parameter, ars or ags; at most a hundred routes are given.
func (c *Client) Routes(ctx context.Context, leika, area, key string) ([]Route, error) {
	const doing, most = "look up route", 100
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	query := url.Values{"leikaKey": {leika}, area: {key}, "limit": {strconv.Itoa(most)}}
	k := call{
		method: http.MethodGet, url: strings.TrimRight(c.cfg.Routing, "/") + "/v2/routes?" + query.Encode(), accept: "application/json",
	}
	resp, err := c.send(ctx, k, "")
	if err != nil {
		return nil, &Error{Doing: doing, Class: Retry, Err: withoutURL(err)}
	}
	if resp.StatusCode != http.StatusOK {
		failed := c.failure(doing, resp)
		if failed.Class == Unlinked { // nothing is to be connected here
			failed.Class, failed.Err = Retry, fmt.Errorf("HTTP status %d", failed.Status)
		}
		return nil, failed
	}
	var page struct {
		Routes []Route `json:"routes"`
	}
	err = readJSON(ctx, doing, resp, maxList, &page)
	for i := range page.Routes {
		page.Routes[i].Destination = strings.ToLower(page.Routes[i].Destination)
	}
	return page.Routes, err
}

package open311

import (
	"context"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/adapters/open311/georeport"
)

// photoClient fetches what strangers' URLs name: the address that a connection is
// really made to is judged, so that a name that changes its address in between (DNS
// rebinding) gains nothing; no proxy, no redirect.
func photoClient(set *settings) *http.Client {
	d := &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !set.Media.Internal && !georeport.Public(at.Addr()) {
			return georeport.ErrPlace
		}
		return nil
	}}
	return &http.Client{
		Timeout:       set.Timeout,
		Transport:     &http.Transport{DialContext: d.DialContext, DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

var images = []string{"image/jpeg", "image/png", "image/webp", "image/gif", "image/heic"}

var errPhoto = errors.New("the photo is not one that may be fetched")

// mostPhotos is how many the event's schema takes.
const mostPhotos = 10

// addresses takes media_url apart: Mark-a-Spot has all photos in it, with commas between.
func addresses(media string) (all []string) {
	for _, part := range strings.Split(media, ",") {
		part = strings.TrimSpace(part)
		if n := len(all); n > 0 && !strings.HasPrefix(part, "http://") && !strings.HasPrefix(part, "https://") {
			all[n-1] += "," + part // a comma of an address
		} else if part != "" {
			all = append(all, part)
		}
	}
	return all[:min(len(all), mostPhotos)]
}

// pictures fetches the photos of a new report, where the settings let it, and stores
// them. A photo that cannot be had holds nothing up: the content still has its URL.
func (r *run) pictures(ctx context.Context, rep *report) (all []original, err error) {
	if r.photos == nil {
		return nil, nil
	}
	for _, address := range addresses(rep.media) {
		one, err := r.photo(ctx, rep, address)
		if err != nil {
			return nil, err
		}
		all = append(all, one...)
	}
	return all, nil
}

func (r *run) photo(ctx context.Context, rep *report, address string) ([]original, error) {
	res, err := r.fetch(ctx, address)
	if err != nil {
		r.log.Info("open311: a photo was not fetched", zap.String("vorgang", caseOf(r.set.Source, rep.ID)))
		return nil, ctx.Err()
	}
	defer func() { _ = res.Body.Close() }()
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	body := &bounded{r: res.Body, left: r.set.Media.MaxBytes}
	ref, err := r.in.Blobs().Put(ctx, body)
	switch {
	case body.failed != nil:
		r.log.Info("open311: a photo broke off or is too large", zap.String("vorgang", caseOf(r.set.Source, rep.ID)))
		return nil, ctx.Err()
	case err != nil:
		return nil, wrap("store a photo", err)
	case ref.Size == 0:
		return nil, nil
	}
	return []original{{ref.Ref, ref.SHA256, ref.Size, kind}}, nil
}

func (r *run) fetch(ctx context.Context, raw string) (*http.Response, error) {
	u, err := url.Parse(raw)
	if err != nil || !r.allowed(u) {
		return nil, errPhoto
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, errPhoto
	}
	res, err := r.photos.Do(req)
	if err != nil {
		return nil, errPhoto
	}
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil || res.StatusCode != http.StatusOK || !slices.Contains(images, kind) {
		return nil, errors.Join(errPhoto, res.Body.Close())
	}
	return res, nil
}

// allowed tells whether a URL is one of the hosts that the settings name, by https; by
// http only where inner addresses are allowed.
func (r *run) allowed(u *url.URL) bool {
	m := r.set.Media
	return (u.Scheme == "https" || u.Scheme == "http" && m.Internal) && u.User == nil && slices.Contains(m.Hosts, strings.ToLower(u.Host))
}

// bounded gives at most left bytes, and remembers why it gave no more.
type bounded struct {
	r      io.Reader
	left   int64
	failed error
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.left -= int64(n); b.left < 0 {
		err = errPhoto
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.failed = err
	}
	return n, err
}

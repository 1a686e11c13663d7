package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/console"
	"github.com/amtsbote/amtsbote/hub/internal/httpapi"
	"github.com/amtsbote/amtsbote/hub/internal/oidc"
	"github.com/amtsbote/amtsbote/hub/internal/search"
)

// Console says where people reach the steward's console, and how they log in.
type Console struct {
	// Listen is host:port; port 0 takes a free one. Beyond loopback TLS and OIDC must be
	// given.
	Listen string
	TLS    httpapi.TLSFiles
	// URL is where browsers reach it, when that is not Listen; needed for OIDC.
	URL  string
	OIDC ConsoleOIDC
}

// ConsoleOIDC is the issuer at which people log in; the zero value: none, one person on
// this machine.
type ConsoleOIDC struct {
	Issuer, Client string
	// SecretFile holds the client's secret; "": it is a public client.
	SecretFile string
	// JWKS is the file or URL of its keys; "": where its configuration says.
	JWKS string
	// Scopes beyond openid.
	Scopes []string
	// Name is the claim that names a person in the trail; "" is "sub".
	Name string
}

// VerbConsole asks for a new link to the console.
const VerbConsole = "console-link"

// ConsoleAnswer is a link that lets the person on this machine in, once.
type ConsoleAnswer struct {
	Link string `json:"link"`
	// URL of the console, where people log in; then there is no Link.
	URL string `json:"url"`
}

// steward is what belongs to the console and runs.
type steward struct {
	server  *console.Server
	search  *search.Index
	link    string
	version versions
}

const (
	searchDir   = "search"
	searchFlush = 250 * time.Millisecond
	searchSweep = time.Minute
	sweepMost   = 20_000
)

// ConsoleURL is where people reach the console; "" when there is none. Link is one that
// lets the person on this machine in, once; "" when people log in.
func (a *App) ConsoleURL() (url, link string) {
	if a.steward == nil || a.steward.server == nil {
		return "", ""
	}
	return a.steward.server.URL(), a.steward.link
}

// openConsole starts the console, if there is to be one.
func (a *App) openConsole(ctx context.Context) (err error) {
	if a.cfg.Console == nil {
		return nil
	}
	s := &steward{version: versions{turn: make(chan struct{}, 1)}}
	a.steward = s
	login, err := a.cfg.Console.login()
	if err != nil {
		return err
	}
	tls, err := a.cfg.Console.TLS.Config()
	if err != nil {
		return err
	}
	created, last, err := a.bus.Extent(ctx, bus.Trail)
	if err != nil {
		return err
	}
	key, err := termsKey(a.secret)
	if err != nil {
		return err
	}
	if s.search, err = search.Open(filepath.Join(a.cfg.Data, searchDir), created, last, search.Options{Log: a.log, Key: key}); err != nil {
		a.log.Error("the console runs without its search", zap.Error(err)) // the hub's work does not need it
		s.search = search.Off(a.log)
	}
	a.group.Go(func() error { return a.followTrail(a.run) })
	a.group.Go(func() error { return a.keepSearch(a.run) })
	a.group.Go(func() error { return a.learnTerms(a.run) })
	s.server, err = console.Start(console.Config{
		Listen: a.cfg.Console.Listen, TLS: tls, URL: a.cfg.Console.URL, Login: login, Person: userName(), Hub: consoleHub{a}, Now: time.Now, Log: a.log,
	})
	if err != nil {
		return err
	}
	s.link = s.server.Link()
	return a.serve(ctx, VerbConsole, func(context.Context, []byte) ([]byte, error) {
		return json.Marshal(ConsoleAnswer{Link: s.server.Link(), URL: s.server.URL()})
	})
}

func (c *Console) login() (*console.Login, error) {
	o := c.OIDC
	if o.Issuer == "" {
		return nil, nil
	}
	if o.Client == "" {
		return nil, errors.New("the issuer of the console must know it by a name: give --console-oidc-client")
	}
	keys, err := oidc.NewKeys(o.Issuer, o.JWKS, time.Now)
	if err != nil {
		return nil, err
	}
	client := &oidc.Client{ID: o.Client, Scopes: o.Scopes, Keys: keys, Now: time.Now}
	if o.SecretFile != "" {
		raw, err := os.ReadFile(o.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("read the secret of the console at its issuer: %w", err)
		}
		client.Secret = strings.TrimRight(string(raw), "\r\n")
	}
	return &console.Login{Client: client, Name: o.Name}, nil
}

// userName is the name under which the hub's person uses the computer.
func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return "unknown"
}

// followTrail has the search index read the trail as it grows. What goes wrong there
// leaves the hub at work.
func (a *App) followTrail(ctx context.Context) error {
	x := a.steward.search
	for {
		err := a.bus.Follow(ctx, bus.Trail, x.Applied()+1, nil, x.Apply)
		if ctx.Err() != nil || x.Err() != nil { // the index has told of that
			return nil
		}
		a.log.Warn("the search index of the console does not follow the trail; trying again", zap.Error(err))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

func (a *App) keepSearch(ctx context.Context) error {
	x := a.steward.search
	flush, sweep := time.NewTicker(searchFlush), time.NewTicker(searchSweep)
	defer flush.Stop()
	defer sweep.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return nil
		case <-x.Failed():
			return nil
		case <-flush.C:
			err = x.Flush()
		case <-sweep.C:
			_, err = x.Sweep(sweepMost)
		}
		if err != nil && ctx.Err() == nil {
			a.log.Warn("the search index of the console was not written; trying again", zap.Error(err))
		}
	}
}

// closeConsole ends what is underway in browsers.
func (a *App) closeConsole() error {
	if a.steward == nil {
		return nil
	}
	if a.steward.search != nil {
		a.steward.search.Halt()
	}
	if a.steward.server == nil {
		return nil
	}
	err := a.steward.server.Close() // it stays: what answers on the control subject may still ask it
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("stop the console: %w", err)
	}
	return nil
}

// closeSearch comes when nothing reads the trail any more.
func (a *App) closeSearch() error {
	if a.steward == nil || a.steward.search == nil {
		return nil
	}
	if err := a.steward.search.Close(); err != nil { // it stays, and says that it is closed
		return fmt.Errorf("close the search index: %w", err)
	}
	return nil
}

// Package app is the wiring: it puts the rooms of the hub together, starts them
// and stops them. Tests start the whole product through it in-process; main
// holds only flags and signals.
package app

import (
	"crypto/tls"
	"time"

	"go.uber.org/zap"

	"github.com/amtsbote/amtsbote/hub"
	"github.com/amtsbote/amtsbote/hub/internal/bus"
	"github.com/amtsbote/amtsbote/hub/internal/decision"
	"github.com/amtsbote/amtsbote/hub/internal/index"
	"github.com/amtsbote/amtsbote/hub/internal/mail"
)

// Config says what to run and where.
type Config struct {
	// Directory is the federation directory.
	Directory string
	// Data is the data directory; relative paths of adapters start here.
	Data string
	// Listen is where the embedded server listens, host:port; "" for in-process
	// connections only. Port 0 takes a free one. Without TLS it must be on loopback.
	Listen string
	// TLS is how listeners show who they are (ReadTLS); nil for none.
	TLS *tls.Config
	// External is an existing NATS server to use instead of the embedded one.
	External *bus.External
	// Monitor is the HTTP monitoring address of the external server, of which its
	// settings are verified at start.
	Monitor string
	// Accept names the deviations of the external server (bus.Deviations) with which
	// the hub starts all the same.
	Accept []string
	// AllowTemp permits Data below the temporary directory.
	AllowTemp bool
	// NoSimulators leaves the simulators of a test federation out.
	NoSimulators bool
	// Replicas of each stream: 1, or 3 or 5 in a cluster.
	Replicas int
	// Layout is how large the hub's own streams may grow; nil is the default.
	Layout *bus.Layout
	// Quick is how many of the newest messages of the trail are compared before the
	// hub starts; 0 is the default.
	Quick uint64
	// Index says how much the index may take; its Log is the hub's.
	Index index.Options
	// Memory is what the process is to get by with, in bytes; 0 is not said. An
	// eighth of it may be events that were taken from the in streams and are not
	// carried out yet.
	Memory int64
	// HTTP is the HTTP door; nil: there is none.
	HTTP *HTTP
	// Console is the steward's console; nil: there is none.
	Console *Console
	// RemoveEvery is how often what has had its time is removed, from the start on;
	// 0 is keep.Every, negative is never.
	RemoveEvery time.Duration
	// Now is the clock by which things have had their time; nil is time.Now.
	Now func() time.Time

	// Secrets is the folder below which the files of secrets lie that the directory
	// names; "" is "secrets" in Data.
	Secrets string
	// PublicURL is where receivers reach the hub's HTTP door, without a slash at the
	// end; "": they do not, and cannot consent to a webhook by callback.
	PublicURL string
	// Mail is how contacts of webhooks are told; nil: by the log only.
	Mail *mail.Config
	// Alarm is told what an application's contact has to hear, beside the log; nil:
	// nobody.
	Alarm func(application, contact, what, code string)

	Kinds      []hub.Kind
	Simulators []hub.Simulator
	Observer   Observer
	Log        *zap.Logger
}

// Observer hears what the hub decides and delivers, after it is in the trail.
// Its methods are called from many goroutines and must be quick.
type Observer interface {
	Decided(*decision.Decision)
	Delivered(*decision.Delivery)
}

// layout is how large the hub's own streams may grow.
func (c *Config) layout() bus.Layout {
	if c.Layout != nil {
		return *c.Layout
	}
	return bus.Layout{
		Trail: 8 << 30, Out: 8 << 30, Quarantine: 2 << 30, Parked: 2 << 30, State: 64 << 20, Schemas: 64 << 20, Blobs: 16 << 30,
		Replicas: c.Replicas,
	}
}

func (c *Config) index() index.Options {
	o := c.Index
	o.Log = c.Log
	return o
}

type silent struct{}

func (silent) Decided(*decision.Decision)   {}
func (silent) Delivered(*decision.Delivery) {}

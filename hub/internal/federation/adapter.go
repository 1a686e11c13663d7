package federation

import "github.com/amtsbote/amtsbote/hub"

// Adapter is an adapter that the hub runs for an application.
type Adapter struct {
	Name        string // the file's name, [a-z0-9-]
	Application *Application
	Kind        string
	// Source and Sink tell what to run it as: what its kind makes, the
	// directory asks for, and the application has use for.
	Source, Sink bool
	Settings     hub.Settings

	sign string
}

// Sign changes when anything changes that the adapter was made of: its file, or
// what the directory says of its application.
func (a *Adapter) Sign() string { return a.sign }

// Simulator plays a foreign system in a test federation.
type Simulator struct {
	Name     string
	Kind     string
	Settings hub.Settings
}

// Kinds tells which kinds of adapter and simulator there are.
type Kinds interface {
	// Has tells whether a kind of adapter exists and what it makes.
	Has(name string) (source, sink, ok bool)
	// HasSimulator tells whether a simulator exists.
	HasSimulator(name string) bool
}

package federation

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"github.com/amtsbote/amtsbote/hub/internal/finding"
)

// adapter checks and takes over one adapter's file.
func (b *builder) adapter(file string, in *adapterFile) {
	at := finding.Pos{File: file, Line: 1, Column: 1}
	name := stem(file)
	if !validName(name) {
		b.Add(at, finding.AdpName, name)
	}
	a := &Adapter{Name: name, Kind: in.Kind.Value, Settings: in.Settings.OrEmpty(at)}
	source, sink, ok := b.kinds.Has(a.Kind)
	if a.Kind != "" && !ok {
		b.Add(in.Kind.At, finding.AdpKind, a.Kind)
	}
	if ok {
		a.Source, a.Sink, ok = b.use(in, source, sink)
	}
	id := in.Application.Value
	a.Application = b.fed.applications[id]
	switch {
	case id != "" && a.Application == nil:
		b.Add(in.Application.At, finding.AdpApplication, id)
	case ok && id != "":
		b.duty(a, in.Application.At)
	default:
		b.unsure[a.Application] = true
	}
	if a.Application != nil {
		a.sign = b.sign(a, file)
	}
	b.fed.Adapters = append(b.fed.Adapters, a)
}

func (b *builder) sign(a *Adapter, file string) string {
	h := sha256.New()
	h.Write(b.fed.files.files[file])
	if bytes.Contains(b.fed.files.files[file], []byte("mappings/")) { // whatever it reads of them
		for _, name := range b.fed.files.names("mappings") {
			fmt.Fprintf(h, "\x00%s\x00%d\x00%s", name, len(b.fed.files.files[name]), b.fed.files.files[name])
		}
	}
	fmt.Fprintf(h, "\x00%s %v %v %v %v", a.Application.ID, a.Source, a.Sink, b.fed.Production, a.Application.Sources)
	return hex.EncodeToString(h.Sum(nil))
}

// use narrows what the kind makes to what the file asks for; ok is false after
// a finding.
func (b *builder) use(in *adapterFile, source, sink bool) (asSource, asSink, ok bool) {
	switch in.Use.Value {
	case "":
		return source, sink, true
	case "source":
		asSource = source
	case "sink":
		asSink = sink
	default:
		b.Add(in.Use.At, finding.YAMLValue, "source | sink")
		return false, false, false
	}
	if ok = asSource || asSink; !ok {
		b.Add(in.Use.At, finding.AdpUse, in.Kind.Value, in.Use.Value)
	}
	return asSource, asSink, ok
}

// duty finds out what the adapter does for its application.
func (b *builder) duty(a *Adapter, at finding.Pos) {
	app := a.Application
	a.Source = a.Source && len(app.Sources) > 0
	a.Sink = a.Sink && app.Mailbox != nil && app.Mailbox.Mode == ModeSink
	switch first := b.sinkOf[app]; {
	case a.Sink && first != nil:
		b.Add(at, finding.AdpTwoSinks, app.ID, first.Name)
	case a.Sink:
		b.sinkOf[app] = a
	case !a.Source:
		b.Add(at, finding.AdpIdle, app.ID)
	}
}

// sinks finds mailboxes that nobody empties, unless an adapter with findings may.
func (b *builder) sinks() {
	for _, o := range b.fed.Organisations {
		for _, app := range o.Applications {
			if app.Mailbox != nil && app.Mailbox.Mode == ModeSink && b.sinkOf[app] == nil && !b.unsure[app] {
				b.Add(b.mailboxAt[app], finding.AdpNoSink, app.ID)
			}
		}
	}
}

func (b *builder) simulator(in simulatorFile) {
	name := in.Name.Value
	if name != "" && !validName(name) {
		b.Add(in.Name.At, finding.YAMLValue, "[a-z0-9-]{1,32}")
	}
	if b.fed.Production {
		b.Add(in.Kind.At, finding.FedSimulator)
	}
	if in.Kind.Value != "" && !b.kinds.HasSimulator(in.Kind.Value) {
		b.Add(in.Kind.At, finding.FedSimulatorKind, in.Kind.Value)
	}
	if slices.ContainsFunc(b.fed.Simulators, func(s *Simulator) bool { return s.Name == name }) {
		b.Add(in.Name.At, finding.FedSimulatorTwice, name)
	}
	b.fed.Simulators = append(b.fed.Simulators, &Simulator{Name: name, Kind: in.Kind.Value, Settings: in.Settings.OrEmpty(in.Kind.At)})
}

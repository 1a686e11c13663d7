package federation

import "slices"

// adapter checks and takes over one adapter's file.
func (b *builder) adapter(file string, in *adapterFile) {
	at := Pos{file, 1, 1}
	name := stem(file)
	if !namePattern.MatchString(name) {
		b.add(at, AdpName, name)
	}
	a := &Adapter{Name: name, Kind: in.Kind.Value, Settings: in.Settings.orEmpty(at)}
	source, sink, ok := b.kinds.Has(a.Kind)
	if a.Kind != "" && !ok {
		b.add(in.Kind.At, AdpKind, a.Kind)
	}
	if ok {
		a.Source, a.Sink, ok = b.use(in, source, sink)
	}
	id := in.Application.Value
	a.Application = b.fed.applications[id]
	switch {
	case id != "" && a.Application == nil:
		b.add(in.Application.At, AdpApplication, id)
	case ok && id != "":
		b.duty(a, in.Application.At)
	default:
		b.unsure[a.Application] = true
	}
	b.fed.Adapters = append(b.fed.Adapters, a)
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
		b.add(in.Use.At, YAMLValue, "source | sink")
		return false, false, false
	}
	if ok = asSource || asSink; !ok {
		b.add(in.Use.At, AdpUse, in.Kind.Value, in.Use.Value)
	}
	return asSource, asSink, ok
}

// duty finds out what the adapter does for its application.
func (b *builder) duty(a *Adapter, at Pos) {
	app := a.Application
	a.Source = a.Source && len(app.Sources) > 0
	a.Sink = a.Sink && app.Mailbox != nil && app.Mailbox.Mode == ModeSink
	switch first := b.sinkOf[app]; {
	case a.Sink && first != nil:
		b.add(at, AdpTwoSinks, app.ID, first.Name)
	case a.Sink:
		b.sinkOf[app] = a
	case !a.Source:
		b.add(at, AdpIdle, app.ID)
	}
}

// sinks finds mailboxes that nobody empties, unless an adapter with findings may.
func (b *builder) sinks() {
	for _, o := range b.fed.Organisations {
		for _, app := range o.Applications {
			if app.Mailbox != nil && app.Mailbox.Mode == ModeSink && b.sinkOf[app] == nil && !b.unsure[app] {
				b.add(b.mailboxAt[app], AdpNoSink, app.ID)
			}
		}
	}
}

func (b *builder) simulator(in simulatorFile) {
	name := in.Name.Value
	if name != "" && !namePattern.MatchString(name) {
		b.add(in.Name.At, YAMLValue, "[a-z0-9-]{1,32}")
	}
	if b.fed.Production {
		b.add(in.Kind.At, FedSimulator)
	}
	if in.Kind.Value != "" && !b.kinds.HasSimulator(in.Kind.Value) {
		b.add(in.Kind.At, FedSimulatorKind, in.Kind.Value)
	}
	if slices.ContainsFunc(b.fed.Simulators, func(s *Simulator) bool { return s.Name == name }) {
		b.add(in.Name.At, FedSimulatorTwice, name)
	}
	b.fed.Simulators = append(b.fed.Simulators, &Simulator{Name: name, Kind: in.Kind.Value, Settings: in.Settings.orEmpty(in.Kind.At)})
}

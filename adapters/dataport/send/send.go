// Package send is the other side of FIT-Connect: it hands events in as applications at
// the destinations (Zustellpunkte) of other authorities, or brings them to the
// citizen's mailbox (ZBP), and tells as events what became of each. See
// adapters/dataport/README.md for the settings.
package send

import "github.com/amtsbote/amtsbote/hub"

// Kind is the adapter kind "fit-connect-senden": a sender. Its sink submits, its
// source follows the event logs of what was submitted.
func Kind() hub.Kind {
	return hub.Kind{
		Name:   "fit-connect-senden",
		Title:  "FIT-Connect: Anträge und Statusmeldungen absenden (Sender, v2)",
		Source: newSource,
		Sink:   newSink,
		Check:  check,
	}
}

// check judges the settings alone.
func check(env hub.Env, s hub.Settings) ([]hub.Event, error) {
	_, err := decode(env, s)
	return nil, err
}

// Package dataport connects authorities with the online services that Dataport and
// others run for them (Online-Service-Infrastruktur, Einer für Alle): what a citizen
// hands in there comes over FIT-Connect, encrypted to the authority. See README.md
// for the settings.
package dataport

import "github.com/amtsbote/amtsbote/hub"

// Kind is the adapter kind "fit-connect": a subscriber of one destination
// (Zustellpunkt).
func Kind() hub.Kind {
	return hub.Kind{
		Name:   "fit-connect",
		Title:  "FIT-Connect: Anträge aus Onlinediensten abholen (Subscriber, v2)",
		Source: newSource,
		Check:  check,
	}
}

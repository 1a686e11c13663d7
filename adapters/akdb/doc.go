// Package akdb connects Fachverfahren of AKDB (OK.EWO and its kin) through a
// drop folder: XÖV messages come in as .xml and xdomea containers as .zip, and
// go out as .xml; or, as kind "xta", through an XTA 2 server. See README.md for the
// settings.
//
// The messages of the registers about moves, applications, deaths and births, and
// what their readers answer, become events of their own, one of each case; every
// other XÖV message becomes de.xoev.nachricht.v1 with its header and its original.
package akdb

import (
	"github.com/amtsbote/amtsbote/hub"
)

// Kind is the adapter kind "akdb".
func Kind() hub.Kind {
	return hub.Kind{
		Name:   "akdb",
		Title:  "AKDB-Fachverfahren: XÖV-Nachrichten über ein Austauschverzeichnis",
		Source: newSource,
		Sink:   newSink,
	}
}

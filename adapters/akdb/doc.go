// Package akdb connects Fachverfahren of AKDB (OK.EWO and its kin) through a
// drop folder: XÖV messages come in as .xml and xdomea containers as .zip, and
// go out as .xml; or, as kind "xta", through an XTA 2 server. See README.md for the
// settings.
//
// XMeld 1704 and 1707 become events of their own; every other XÖV message
// becomes de.xoev.nachricht.v1 with its header and its original. The original
// bytes are kept beside the event in any case.
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

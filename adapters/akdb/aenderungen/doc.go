// Package aenderungen is the adapter kind "okewo-aenderungen": the change feed
// of the City of Munich's resident register (OK.EWO) on Kafka. A record of the
// feed is one bare Ordnungsmerkmal; it becomes the thin event
// de.meldewesen.person-geaendert.v1.
//
// Nothing that names the person leaves: the event's subject is random and stays
// the same for one matter (Vorgang), its id comes from the record's position.
// What is remembered of a person (a subject, keyed digests) is found under a
// keyed digest of the Ordnungsmerkmal; without the adapter's secret none of it
// can be traced back, also not by trying all numbers.
//
// If the settings ask for it, the person is read through the gateway, and the
// event says which groups of fields have changed, or what the person's main data
// is now.
//
// A record is done in four steps, each of which may be the last before a crash:
// the decision is written to the source's memory (journal), then what is
// remembered of the person, then the event is published, then the offset is
// committed. A record that comes again is carried out as it was decided.
package aenderungen

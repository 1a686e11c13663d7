// Package personensuche is the adapter kind "okewo-auskunft": an enrichment step
// (hub/adr/0018-enrichment.md) that asks a resident register for the person whom an
// event of type de.meldewesen.person-gesucht.v1 seeks, and publishes
// de.meldewesen.person-ermittelt.v1.
//
// It asks in one of two ways: the register behind OK.KOMM's XoevService by XMeld
// 1330, which answers with 1331; or the city's OK.EWO by its search (REST). The
// event that answers has the outcome, the fields that the settings ask for, and the
// blocks; never an Ordnungsmerkmal or an IdNr.
package personensuche

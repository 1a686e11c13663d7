// Package open311 connects systems for reports of defects (Mängelmelder) that speak
// Open311 GeoReport v2. README.md says how one is set up.
//
// In mode portal the source reads the reports of the authority's own portal and tells
// what is new and what has changed; the sink writes back how a report ended. In mode
// forward the sink files a report with another authority, and the source tells what
// became of it there.
//
// Who reported, what was written and where the defect is are never in the data of an
// event: they are stored apart, and the event has the reference.
package open311

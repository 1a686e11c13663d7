// Package schemas holds the event schemas (Ereignisschemas): JSON Schema
// 2020-12 of the data of each event type, embedded with valid and invalid
// examples.
//
// Beside the standard keywords a schema carries marks that the hub acts upon:
//
//	x-datenkategorie         personal field, by category (stammdaten, anschrift …)
//	x-nicht-personenbezogen  true: said to hold no personal data
//	x-sperre                 a block of the register (§§ 51, 52 BMG …), by name
//	x-bedingung              usable in an agreement's where, by this name
//	x-adresse                names an authority: usable as an agreement's address
//	x-title-en               title in English; title itself is German
//	x-description-en         description in English; likewise
//	x-attribute              at the root: attributes allowed beyond the common ones
//	x-keep                   at the root: how long a released event is kept, P7D
//
// How to add a type: README.md.
//
// [Recht] gives the list of laws that agreements name: recht/README.md.
package schemas

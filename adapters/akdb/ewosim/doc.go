// Package ewosim plays the City of Munich's gateway before OK.EWO, for examples
// and tests: the REST facade (personen/2.0) and the change feed on Kafka, both
// on loopback. The broker is kfake of franz-go.
//
// It holds whatever persons it is given and answers in the form that was
// recorded (persons below "personErweitert", "@type" with a prefix, booleans as
// texts, an unknown person as an empty object) or in that of the Swagger.
// Faults are ordered; README.md of adapters/akdb says how.
package ewosim

// Package zms is the adapter kind "zms": appointments of ZMS (eAppointment), the
// appointment system of Munich and Berlin.
//
// The source polls ZMS, which tells nobody of changes: lists by scope and day, and by
// scope and status (zmsbackend, API version 2). What it saw is kept in a journal on
// disk; each difference becomes an event de.termin.*. An appointment that is listed no
// more is told as cancelled only when that is certain.
//
// The sink reserves, confirms and cancels by event. What it did comes back as events
// that the source publishes.
//
// Only fields of an allow-list are ever read from a process ([Observation]); contact
// data and the authKey of a process stay in ZMS.
package zms

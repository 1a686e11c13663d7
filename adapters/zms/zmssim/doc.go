// Package zmssim plays ZMS (eAppointment), for examples and tests: the calls of
// zmsbackend that the adapter kind "zms" makes, on loopback. It holds whatever
// processes it is given, whole, with client and authKey, and answers in the form that
// was recorded: numbers as texts, lists as objects, empty objects as [].
//
// Faults are ordered; README.md of adapters/zms says how.
package zmssim

// Package eaktesim plays the E-Akte's REST-EAI 1.2.5, for examples and tests: the calls
// that the adapter kind "eakte" makes, on loopback. What it is given is gone when it
// ends.
//
// Faults are ordered; README.md of adapters/eakte says how.
package eaktesim

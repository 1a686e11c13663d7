// Package fitsim plays the Zustelldienst of FIT-Connect (version 2) for both sides:
// tokens that expire, destinations with their keys, submissions, the event log with
// a signing key of its own, callbacks, deadlines by a clock that can be quick, and
// disturbances to order. It also plays the citizen: what is ordered from it, or lies
// in its folder, is encrypted to the destination as an online service does it.
package fitsim

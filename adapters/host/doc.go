// Package host runs one adapter as its own process, at the authority whose system it
// connects: keys and secrets stay there, and to the hub it is an ordinary application
// that speaks HTTP (hub/README.md, section HTTP). A partner's adapter is a main with
// one line:
//
//	func main() { host.Main(mykind.Kind()) }
//
// The contract of hub.Source and hub.Sink holds as inside the hub, with these
// differences:
//
//   - A source's State lies in files below its data directory, synced.
//   - Blobs can be put, and those of deliveries opened; a source cannot open again what
//     it has put.
//   - Settled is called when the receipt of an event comes (its organisation has receipts
//     go to this application): the outcome is known then, Done is 0.
package host

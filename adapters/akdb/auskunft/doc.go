// Package auskunft is what all enrichment steps share (hub/adr/0018-enrichment.md):
// applications that ask a register what an event asks, and publish the answer as
// an event of its own.
//
// A [Step] says what is asked. Its sink takes the event that asks, asks once for
// each delivery, and keeps the answer on disk before the delivery is done; its
// source publishes what is kept and removes it when the hub has it. A crash at
// any point asks again only if no answer was kept, and an answer that is
// published again is the same event.
//
// [Desk] is the part on disk, for sinks whose answers are no events yet.
package auskunft

// Package digiwfsim plays DigiWF: a Kafka broker in the process and an engine behind
// it, which starts processes, calls integrations on their topics and waits for their
// answers, and takes what adapters send, reading headers as Spring does. It has
// DigiWF's REST endpoints too, and faults to order.
//
// The engine knows only what the public code of 2022 does: a start that comes twice
// starts two instances, an answer that nobody waits for is late.
package digiwfsim

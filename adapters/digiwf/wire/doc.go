// Package wire is what DigiWF says on Kafka: the names of topics and headers, the
// headers as Spring reads and writes them, and the bodies of the messages. It
// follows the public code of 2022 (generation 1) and what is known of 2024
// (generation 2); every name is a setting.
package wire

// Command go-nats is the round trip with Amtsbote over NATS: send an event, receive
// its copy, acknowledge it.
//
//	export AMTSBOTE_NATS=127.0.0.1:4222 AMTSBOTE_APP=rz.melderegister AMTSBOTE_CREDS=rz.melderegister.creds
//	go run ./examples/clients/go-nats send examples/clients/daten.json
//	go run ./examples/clients/go-nats receive     # with the receiver's AMTSBOTE_APP and AMTSBOTE_CREDS
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/binding"
	cehttp "github.com/cloudevents/sdk-go/v2/protocol/http"
	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	app := os.Getenv("AMTSBOTE_APP")
	mailbox := strings.ReplaceAll(app, ".", "_")
	nc, err := nats.Connect(os.Getenv("AMTSBOTE_NATS"),
		nats.UserCredentials(os.Getenv("AMTSBOTE_CREDS")),
		nats.CustomInboxPrefix("_INBOX_"+mailbox)) // the only one that this application may listen to
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.NewWithDomain(nc, "hub")
	if err != nil {
		return err
	}
	if len(args) == 2 && args[0] == "send" {
		return send(ctx, js, app, args[1])
	}
	return receive(ctx, js, mailbox)
}

func send(ctx context.Context, js jetstream.JetStream, app, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	event := cloudevents.NewEvent()
	event.SetID(uuid.NewString())
	event.SetType("de.meldewesen.wohnung-angemeldet.v1")
	event.SetSource("urn:de:dvdv:ags:00000001")
	event.SetTime(time.Now())
	if err := event.SetData(cloudevents.ApplicationJSON, json.RawMessage(data)); err != nil {
		return err
	}
	m := nats.NewMsg("in." + app + "." + event.Type())
	m.Header.Set("Content-Type", cloudevents.ApplicationCloudEventsJSON)
	if m.Data, err = json.Marshal(event); err != nil {
		return err
	}
	if _, err := js.PublishMsg(ctx, m); err != nil { // nil: stored and synced to disk
		return err
	}
	fmt.Println("sent", event.ID())
	return nil
}

func receive(ctx context.Context, js jetstream.JetStream, mailbox string) error {
	consumer, err := js.Consumer(ctx, "OUT", mailbox)
	if err != nil {
		return err
	}
	m, err := consumer.Next(jetstream.FetchMaxWait(20 * time.Second))
	if err != nil {
		return err
	}
	event, err := read(ctx, m)
	if err != nil {
		return err
	}
	meta, err := m.Metadata()
	if err != nil {
		return err
	}
	fmt.Printf("received %s (delivery %d) %s\n", event.ID(), meta.NumDelivered, event.Data()) // your work
	return m.DoubleAck(ctx)                                                                   // nil: recorded by the hub
}

// read takes an event out of a message, whole (structured) or with its attributes
// as headers (binary). NATS and HTTP name them alike, so the reader for HTTP does.
func read(ctx context.Context, m jetstream.Msg) (*cloudevents.Event, error) {
	header := http.Header{}
	for name, values := range m.Headers() {
		header.Set(name, values[0])
	}
	return binding.ToEvent(ctx, cehttp.NewMessage(header, io.NopCloser(bytes.NewReader(m.Data()))))
}

// Command go-http is the round trip with Amtsbote over HTTP: send an event, lease
// its copy, settle it.
//
//	export AMTSBOTE_URL=http://127.0.0.1:8080 AMTSBOTE_TOKEN=...
//	go run ./examples/clients/go-http send examples/clients/daten.json
//	go run ./examples/clients/go-http receive     # with the receiver's AMTSBOTE_TOKEN and AMTSBOTE_APP
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/google/uuid"
)

func main() {
	var err error
	if args := os.Args[1:]; len(args) == 2 && args[0] == "send" {
		err = send(context.Background(), args[1])
	} else {
		err = receive(context.Background(), "/mailboxes/"+os.Getenv("AMTSBOTE_APP"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func send(ctx context.Context, file string) error {
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
	client, err := cloudevents.NewClientHTTP(
		cloudevents.WithTarget(os.Getenv("AMTSBOTE_URL")+"/events"),
		cloudevents.WithHeader("Authorization", "Bearer "+os.Getenv("AMTSBOTE_TOKEN")))
	if err != nil {
		return err
	}
	if result := client.Send(ctx, event); !cloudevents.IsACK(result) {
		return fmt.Errorf("not accepted: %w", result)
	}
	fmt.Println("sent", event.ID()) // 202: stored and synced to disk
	return nil
}

// leased is what POST …/lease answers with.
type leased struct {
	Events []struct {
		Token       string            `json:"token"`
		Redelivered bool              `json:"redelivered"`
		Event       cloudevents.Event `json:"event"`
	} `json:"events"`
}

// settled is what POST …/settle answers with: one result an item, in order.
type settled []struct {
	Result string `json:"result"`
}

func receive(ctx context.Context, mailbox string) error {
	var got leased
	if err := post(ctx, mailbox+"/lease", map[string]any{"max": 1, "wait": 20, "lease": 60}, &got); err != nil {
		return err
	}
	if len(got.Events) == 0 {
		return errors.New("nothing came")
	}
	for _, l := range got.Events {
		fmt.Printf("received %s (again: %t) %s\n", l.Event.ID(), l.Redelivered, l.Event.Data()) // your work
		var did settled
		if err := post(ctx, mailbox+"/settle", []map[string]string{{"token": l.Token, "outcome": "done"}}, &did); err != nil {
			return err
		}
		if len(did) != 1 || did[0].Result != "done" {
			return fmt.Errorf("%s is not settled and comes again: %v", l.Event.ID(), did)
		}
	}
	return nil
}

// post sends JSON and reads the answer into out.
func post(ctx context.Context, path string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("AMTSBOTE_URL")+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+os.Getenv("AMTSBOTE_TOKEN"))
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusBadRequest { // application/problem+json says what is wrong and whose move it is
		problem, _ := io.ReadAll(answer.Body)
		return fmt.Errorf("%s: %s: %s", path, answer.Status, problem)
	}
	return json.NewDecoder(answer.Body).Decode(out)
}

// The round trip with Amtsbote over NATS. Node 20 or newer.
//
//   npm ci
//   export AMTSBOTE_NATS=127.0.0.1:4222 AMTSBOTE_APP=rz.melderegister AMTSBOTE_CREDS=rz.melderegister.creds
//   node nats.mjs send ../daten.json
//   node nats.mjs receive                  # with the receiver's AMTSBOTE_APP and AMTSBOTE_CREDS
import { readFile } from "node:fs/promises";
import { connect, credsAuthenticator, headers } from "@nats-io/transport-node";
import { jetstream } from "@nats-io/jetstream";
import { CloudEvent, HTTP } from "cloudevents";

const { AMTSBOTE_NATS: servers, AMTSBOTE_APP: app, AMTSBOTE_CREDS: creds } = process.env;
const mailbox = app.replace(".", "_");

const nc = await connect({
  servers,
  authenticator: credsAuthenticator(await readFile(creds)),
  inboxPrefix: `_INBOX_${mailbox}`, // the only one that this application may listen to
});
const js = jetstream(nc, { domain: "hub" });

async function send(file) {
  const event = new CloudEvent({
    type: "de.meldewesen.wohnung-angemeldet.v1",
    source: "urn:de:dvdv:ags:00000001",
    data: JSON.parse(await readFile(file, "utf8")),
  });
  const message = HTTP.structured(event); // NATS and HTTP name headers alike
  const h = headers();
  for (const [key, value] of Object.entries(message.headers)) h.set(key, value);
  await js.publish(`in.${app}.${event.type}`, message.body, { headers: h }); // returns: stored and synced to disk
  console.log("sent", event.id);
}

async function receive() {
  const consumer = await js.consumers.get("OUT", mailbox);
  const m = await consumer.next({ expires: 20_000 });
  if (!m) throw new Error("nothing came");
  const event = HTTP.toEvent({
    headers: Object.fromEntries([...m.headers].map(([key, values]) => [key.toLowerCase(), values[0]])),
    body: m.string(),
  });
  console.log("received", event.id, m.redelivered ? "(again)" : "(first time)", JSON.stringify(event.data)); // your work
  await m.ackAck(); // returns: recorded by the hub
}

await (process.argv[2] === "send" ? send(process.argv[3]) : receive());
await nc.drain();

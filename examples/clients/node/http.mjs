// The round trip with Amtsbote over HTTP, with the CloudEvents SDK. Node 20 or newer.
//
//   npm ci
//   export AMTSBOTE_URL=http://127.0.0.1:8080 AMTSBOTE_TOKEN=...
//   node http.mjs send ../daten.json
//   node http.mjs receive                  # with the receiver's AMTSBOTE_TOKEN and AMTSBOTE_APP
import { readFile } from "node:fs/promises";
import { CloudEvent, HTTP } from "cloudevents";

const { AMTSBOTE_URL: url, AMTSBOTE_TOKEN: token, AMTSBOTE_APP: app } = process.env;

async function post(path, { headers, body }) {
  const answer = await fetch(url + path, {
    method: "POST",
    headers: { ...headers, authorization: `Bearer ${token}`, "accept-language": "en" },
    body,
  });
  const text = await answer.text();
  // 4xx: what is wrong, where, and whose move it is, as application/problem+json
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`);
  return text && JSON.parse(text);
}

const json = (value) => ({ headers: { "content-type": "application/json" }, body: JSON.stringify(value) });

async function send(file) {
  const event = new CloudEvent({
    type: "de.meldewesen.wohnung-angemeldet.v1",
    source: "urn:de:dvdv:ags:00000001",
    data: JSON.parse(await readFile(file, "utf8")),
  });
  await post("/events", HTTP.structured(event)); // 202: stored and synced to disk
  console.log("sent", event.id);
}

async function receive() {
  const { events } = await post(`/mailboxes/${app}/lease`, json({ max: 1, wait: 20, lease: 60 }));
  if (events.length === 0) throw new Error("nothing came");
  for (const { token, redelivered, event } of events) {
    console.log("received", event.id, redelivered ? "(again)" : "(first time)", JSON.stringify(event.data)); // your work
    const [settled] = await post(`/mailboxes/${app}/settle`, json([{ token, outcome: "done" }]));
    if (settled.result !== "done") throw new Error(`${event.id} is ${settled.result}: it comes again`);
  }
}

await (process.argv[2] === "send" ? send(process.argv[3]) : receive());

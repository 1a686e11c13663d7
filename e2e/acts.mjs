// The acts that change something and that the other walks leave out: a receiver is paused
// and goes on, events leave quarantine one by one and in a run after a fix, a group is
// looked after, an adapter is paused and goes on. The test that starts it holds back the agreement by which the vehicle
// registration of Hamburg hears of people who leave (WITHHELD, its place is AGREEMENT):
// the fix puts it there and has the hub (BINARY, DATA) read its directory.
import { execFileSync } from "node:child_process";
import { copyFileSync } from "node:fs";
import { accessible, becomes, dropped, judged, must, said, sent } from "./browser.mjs";

const receiver = "hamburg.kfz";
const mailbox = `/streams/mailbox?app=${receiver}`;
const group = (code) => `/quarantine/group?app=dataport.melderegister&code=${code}`;
const unchanged = "button[value=quarantine-resubmit]";

export async function acts(base, login) {
  const { page, context } = await login();
  await page.goto(base + mailbox);
  await paused(page);
  const sentAgain = await resubmitted(page, base);
  await again(page, base);
  await page.goto(base + group("SCHEMA_INVALID"));
  await lookedAfter(page);
  const edited = await edit(page, base);
  await returned(page, base);
  for (const event of [sentAgain, edited]) { // they lie in the mailbox, and nothing is handed out
    await becomes(page, event, ".receivers li", receiver, "wartet", "angehalten seit");
  }
  await page.goto(base + mailbox);
  await goesOn(page);
  for (const event of [sentAgain, edited]) {
    await becomes(page, event, ".receivers li:has(.state.done)", receiver);
  }
  await adapterPaused(page, base);
  await context.close();
}

async function paused(page) {
  const reason = "Umzug des Fachverfahrens am Abend";
  await sent(page, "button[value=pause]", { reason });
  await said(page, "the receiver is paused");
  must((await page.locator(".note.alarm").textContent()).includes(reason), "the mailbox does not say why it is paused");
  await judged(page, "paused");
  await becomes(page, "/acts", "tbody tr", "Angehalten", receiver, reason);
}

async function goesOn(page) {
  const reason = "Der Umzug des Fachverfahrens ist fertig";
  await sent(page, "button[value=go-on]", { reason });
  await said(page, "the receiver goes on");
  must((await page.locator(".note.alarm").count()) === 0, "the mailbox is still paused");
  await becomes(page, "/acts", "tbody tr", "Fortgesetzt", receiver, reason);
}

// first opens the first event of a group, and gives the paths of its page there and of the
// event's own.
async function first(page, base, code) {
  await page.goto(base + group(code));
  await Promise.all([page.waitForNavigation(), page.locator("main tbody a").first().click()]);
  const event = await page.locator("main dd a[href^='/event?']").getAttribute("href");
  return { at: new URL(page.url()).pathname, event };
}

// resubmitted sends an event again as it is: in vain, and after a fix.
async function resubmitted(page, base) {
  const { at, event } = await first(page, base, "NO_AGREEMENT");
  const reason = "Der Vereinbarung fehlte die Freigabe";
  await sent(page, unchanged, { reason });
  must((await page.locator("[role=alert]").textContent()).includes("NO_AGREEMENT"), "nothing says why the event would come back");
  await judged(page, "resubmitted-in-vain");
  copyFileSync(process.env.WITHHELD, process.env.AGREEMENT);
  execFileSync(process.env.BINARY, ["reload", "--data", process.env.DATA]);
  await sent(page, unchanged, { reason });
  await said(page, "the event was sent again");
  await becomes(page, at, "dd", "Unverändert erneut eingereicht");
  await becomes(page, "/acts", "tbody tr", "Unverändert erneut eingereicht", reason);
  return event;
}

// again does the same to what is left of the group, in a run.
async function again(page, base) {
  await page.goto(base + group("NO_AGREEMENT"));
  await Promise.all([page.waitForNavigation(), page.locator("main a[href*='act=quarantine-resubmit']").click()]);
  must((await page.locator("main").textContent()).includes("2 kämen jetzt durch"), "the preview does not say that the two would pass");
  await sent(page, "form[action='/quarantine/bulk'] button", { reason: "nachgefragt bei a@example.org" });
  must((await page.locator("[role=alert]").count()) === 1, "a reason with an address was taken");
  await judged(page, "run-not-begun");
  await sent(page, "form[action='/quarantine/bulk'] button", { reason: "Die Vereinbarung gilt wieder" });
  await becomes(page, "/quarantine/runs", ".card:has(.state.done)", "dataport.melderegister", "2 von 2");
  await becomes(page, "/acts", "tbody tr", "Lauf über eine Gruppe begonnen", "Die Vereinbarung gilt wieder");
  await becomes(page, group("NO_AGREEMENT"), "main", "Das Klärungsfach ist leer");
}

// lookedAfter takes the group over, notes something, hands it on, and sets a day.
async function lookedAfter(page) {
  const facts = page.locator("dl.facts").last();
  await sent(page, "button[value=take]");
  await said(page, "the group is taken over");
  must((await facts.textContent()).includes(await page.locator(".who bdi").textContent()), "nobody looks after the group");
  await sent(page, "button[value=note]", { note: "Absender gefragt, Antwort am Montag" });
  await sent(page, "button[value=hand]", { to: "Team Melderecht" });
  await sent(page, "button[value=due]", { due: "2099-12-24" });
  for (const text of ["Team Melderecht", "24.12.2099", "Absender gefragt"]) {
    must((await facts.textContent()).includes(text), `the group does not say ${text}`);
  }
  await judged(page, "looked-after");
  await becomes(page, "/acts", "tbody tr", "Zuständigkeit im Klärungsfach", "dataport.melderegister");
  await becomes(page, "/quarantine", "tbody tr", "dataport.melderegister", "Team Melderecht", "24.12.2099");
}

// edit sees an event in full, changes it, wrongly at first, and sends it in the place of
// the refused one.
async function edit(page, base) {
  const { at, event } = await first(page, base, "SCHEMA_INVALID");
  const reason = "Der Absender nannte am Telefon den Tag";
  await sent(page, `form[action='${at}/look'] button`, { reason });
  await Promise.all([page.waitForNavigation(), page.locator(`a[href='${at}/edit']`).click()]);
  const text = await page.locator("textarea").inputValue();
  must(text.includes('"gestern"'), "the text to edit is not the event");
  const send = `form[action='${at}/edit'] button`;
  await sent(page, send, { event: text.replace('"gestern"', '"am 31. Oktober"'), reason });
  must((await page.locator("[role=alert]").textContent()).includes("/data/auszug"), "nothing says what is still wrong");
  await judged(page, "edited-in-vain");
  must((await page.locator("textarea").inputValue()).includes("am 31. Oktober"), "the edited text is lost when the language changes");
  must((await page.locator("[role=alert]").textContent()).includes("/data/auszug"), "what is wrong is lost when the language changes");
  await sent(page, send, { event: text.replace('"gestern"', '"2026-10-31"'), reason });
  await becomes(page, at, "dd", "Bearbeitet und erneut eingereicht");
  await page.goto(base + at);
  must((await page.locator("ol.payload").count()) === 1, "what the event was before is not shown");
  await judged(page, "edited");
  await becomes(page, "/acts", "tbody tr", "Bearbeitet und erneut eingereicht", reason);
  return event;
}

// returned gives the other event of the group back to its sender.
async function returned(page, base) {
  const { at, event } = await first(page, base, "SCHEMA_INVALID");
  const reason = "Bitte mit dem Tag des Auszugs neu senden";
  await sent(page, "button[value=take]");
  await said(page, "the event is taken over");
  await sent(page, "button[value=note]", { note: "Absender kennt den Tag" });
  must((await page.locator("dl.facts").last().textContent()).includes("Absender kennt den Tag"), "the event does not say what was noted");
  await sent(page, "button[value=quarantine-return]", { reason });
  await said(page, "the event was given back");
  await becomes(page, at, "dd", "Aus dem Klärungsfach zurückgegeben");
  await becomes(page, event, "dd", "RETURNED");
  await becomes(page, "/acts", "tbody tr", "Aus dem Klärungsfach zurückgegeben", reason);
}

// adapterPaused: a paused adapter leaves what comes (LATER, the event wegzug-6) where it
// lies, and takes it when it goes on.
async function adapterPaused(page, base) {
  const adapter = "hamburg-melderegister", path = `/streams/adapter?name=${adapter}`;
  const event = "/event?id=wegzug-6", before = "Umzug der Ablage am Abend", after = "Der Umzug der Ablage ist fertig";
  await page.goto(base + path);
  await sent(page, "button[value=pause]", { reason: before });
  await said(page, "the adapter is paused");
  must((await page.locator(".note.alarm").textContent()).includes(before), "the adapter does not say why it is paused");
  await accessible(page, "an adapter that is paused");
  await becomes(page, "/acts", "tbody tr", "Angehalten", "dataport.melderegister", before);
  dropped(process.env.LATER, `${process.env.DATA}/drop/${adapter}/in/wegzug-6.json`);
  await becomes(page, path, "dl.facts", "Wartende Dateien1 (");
  await page.goto(base + event);
  must((await page.locator(".receivers").count()) === 0, "an adapter that is paused has taken an event");
  await page.goto(base + path);
  await sent(page, "button[value=go-on]", { reason: after });
  await said(page, "the adapter goes on");
  must((await page.locator(".note.alarm").count()) === 0, "the adapter is still paused");
  await becomes(page, event, ".receivers li:has(.state.done)", receiver);
  await becomes(page, path, "dl.facts", "Wartende Dateien0");
  await becomes(page, "/acts", "tbody tr", "Fortgesetzt", "dataport.melderegister", after);
}

// What does not go on, as three people have it who log in at an issuer (ISSUER): a case of
// EVENTS events is parked at two receivers. The receivers' steward has it go on at one, the
// federation's gives it back at the other, the sender's sees both; then a run over what was
// given back is begun and stopped.
import { becomes, ended, entered, judged, must, opened, said, sent, start, walking } from "./browser.mjs";

const base = process.env.CONSOLE;
const events = process.env.EVENTS;
const browser = await start();
walking("stuck");

async function login(who) {
  const { page } = await opened(browser, base);
  await page.goto(base + "/login");
  await entered(page, base, who);
  return page;
}

const anna = await login("anna");
const berta = await login("berta");
const clara = await login("clara");
const first = "/event?id=stau-0";
const parkedAt = (application) => `li.card:has-text("${application}")`;

// released: the case goes on where it was parked, and is parked no more.
const goOn = "Die Ablage ist wieder erreichbar";
await anna.goto(base + "/parked");
must((await anna.locator("li.card").count()) === 2, "the case is not parked at two receivers");
must((await anna.locator(parkedAt("senke.frei")).textContent()).includes(`${events} Ereignisse`), "the page does not say how many events are parked");
await judged(anna, "parked-case");
await sent(anna, `${parkedAt("senke.frei")} button[value=release]`, { reason: goOn });
await said(anna, "the case is released");
await becomes(clara, first, ".receivers li:has(.state.done)", "senke.frei");
await becomes(clara, `/event?id=stau-${events - 1}`, ".receivers li:has(.state.done)", "senke.frei");
await becomes(clara, first, ".receivers li:has(.state.parked)", "senke.heim"); // there it waits on

// given back: it rests in quarantine, and its sender sees that it did not arrive.
const giveBack = "Das Fachverfahren nimmt den Fall nicht mehr";
await berta.goto(base + "/parked");
await sent(berta, `${parkedAt("senke.heim")} button[value=return]`, { reason: giveBack });
await said(berta, "the case is given back");
await becomes(berta, "/parked", "main", "Kein Schlüssel ist geparkt");
await becomes(clara, first, ".receivers li:has(.state.refused)", "senke.heim", "returned");
await clara.goto(base + first);
await judged(clara, "event-given-back");
await becomes(berta, "/acts", "tbody tr", "Schlüssel freigegeben", "senke.frei", "anna", goOn);
await becomes(berta, "/acts", "tbody tr", "An den Absender zurückgegeben", "senke.heim", "berta", giveBack);

// stopped: a run goes on no further, and what it has not come to stays.
const group = "/quarantine/group?app=senke.heim&code=RETURNED";
await anna.goto(base + group);
await Promise.all([anna.waitForNavigation(), anna.locator("main a[href*='act=quarantine-discard']").click()]);
await sent(anna, "form[action='/quarantine/bulk'] button", { reason: "Der Fall ist anderswo erledigt" });
await sent(anna, "form[action='/quarantine/runs'] button");
must(anna.url().endsWith("said=run-stop"), `the run was not stopped: ${anna.url()}`);
await said(anna, "the run stops");
await becomes(anna, "/quarantine/runs", ".card:has(.state.parked + time)", "senke.heim", `von ${events}`);
await anna.goto(base + "/quarantine/runs");
must((await anna.locator("form[action='/quarantine/runs']").count()) === 0, "a run that has stopped can be stopped");
await judged(anna, "run-stopped");
const done = Number((await anna.locator(".card").textContent()).match(/(\d+)\s+von/)[1]);
await anna.goto(base + "/quarantine");
const left = Number((await anna.locator("tbody tr", { hasText: "senke.heim" }).locator("td.n").textContent()).trim());
must(left > 0 && done + left === Number(events), `of ${events} events the run has discarded ${done}, and ${left} are left`);
console.log(`stuck: the run was stopped after ${done} of ${events} events`);
await becomes(berta, "/acts", "tbody tr", "Lauf angehalten", "senke.heim", "anna");
await ended(browser);

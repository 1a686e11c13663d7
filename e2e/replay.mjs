// Replays as two people have them: one counts and asks, the other decides. EVENTS is how
// many events the receiver was sent.
import { becomes, judged, must, said, sent } from "./browser.mjs";

const events = process.env.EVENTS;
const reason = "Datenverlust beim Empfänger, Ticket 4711";

// counts makes a dry run.
async function counts(page) {
  await sent(page, "form[action='/replays/look'] button");
  const found = await page.locator("main p[role=status] strong").allTextContents();
  must(found.join() === `${events},0`, `the dry run counts ${found}`);
}

// asks makes a dry run, has that judged if it is to look, and asks for the replay; it gives
// the path of its page.
async function asks(page, base, rate, look) {
  await page.goto(base + "/replays");
  await Promise.all([page.waitForNavigation(), page.locator("main a[href='/replays/new']").click()]);
  await page.locator("select[name=app]").selectOption("senke.app");
  await page.locator("input[name=type]").fill("de.fluss.ding.v1");
  await counts(page);
  if (look) {
    await judged(page, "replay-counted");
    must((await page.locator("input[name=type]").inputValue()) === "de.fluss.ding.v1", "the scope is lost when the language changes");
    await counts(page);
  }
  await sent(page, "form[action='/replays'] button", { rate, reason });
  await stands(page, "requested");
  return new URL(page.url()).pathname;
}

// stands tells that the page says where the replay stands, and that this has just been
// brought about.
async function stands(page, state) {
  must((await page.locator(`.facts .state.${state}`).count()) === 1, `the replay is not ${state}`);
  must((await page.locator("p[role=status]").count()) === 1, `nothing says that the replay was brought to ${state}`);
}

// gone is how many copies went, and how many the dry run expected.
async function gone(page) {
  return (await page.locator("main tbody tr").first().locator("td").allTextContents()).map(Number);
}

export async function replay(base, anna, berta) {
  const run = await done(base, anna, berta);
  await becomes(berta, "/acts", "tbody tr", "Wiederholung verlangt", "senke.app", "anna", reason);
  await becomes(berta, "/acts", "tbody tr", "Wiederholung zugestimmt", "senke.app", "berta");
  await becomes(berta, "/event?id=fluss-0", `.receivers a[href='${run}']`);
  await cancelled(base, anna, berta);
  await rejected(base, anna, berta);
  await becomes(berta, "/acts", "tbody tr", "Wiederholung abgelehnt", "senke.app", "berta");
  await anna.goto(base + "/replays");
  must((await anna.locator("main tbody tr").count()) === 4, "the list does not have the four replays");
  await judged(anna, "replays");
}

// done is a replay that goes to its end; it gives the path of its page.
async function done(base, anna, berta) {
  const run = await asks(anna, base, "500", true);
  must((await anna.locator("button[value=replay-approve]").count()) === 0, "who has asked can approve");
  await judged(anna, "replay-requested");
  await berta.goto(base + "/replays");
  await Promise.all([berta.waitForNavigation(), berta.locator(`main a[href='${run}']`).click()]);
  await judged(berta, "replay-to-decide");
  await sent(berta, "button[value=replay-approve]");
  await becomes(berta, run, ".facts .state.done");
  await anna.goto(base + run);
  must((await gone(anna)).join() === `${events},${events}`, `at its end the replay counts ${await gone(anna)}`);
  await judged(anna, "replay-done");
  return run;
}

// cancelled is one that is ended while it runs, and with it one that waits behind it.
async function cancelled(base, anna, berta) {
  const run = await asks(anna, base, "1"); // a second for each: it is underway until it is cancelled
  await berta.goto(base + run);
  await sent(berta, "button[value=replay-approve]");
  await stands(berta, "running");
  await judged(berta, "replay-running");
  const behind = await asks(anna, base, "500");
  await berta.goto(base + behind);
  await sent(berta, "button[value=replay-approve]");
  await stands(berta, "running");
  await anna.goto(base + behind);
  await sent(anna, "button[value=replay-cancel]", { reason: "Die erste Wiederholung genügt" });
  await stands(anna, "cancelling"); // until its turn comes
  await judged(anna, "replay-cancelling");
  await anna.goto(base + run);
  await sent(anna, "button[value=replay-cancel]", { reason: "Der Empfänger hat die Daten gefunden" });
  await said(anna, "the replay is cancelled");
  await becomes(anna, run, ".facts .state.cancelled");
  await becomes(anna, behind, ".facts .state.cancelled");
  await anna.goto(base + run);
  must((await gone(anna))[0] < Number(events), "a replay that was cancelled went to its end");
  await judged(anna, "replay-cancelled");
}

// rejected is one that does not begin.
async function rejected(base, anna, berta) {
  const run = await asks(anna, base, "20");
  await berta.goto(base + run);
  await sent(berta, "button[value=replay-reject]", { reason: "Einmal genügt, siehe die erste" });
  await stands(berta, "rejected");
  await judged(berta, "replay-rejected");
}

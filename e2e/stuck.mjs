// What does not go on, as three people have it: a case of STUCK events is parked at two
// receivers, until these are mended at the address MEND. The receivers' steward has it go on
// at one, the federation's gives it back at the other, the sender's sees both; then a run
// over what was given back is begun and stopped.
import { becomes, judged, must, said, sent } from "./browser.mjs";

const events = process.env.STUCK;

const first = "/event?id=stau-0";
const parkedAt = (application) => `li.card:has-text("${application}")`;

export async function stuck(base, anna, berta, clara) {
  for (const application of ["senke.frei", "senke.heim"]) { // this may take a while
    await becomes(anna, "/parked", "li.card", application, `${events} Ereignisse`);
  }
  must((await fetch(process.env.MEND, { method: "POST" })).ok, "the receivers are not mended");
  const [freed, home] = [await released(base, anna, clara), await givenBack(base, berta, clara)];
  await becomes(berta, "/acts", "tbody tr", "Schlüssel freigegeben", "senke.frei", "anna", freed);
  await becomes(berta, "/acts", "tbody tr", "An den Absender zurückgegeben", "senke.heim", "berta", home);
  await stopped(base, anna);
  await becomes(berta, "/acts", "tbody tr", "Lauf angehalten", "senke.heim", "anna");
}

// done tells that the page confirms an act on the case, or says that so many events take longer
// than it waits: what follows sees the end.
async function done(page, what) {
  const says = page.locator('p[role=status], p[role=alert]:has-text("Das dauert länger")');
  must((await says.count()) === 1, `nothing says that ${what}, or that it takes longer`);
}

// released: the case goes on at the first receiver, and waits on at the other. It gives the
// reason.
async function released(base, anna, clara) {
  const reason = "Die Ablage ist wieder erreichbar";
  await anna.goto(base + "/parked");
  must((await anna.locator("li.card").count()) === 2, "the case is not parked at two receivers");
  await judged(anna, "parked-case");
  await sent(anna, `${parkedAt("senke.frei")} button[value=release]`, { reason });
  await done(anna, "the case is released");
  await becomes(clara, first, ".receivers li:has(.state.done)", "senke.frei");
  await becomes(clara, `/event?id=stau-${events - 1}`, ".receivers li:has(.state.done)", "senke.frei");
  await becomes(clara, first, ".receivers li:has(.state.parked)", "senke.heim");
  return reason;
}

// givenBack: at the second receiver it is parked no more, and its sender sees that it did not
// arrive there. It gives the reason.
async function givenBack(base, berta, clara) {
  const reason = "Das Fachverfahren nimmt den Fall nicht mehr";
  await berta.goto(base + "/parked");
  await sent(berta, `${parkedAt("senke.heim")} button[value=return]`, { reason });
  await done(berta, "the case is given back");
  await becomes(berta, "/parked", "main", "Kein Schlüssel ist geparkt");
  await becomes(clara, first, ".receivers li:has(.state.refused)", "senke.heim", "returned");
  return reason;
}

// stopped: a run over what was given back is begun and stopped: it goes on no further, and
// what it has not come to stays.
async function stopped(base, anna) {
  await anna.goto(base + "/quarantine/group?app=senke.heim&code=RETURNED");
  await Promise.all([anna.waitForNavigation(), anna.locator("main a[href*='act=quarantine-discard']").click()]);
  await sent(anna, "form[action='/quarantine/bulk'] button", { reason: "Der Fall ist anderswo erledigt" });
  await sent(anna, "form[action='/quarantine/runs'] button"); // it takes seconds to discard them all
  must(anna.url().endsWith("said=run-stop"), `the run was not stopped: ${anna.url()}`);
  await said(anna, "the run stops");
  await becomes(anna, "/quarantine/runs", ".card:has(.state.parked + time)", "senke.heim", `von ${events}`);
  await anna.goto(base + "/quarantine/runs");
  must((await anna.locator("form[action='/quarantine/runs']").count()) === 0, "a run that has stopped can be stopped");
  await judged(anna, "run-stopped");
  const done = Number((await anna.locator(".card").textContent()).match(/(\d+)\s+von/)[1]);
  await anna.goto(base + "/quarantine");
  const left = Number(await anna.locator("tbody tr", { hasText: "senke.heim" }).locator("td.n").textContent());
  must(left > 0 && done + left === Number(events), `of ${events} events the run has discarded ${done}, and ${left} are left`);
  console.log(`the run was stopped after ${done} of ${events} events`);
}

// Walks through the console as people do. The test that starts it (e2e_test.go) says in
// the environment where the console is: CONSOLE is its address, LINKS are links that let
// somebody in, once each.
import { acts } from "./acts.mjs";
import { accessible, becomes, dropped, ended, must, narrow, opened, shot, start, walking, wrong } from "./browser.mjs";

const base = process.env.CONSOLE;
const links = process.env.LINKS.split(" ");
const shots = process.env.SHOTS;
const browser = await start();

// every page, by what is seeded: DONE is an event that was taken over, CASE its case.
const pages = {
  overview: "/",
  search: "/search",
  nothing: "/search?q=gibt-es-nicht",
  event: "/event?id=" + process.env.DONE,
  case: "/case?id=" + process.env.CASE,
  quarantine: "/quarantine",
  group: "/quarantine/group?app=akdb.okewo&code=SCHEMA_INVALID",
  refused: null,
  bulk: "/quarantine/bulk?app=akdb.okewo&code=SCHEMA_INVALID&act=quarantine-resubmit",
  runs: "/quarantine/runs",
  parked: "/parked",
  tail: "/tail",
  replays: "/replays",
  replaynew: "/replays/new",
  streams: "/streams",
  mailbox: "/streams/mailbox?app=lhm.auslaenderbehoerde",
  instream: "/streams/in?org=akdb",
  adapter: "/streams/adapter?name=okewo",
  catalogue: "/catalogue",
  type: "/catalogue/de.meldewesen.wohnung-angemeldet.v1",
  agreements: "/agreements",
  agreement: "/agreements/rueckmeldung",
  matrix: "/matrix",
  organisations: "/organisations",
  organisation: "/organisations/akdb",
  acts: "/acts",
  missing: "/gibt-es-nicht",
};

const only = process.env.AMTSBOTE_PAGES?.split(" ");

async function login(options) {
  const o = await opened(browser, base, options);
  await o.page.goto(links.shift());
  must(o.page.url() === base + "/", "the link does not lead to the overview");
  return o;
}

// set chooses language and theme by the forms of the page.
async function set(page, lang, theme) {
  await page.goto(base + "/acts");
  const other = page.locator(`button[name=lang][value=${lang}]`);
  if (await other.count()) {
    await other.click();
  }
  must((await page.locator("html").getAttribute("lang")) === lang, `the language is not ${lang}`);
  for (let i = 0; i < 3 && (await page.locator("html").getAttribute("data-theme")) !== theme; i++) {
    await page.locator("button[name=theme]").click();
  }
  must((await page.locator("html").getAttribute("data-theme")) === theme, `the theme is not ${theme}`);
}

// look goes through every page in both languages, both themes, wide and narrow; in all
// four pairs when pictures are taken.
async function look() {
  const { page, context } = await login({ reducedMotion: "reduce" });
  await page.goto(base + pages.group);
  pages.refused = await page.locator("main tbody a").first().getAttribute("href");
  const all = [["de", "light"], ["en", "dark"], ["de", "dark"], ["en", "light"]];
  for (const [lang, theme] of shots ? all : all.slice(0, 2)) {
    await page.setViewportSize({ width: 1280, height: 900 });
    await set(page, lang, theme);
    for (const [name, path] of Object.entries(pages).filter(([name]) => !only || only.includes(name))) {
      for (const width of [1280, 320]) {
        await page.setViewportSize({ width, height: 900 });
        if (width === 1280) {
          await page.goto(base + path); // with its styles, else the page is measured without them
        }
        const began = Date.now();
        const how = `${lang} ${theme} ${width}`;
        await narrow(page, how);
        // German and light is judged wide, English and dark narrow: each costs a second
        if (shots || (width === 1280) === (lang === "de")) {
          await accessible(page, how);
        }
        await shot(page, `${name}-${lang}-${theme}-${width}`);
        console.log(`${name} ${how}: ${Date.now() - began} ms`);
      }
    }
  }
  await context.close();
}

// press tabs until what has the focus fits, and gives up when it was everywhere.
async function press(page, fits, what) {
  for (let i = 0; i < 120; i++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(fits)) {
      return;
    }
  }
  wrong.push(`the keyboard does not reach ${what} on ${page.url()}`);
}

// keyboard goes from the overview to a refused event and sees it in full, without a mouse.
async function keyboard() {
  const { page, context } = await login();
  await page.keyboard.press("Tab");
  must(await page.evaluate(() => document.activeElement.classList.contains("skip")), "the first stop is not the link to the content");
  await press(page, () => document.activeElement.getAttribute("href") === "/quarantine", "the quarantine");
  await Promise.all([page.waitForURL("**/quarantine"), page.keyboard.press("Enter")]);
  await press(page, () => document.activeElement.href?.includes("code=SCHEMA_INVALID"), "a group");
  await Promise.all([page.waitForURL("**/quarantine/group**"), page.keyboard.press("Enter")]);
  await press(page, () => /\/quarantine\/\d+$/.test(document.activeElement.href ?? ""), "an event");
  await Promise.all([page.waitForURL(/quarantine\/\d+$/), page.keyboard.press("Enter")]);
  must((await page.locator(".wrong .why").count()) > 0, "what is wrong is not shown in the payload");
  must((await page.locator(".payload .hidden").count()) > 0, "no personal field is hidden");
  await press(page, () => document.activeElement.tagName === "SUMMARY", "the look in full");
  await page.keyboard.press("Enter");
  await press(page, () => document.activeElement.name === "reason", "the reason");
  await page.keyboard.type("Rückfrage des Absenders, Ticket 4711");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  must((await page.locator(".payload .hidden").count()) === 0, "the payload is not shown in full");
  await becomes(page, "/acts", "tbody tr", "Ticket 4711");
  await press(page, () => /\/quarantine\/\d+\/edit$/.test(document.activeElement.href ?? ""), "the editing");
  await Promise.all([page.waitForURL("**/edit"), page.keyboard.press("Enter")]);
  await press(page, () => document.activeElement.tagName === "TEXTAREA", "the text");
  await accessible(page, "edit");
  await page.setViewportSize({ width: 320, height: 900 });
  await narrow(page, "edit");
  await shot(page, "edit-320");
  await context.close();
}

// clear empties a group without a mouse: one event alone, the others in a run.
async function clear() {
  const { page, context } = await login();
  await page.goto(base + "/quarantine");
  await press(page, () => document.activeElement.href?.includes("code=SCHEMA_INVALID"), "a group");
  await Promise.all([page.waitForURL("**/quarantine/group**"), page.keyboard.press("Enter")]);
  await press(page, () => /\/quarantine\/\d+$/.test(document.activeElement.href ?? ""), "an event");
  await Promise.all([page.waitForURL(/quarantine\/\d+$/), page.keyboard.press("Enter")]);
  const event = page.url();
  await press(page, () => document.activeElement.name === "reason", "the reason");
  await page.keyboard.type("Testdaten des Absenders");
  await press(page, () => document.activeElement.value === "quarantine-discard", "discarding");
  await Promise.all([page.waitForURL("**/quarantine/group**"), page.keyboard.press("Enter")]);
  must((await page.locator("p[role=status]").count()) === 1, "nothing says that the event was discarded");
  await press(page, () => /bulk.*quarantine-discard/.test(document.activeElement.href ?? ""), "the group as a whole");
  await Promise.all([page.waitForURL("**/quarantine/bulk**"), page.keyboard.press("Enter")]);
  await press(page, () => document.activeElement.name === "reason", "the reason for all");
  await page.keyboard.type("Testdaten des Absenders");
  await Promise.all([page.waitForURL("**/quarantine/runs**"), page.keyboard.press("Enter")]);
  await becomes(page, "/quarantine/runs", ".card:has(.state.done)", "akdb.okewo");
  await page.reload();
  await accessible(page, "a run that has ended");
  await shot(page, "run-ended");
  await page.goto(event);
  await accessible(page, "what became of an event");
  await shot(page, "cleared");
  await page.goto(base + "/quarantine");
  must((await page.locator("a[href*='akdb.okewo&code=SCHEMA_INVALID']").count()) === 0, "the group is not empty");
  await context.close();
}

// pictured: the picture of the overview has whom the table names, organisations as boxes
// around their applications, and each way with its figures.
async function pictured(page) {
  const rows = await page.locator("#ways tbody tr").evaluateAll((all) => all.map((row) =>
    [...row.children].slice(0, 2).map((cell) => [cell.firstChild.textContent, cell.querySelector(".small").textContent])));
  must(rows.length > 0, "the table of ways is empty");
  const boxes = await page.locator("svg.graph .organisation").evaluateAll((all) => all.map((box) => {
    const frame = box.querySelector("rect").getBoundingClientRect();
    const texts = [...box.querySelectorAll("text")].map((text) => text.getBoundingClientRect());
    return {
      side: frame.left < box.ownerSVGElement.getBoundingClientRect().left + 10 ? 0 : 1,
      name: [...box.querySelectorAll(".heading")].map((text) => text.textContent).join(" "),
      applications: [...box.querySelectorAll(".application text")].map((text) => text.textContent),
      sticks: texts.some((text) => text.left < frame.left || text.right > frame.right || text.top < frame.top || text.bottom > frame.bottom),
    };
  }));
  must(!boxes.some((box) => box.sticks), "a text of the picture sticks out of its box");
  for (const row of rows) {
    row.forEach(([application, name], side) => must(
      boxes.filter((box) => box.side === side && box.name === name && box.applications.includes(application)).length === 1,
      `the picture does not have ${application} in a box of ${name} once`));
    must(await page.locator("svg.graph .edge title", { hasText: `${row[0][0]} → ${row[1][0]}` }).count() === 1, `the picture has no line from ${row[0][0]} to ${row[1][0]}`);
  }
}

// live: the overview changes without being asked, and a picture that somebody has moved
// stays there.
async function live() {
  const { page, context } = await login({ viewport: { width: 320, height: 900 } });
  await pictured(page);
  await page.waitForSelector("#live[data-state=on]");
  const moved = await page.evaluate(() => {
    const old = document.querySelector("#picture");
    old.dataset.old = "";
    return old.querySelector(".wide").scrollLeft = 200;
  });
  const accepted = () => Number(document.querySelector("#counts dd").textContent.replace(/\D.*$/, ""));
  const before = await page.evaluate(accepted);
  dropped(process.env.MORE, process.env.INTO);
  await page.waitForFunction((n) => Number(document.querySelector("#counts dd").textContent.replace(/\D.*$/, "")) > n, before);
  await page.waitForSelector("#picture:not([data-old])");
  must((await page.locator("#picture .wide").evaluate((wide) => wide.scrollLeft)) === moved, "the picture has moved by itself");
  await pictured(page);
  await context.close();
}

// firstday: somebody has a file reference and asks why the vehicle registration did not
// hear of this move: three steps, and no manual.
async function firstday() {
  const { page, context } = await login();
  await page.locator("nav a", { hasText: "Suche" }).click();
  await page.locator("input[name=q]").fill(`ewo-${new Date().getFullYear()} - 000001`);
  await Promise.all([page.waitForURL("**/case?**"), page.keyboard.press("Enter")]);
  await page.locator("main a", { hasText: "wohnung-angemeldet" }).first().click();
  const row = page.locator("main tr", { hasText: "lhm.kfz" }).first();
  must(await row.isVisible(), "the page does not say at once why lhm.kfz got nothing");
  must((await row.textContent()).includes("gilt nur 2026-01-01 – 2026-06-30"), "the reason is not the agreement that has ended");
  await page.locator("nav a", { hasText: "Mitlesen" }).click();
  await page.waitForSelector("#live[data-state=on]");
  must((await page.locator("#tail tbody tr").count()) > 0, "the live tail is empty");
  await context.close();
}

// scriptless: every action works without JavaScript.
async function scriptless() {
  const { page, context } = await login({ javaScriptEnabled: false });
  await page.locator("button[name=lang][value=en]").click();
  must((await page.locator("h1").textContent()) === "Overview", "the language does not change without a script");
  await page.goto(base + pages.event);
  await page.locator("summary", { hasText: "See in full" }).click();
  await page.locator("input[name=reason]").fill("Asked by the data protection officer");
  await page.locator("button", { hasText: "See and record" }).click();
  must((await page.locator(".payload .hidden").count()) === 0, "a payload cannot be seen in full without a script");
  await page.locator("button", { hasText: "Log out" }).click();
  await page.goto(base + "/quarantine");
  must(page.url() === base + "/login", "somebody who has logged out is still in");
  await loginPage();
  await context.close();
}

// loginPage: axe needs scripts, so the page of the login is judged by a browser that has
// them.
async function loginPage() {
  const { page, context } = await opened(browser, base);
  await page.goto(base + "/login");
  await accessible(page, "login");
  await narrow(page, "login");
  await shot(page, "login");
  await context.close();
}

const walks = { look, keyboard, firstday, live, scriptless, acts: () => acts(base, login), clear };
for (const name of process.env.WALKS.split(" ")) {
  walking(name);
  await walks[name]();
}
await ended(browser);

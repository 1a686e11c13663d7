// What every walk through the console needs: a browser, and a page that notes whatever
// must not happen on any page.
import { copyFileSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// wrong collects what must not happen: the walk fails if there is any of it.
export const wrong = [];

const patience = Number(process.env.PATIENCE ?? 120_000); // milliseconds; a machine may be busy

export function must(holds, what) {
  if (!holds) {
    wrong.push(what);
  }
}

export function start() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update"],
  });
}

// What was wrong before a walk broke off is often why.
process.on("uncaughtException", (e) => {
  console.log([...new Set(wrong)].map((w) => `WRONG ${w}\n`).join("") + e.stack);
  process.exit(1);
});

let walk, began;
const walked = new Set();

// walking names the walk that begins, for the test that asks which routes were walked, and
// tells how long the one before took.
export function walking(name) {
  if (walk) {
    console.log(`${walk}: ${Date.now() - began} ms`);
  }
  [walk, began] = [name, Date.now()];
}

// ended tells what was walked, and what was wrong.
export async function ended(browser) {
  walking();
  await browser.close();
  for (const w of walked) {
    console.log("WALKED " + w);
  }
  for (const w of new Set(wrong)) {
    console.log("WRONG " + w);
  }
  process.exit(wrong.length > 0 ? 1 : 0);
}

// opened is a page of a context of its own; base is the console.
export async function opened(browser, base, options = {}) {
  const context = await browser.newContext({ locale: "de-DE", timezoneId: "Europe/Berlin", ...options });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  const allowed = [base + "/", "data:"].concat(process.env.ISSUER ? [process.env.ISSUER + "/"] : []); // where people log in
  page.on("request", (r) => must(allowed.some((a) => r.url().startsWith(a)), `a request to another place: ${new URL(r.url()).origin}`));
  page.on("response", (r) => { // what is fetched by a test is not walked
    if (walk && r.url().startsWith(base + "/") && r.status() < 400 && r.request().resourceType() !== "fetch") {
      walked.add(`${walk} ${r.request().method()} ${new URL(r.url()).pathname}`);
    }
  });
  page.on("pageerror", (e) => wrong.push(`an error on ${where(page)}: ${e.message}`));
  page.on("dialog", (d) => { wrong.push(`a dialog on ${where(page)}`); d.dismiss(); });
  page.on("console", (m) => must(m.type() !== "error" || /status of 4\d\d/.test(m.text()), `the browser on ${where(page)}: ${m.text()}`));
  await page.addInitScript(() => addEventListener("securitypolicyviolation", (e) => console.error("CSP violation: " + e.violatedDirective)));
  return { context, page };
}

function where(page) {
  return new URL(page.url()).pathname;
}

// accessible has axe judge the page: WCAG 2.0 to 2.2, A and AA, and best practice.
export async function accessible(page, how) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"], runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
  for (const v of found.violations) {
    wrong.push(`axe on ${where(page)} (${how}): ${v.id}: ${v.nodes.map((n) => n.target.join(" ")).slice(0, 3).join("; ")}`);
  }
}

// narrow tells that nothing sticks out on the right.
export async function narrow(page, how) {
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  const which = beyond <= 0 ? "" : await page.evaluate(() => {
    const out = [...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth && !e.closest(".wide, pre, ol.payload"));
    return out.slice(0, 3).map((e) => `${e.tagName.toLowerCase()} ${e.textContent.trim().slice(0, 40)}`).join("; ");
  });
  must(beyond <= 0, `${where(page)} (${how}) is ${beyond} pixels too wide: ${which}`);
}

// shot keeps a picture where the test asks for them.
export async function shot(page, name) {
  if (process.env.SHOTS) {
    mkdirSync(process.env.SHOTS, { recursive: true });
    await page.screenshot({ path: `${process.env.SHOTS}/${name}.png`, fullPage: true });
  }
}

// judged looks at the page that is open, in German wide and narrow, in English narrow and on
// dark; the language changes as people do that. It ends wide, in German and on light.
export async function judged(page, name) {
  const title = await page.title();
  for (const [lang, width] of [["de", 1280], ["de", 320], ["en", 320]]) {
    await speaks(page, lang, lang === "en" ? "dark" : null);
    await page.setViewportSize({ width, height: 900 });
    await narrow(page, `${name} ${lang} ${width}`);
    if (lang === "en" || width === 1280) { // each costs a second
      await accessible(page, `${name} ${lang} ${width}`);
    }
    await shot(page, `${name}-${lang}-${width}`);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await speaks(page, "de", null);
  must((await page.title()) === title, `${name} is another page after a change of the language: ${await page.title()}`);
}

// speaks changes the language, and with the page that this brings the theme.
async function speaks(page, lang, theme) {
  const other = page.locator(`button[name=lang][value=${lang}]`);
  if (await other.count()) {
    const cookie = { name: "amtsbote-theme", url: new URL(page.url()).origin };
    await (theme ? page.context().addCookies([{ ...cookie, value: theme }]) : page.context().clearCookies({ name: cookie.name }));
    await Promise.all([page.waitForNavigation(), other.click()]);
  }
  must((await page.locator("html").getAttribute("lang")) === lang, `${where(page)} does not change to ${lang}`);
  must((await page.locator("html").getAttribute("data-theme")) === theme, `${where(page)} is not ${theme ?? "light"}`);
}

// sent fills in the form that a button belongs to, and sends it with that.
export async function sent(page, button, fields = {}) {
  const press = page.locator(button);
  const folded = press.locator("xpath=ancestor::details[not(@open)]");
  if (await folded.count()) {
    await folded.locator("summary").click();
  }
  for (const [name, value] of Object.entries(fields)) {
    await press.locator("xpath=ancestor::form").locator(`[name=${name}]`).fill(value);
  }
  await Promise.all([page.waitForNavigation(), press.click()]);
}

// becomes waits until an element of a page of the console says all of some texts: what
// was done may show there a moment later. (waitForFunction takes a promise for a yes.)
export async function becomes(page, path, selector, ...says) {
  const shows = ([path, selector, says]) => fetch(path).then((r) => r.text()).then((text) =>
    [...new DOMParser().parseFromString(text, "text/html").querySelectorAll(selector)].some((e) => says.every((s) => e.textContent.includes(s))));
  const end = Date.now() + patience;
  while (!(await page.evaluate(shows, [path, selector, says]))) {
    if (Date.now() > end) {
      throw new Error(`${path} does not say in ${selector}: ${says.join(", ")}`);
    }
    await page.waitForTimeout(200);
  }
}

// dropped puts a file into an adapter's folder, whole.
export function dropped(file, into) {
  copyFileSync(file, into + ".tmp");
  renameSync(into + ".tmp", into);
}

// said tells that the page confirms what was just done.
export function said(page, what) {
  return page.locator("p[role=status]").count().then((n) => must(n === 1, `nothing says that ${what}`));
}

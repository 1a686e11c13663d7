// What every walk through the console needs: a browser, and a page that notes whatever
// must not happen on any page.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// wrong collects what must not happen: the walk fails if there is any of it.
export const wrong = [];

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

// opened is a page of a context of its own; base is the console.
export async function opened(browser, base, options = {}) {
  const context = await browser.newContext({ locale: "de-DE", timezoneId: "Europe/Berlin", ...options });
  context.setDefaultTimeout(Number(process.env.PATIENCE ?? 120_000));
  const page = await context.newPage();
  page.on("request", (r) => must(r.url().startsWith(base + "/") || r.url().startsWith("data:"), `a request to another place: ${new URL(r.url()).origin}`));
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

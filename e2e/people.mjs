// Three people log in at an issuer (ISSUER, on another site), each in a browser of their
// own: anna is steward of the receiver's organisation, berta of the federation, clara of the
// sender's.
import { ended, judged, must, opened, start, walking } from "./browser.mjs";
import { replay } from "./replay.mjs";
import { stuck } from "./stuck.mjs";

const base = process.env.CONSOLE;
const browser = await start();

async function login(who) {
  const { page } = await opened(browser, base);
  await page.goto(base + "/replays");
  must(page.url() === base + "/login", "somebody who is not logged in gets a page");
  if (who === "anna") {
    await judged(page, "login-issuer");
  }
  await page.locator("a[href='/login/start']").click();
  await page.locator(`button[value=${who}]`).click();
  await page.waitForURL(base + "/");
  must((await page.locator(".who bdi").textContent()) === who, `${who} is in as somebody else`);
  return page;
}

walking("login");
const anna = await login("anna");
const berta = await login("berta");
const clara = await login("clara");
walking("replay");
await replay(base, anna, berta);
walking("stuck");
await stuck(base, anna, berta, clara);
await ended(browser);

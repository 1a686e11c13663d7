// The overview under load: it stays live, and the browser's memory stays flat. Each line
// that this prints is a sample; the test reads them.
import { ended, must, opened, start } from "./browser.mjs";

const browser = await start();
const { page, context } = await opened(browser, process.env.CONSOLE);
await page.goto(process.env.LINKS.split(" ")[0]);
await page.waitForSelector("#live[data-state=on]");
const cdp = await context.newCDPSession(page);
await cdp.send("Performance.enable");

const accepted = () => Number(document.querySelector("#counts dd").textContent.replace(/\D/g, ""));
let last = await page.evaluate(accepted);
const end = Date.now() + Number(process.env.MILLISECONDS);
while (Date.now() < end) {
  const began = Date.now();
  await page.waitForFunction((n) => Number(document.querySelector("#counts dd").textContent.replace(/\D/g, "")) > n, last);
  last = await page.evaluate(accepted);
  await cdp.send("HeapProfiler.collectGarbage");
  const { metrics } = await cdp.send("Performance.getMetrics");
  const of = (name) => metrics.find((m) => m.name === name).value;
  console.log(JSON.stringify({ accepted: last, waited: Date.now() - began, heap: of("JSHeapUsedSize"), nodes: of("Nodes") }));
  must((await page.locator("#live").getAttribute("data-state")) === "on", "the overview is not live any more");
  await page.waitForTimeout(Math.max(0, 1000 - (Date.now() - began)));
}
await ended(browser);

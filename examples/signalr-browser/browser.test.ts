import { existsSync } from "node:fs";
import process from "node:process";
import { chromium, type Browser, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { site, type Site } from "./site.ts";

// Debian's; elsewhere these tests do not run, and say so.
const executablePath = "/usr/bin/chromium";
const isThere = existsSync(executablePath);
if (!isThere)
  console.warn(`The browser's tests do not run: there is no ${executablePath} (apt-get install chromium).`);
if (!isThere && process.env["HOLDFAST_REQUIRE_SYSTEM_TESTS"] === "1") throw new Error("chromium is missing");

let browser: Browser | undefined;
let one: Site;
beforeAll(async () => {
  one = await site({ everyMs: 100 });
  if (isThere) browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
});
afterAll(async () => {
  await browser?.close();
  await one[Symbol.asyncDispose]();
});

const text = (page: Page, id: string): Promise<string> => page.locator(`#${id}`).innerText();
const connected = (page: Page): Promise<unknown> => page.waitForSelector('[data-state="Connected"]');

async function open(): Promise<Page> {
  const page = await browser!.newPage({ viewport: { width: 900, height: 620 } });
  await page.goto(one.url);
  await connected(page);
  return page;
}

/** Waits until more messages have come than these. */
async function moreThan(page: Page, count: number): Promise<void> {
  await page.waitForFunction((least) => Number(document.querySelector("#count")?.textContent) > least, count);
}

it.runIf(isThere)("in a page, comes back when the servers do, and messages flow again", async () => {
  const page = await open();
  await moreThan(page, 2);
  await one.sim.stop();
  await page.waitForSelector('[data-state="Reconnecting"]');
  await page.waitForFunction(() => Number(document.querySelector("#attempts")?.textContent) >= 1);
  const shot = process.env["HOLDFAST_SCREENSHOT"];
  if (shot !== undefined) await page.screenshot({ path: shot });
  expect(await text(page, "events")).toMatch(/lost: (?:SR-31|socket-closed)/);
  const before = Number(await text(page, "count"));
  await one.sim.start();
  await connected(page);
  await moreThan(page, before);
  expect(await text(page, "events")).toContain("back after");
  // The service's token went to the service alone.
  const app = one.sim.journal.requests().filter(({ server }) => server === "app");
  expect(app.filter(({ token }) => token !== undefined)).toEqual([]);
  await page.close();
});

it.runIf(isThere)("in a page, tries again soon when the network is back", async () => {
  const page = await open();
  // Lost before the network is: an emulated loss would keep the end of a socket that stands from the page.
  await one.sim.stop();
  await page.waitForSelector('[data-state="Reconnecting"]');
  await page.context().setOffline(true);
  await page.waitForFunction(() => Number(document.querySelector("#attempts")?.textContent) >= 1);
  await one.sim.start();
  const before = Number(await text(page, "count"));
  const backAt = performance.now();
  await page.context().setOffline(false);
  await connected(page);
  // The wait by itself may be ten seconds.
  expect(performance.now() - backAt).toBeLessThan(5_000);
  await moreThan(page, before);
  await page.close();
});

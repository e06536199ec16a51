"use strict";
// The demo as a person uses it: from the store's page to a living environment and to its end, on
// each marketplace, with and without JavaScript.
const { spawn } = require("node:child_process");
const path = require("node:path");
const readline = require("node:readline");
const { eventually, newContext, ok, root } = require("./lib");

const handOver = "#handover button";
// The form on the store's page, what to press from there to the seller's form (script: with
// JavaScript, where that differs), and where to cancel and how.
const WAYS = [
  { name: "AWS through nginx", form: 0, script: [], press: [handOver], acts: "/sandbox/purchases/",
    end: "/cancel" },
  { name: "AWS through Apache", form: 1, script: [], press: [handOver], acts: "/sandbox/purchases/",
    end: "/cancel" },
  { name: "Microsoft", form: 2, acts: "/sandbox/azure/purchases/", end: "/cancel",
    press: ["text=Configure account now", "main form button", "#accounts button"] },
  { name: "Google", form: 3, script: [], press: [handOver], acts: "/sandbox/gcp/purchases/",
    end: "/cancel-now" },
];

async function startDemo() {
  const build = process.env.LASTMILE_BUILD || path.join(root, "build");
  const child = spawn("/usr/bin/python3",
    ["-u", path.join(root, "tools/demo"), "--build", build], { stdio: ["ignore", "pipe", "inherit"] });
  const gone = new Promise((done) => child.on("exit", done));
  let store = null;
  const said = [];
  for await (const line of readline.createInterface({ input: child.stdout })) {
    said.push(line);
    const found = /Store page\s+(\S+)/.exec(line);
    if (found) store = found[1];
    if (/Ctrl-C stops/.test(line)) break;
  }
  ok(store, "the demo did not start:\n" + said.join("\n"));
  child.stdout.resume();
  return { store, stop: () => { child.kill("SIGINT"); return gone; } };
}

async function title(page, want, scripted) {
  await eventually(async () => {
    if (!scripted) await page.reload();
    return want.test(await page.title());
  }, want + " on " + page.url(), 180);
}

async function buy(demo, browser, way, scripted) {
  const context = await newContext(browser, { javaScriptEnabled: scripted });
  const page = await context.newPage();
  try {
    await page.goto(demo.store);
    await page.locator("form[action$=subscribe]").nth(way.form).locator("button").click();
    for (const what of scripted && way.script || way.press) await page.click(what);
    await page.waitForURL(/\/marketplace\/r\//);
    if (!scripted) await eventually(async () => { // "checking your purchase", for a while
      if (await page.locator("input[name=email]").count()) return true;
      await page.reload();
      return false;
    }, "the seller's form");
    await page.fill("input[name=email]", "ada@example.com");
    await page.click("text=Create my environment");
    await page.waitForURL(/\/marketplace\/s\//);
    const status = page.url();
    await title(page, /is ready/, scripted);
    await page.click("text=Open your environment");
    await page.waitForSelector("text=Running");
    await page.goto(demo.store);
    await page.locator(`form[action^="${way.acts}"][action$="${way.end}"] button`).first().click();
    await page.waitForURL(/\?done=/);
    await page.goto(status);
    await title(page, /suspended|ended|deleted/, scripted);
  } finally {
    await context.close();
  }
}

module.exports = async function (tests, _stack, browser) {
  const demo = await startDemo();
  try {
    for (const scripted of [true, false]) {
      for (const way of WAYS) {
        await tests.run(`store: ${way.name}${scripted ? "" : ", no JavaScript"}`,
          () => buy(demo, browser, way, scripted));
      }
    }
  } finally {
    await demo.stop();
  }
};

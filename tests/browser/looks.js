"use strict";
// Every page in every state, light and dark, on a phone of 320 px and on a desk: accessibility,
// reflow, no foreign request, no complaint of the browser, no other cloud's name. Screenshots in
// build/screens/.
const fs = require("node:fs");
const path = require("node:path");
const { axe, newContext, ok, otherSite, same } = require("./lib");

const registrations = ["parked", "starter", "global", "usage", "resume", "refused-later", "token_expired",
  "token_invalid", "product_unknown", "purchase_ended"];
const orders = ["confirming", "queued", "provisioning", "late", "verifying", "ready", "updating",
  "degraded", "failed", "failed-later", "stuck", "suspended", "ending", "ended", "deleting", "closed"];
const plain = {
  help: "/marketplace/aws/acme-notes", home: "/marketplace/", missing: "/marketplace/nothing",
  "unknown-product": "/marketplace/aws/nothing", "unknown-link": "/marketplace/s/0.x",
  "problem-type": "/marketplace/api/problems/invalid",
};
// Of the other marketplaces: [channel, registrations, orders].
const channels = [
  ["azure", ["signin", "unfinished", "wrong_account", "sign_in_again", "checking", "delayed", "form",
    "token_expired", "token_invalid", "product_unknown", "purchase_ended"],
  ["held", "held-failed", "committing", "approving", "never", "declined", "removed", "at-once", "scheduled",
    "activating", "trial", "changing", "last", "payment", "ending"]],
  ["gcp", ["checking", "form", "token_expired", "token_invalid", "product_unknown", "purchase_ended"],
    ["held", "committing", "activating", "at-once", "changing", "payment", "ending"]],
];
const channelPlain = {
  "azure-help": "/marketplace/azure/acme-docs", "azure-missing": "/marketplace/azure/acme-docs?token=",
  "azure-lost": "/marketplace/signin/azure?state=x&code=y", "gcp-help": "/marketplace/gcp/acme-charts",
  "gcp-login": "/marketplace/gcp/acme-maps/login",
};
// Whole words: the random part of a link or a form token may hold any three letters.
const others = {
  aws: /(?<![\w-])(azure|microsoft|entra|google|gcp|oracle cloud|alibaba)(?![\w-])/i,
  azure: /(?<![\w-])(aws|amazon|google|gcp|oracle cloud|alibaba)(?![\w-])/i,
  gcp: /(?<![\w-])(aws|amazon|azure|microsoft|entra|oracle cloud|alibaba)(?![\w-])/i,
};

async function visit(page, stack, name, go) {
  const bad = [], foreign = [];
  page.on("console", (m) => {
    if (m.type() === "error" && !/status of (40|41|42|50)/.test(m.text())) bad.push(m.text());
  });
  page.on("pageerror", (e) => bad.push(String(e)));
  page.on("request", (r) => {
    if (!r.url().startsWith(stack.origin) && !r.url().startsWith("http://localhost:")) foreign.push(r.url());
  });
  await go(page);
  await page.waitForLoadState("load");
  const html = await page.content();
  const channel = name.split("-")[0];
  // The address of our own page may end in /azure; what a buyer reads may not name another cloud.
  const other = (others[channel] || others.aws).exec(html.replace(/(action|href|data-poll)="[^"]*"/g, ""));
  ok(!other, "names another cloud: " + other);
  ok(!/http-equiv|style="|onload=|onclick=/i.test(html), "inline style, script or refresh");
  const screens = path.join(stack.hello.build, "screens");
  fs.mkdirSync(screens, { recursive: true });
  await page.screenshot({ path: path.join(screens, name + ".png"), fullPage: true });
  const wide = await page.evaluate(() =>
    [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  ok(wide[0] <= wide[1], `scrolls sideways: ${wide}`);
  same(await page.locator("h1").count(), 1, "h1");
  same((await axe(page)).join("\n"), "", "axe");
  same(bad.join("\n"), "", "console");
  same(foreign.join("\n"), "", "foreign requests");
}

async function scenes(stack) {
  const list = [];
  for (const [name, url] of Object.entries(plain)) {
    list.push([name, (page) => page.goto(stack.origin + url)]);
  }
  list.push(["reg-checking", async (page) => page.goto((await stack.ask("registration", "checking")).url)]);
  for (const name of registrations) {
    const made = await stack.ask("registration", name);
    list.push(["reg-" + name, (page) => page.goto(made.url)]);
  }
  for (const name of orders) {
    const made = await stack.ask("order", name);
    list.push(["status-" + name, (page) => page.goto(made.url)]);
  }
  for (const [name, plan, order] of [["guided", "guided", "provisioning"], ["portal", "portal", "ready"]]) {
    const made = await stack.ask("order", order, plan);
    list.push(["status-" + name, (page) => page.goto(made.url)]);
  }
  for (const [channel, regs, states] of channels) {
    for (const name of regs) {
      const made = await stack.ask("channel_registration", channel, name);
      list.push([`${channel}-reg-${name}`, (page) => page.goto(made.url)]);
    }
    for (const name of states) {
      const made = await stack.ask("channel_order", channel, name);
      list.push([`${channel}-status-${name}`, (page) => page.goto(made.url)]);
    }
  }
  for (const [name, url] of Object.entries(channelPlain)) {
    list.push([name, (page) => page.goto(stack.origin + url)]);
  }
  const form = await stack.ask("registration", "global");
  list.push(["reg-errors", async (page) => {
    await page.goto(form.url);
    await page.fill("#f-email", "ann at example");
    await page.fill("#f-team_size", "9000");
    await page.click("button[type=submit]");
    await page.waitForSelector("#problems");
  }]);
  const store = await otherSite(stack.origin + "/marketplace/aws/acme-notes", {});
  list.push(["landing-missing", async (page) => {
    await page.goto(store.url);
    await page.click("button");
    await page.waitForSelector("main");
  }]);
  return { list, close: () => store.close() };
}

module.exports = async function looks(tests, stack, browser) {
  const { list, close } = await scenes(stack);
  for (const scheme of ["light", "dark"]) {
    for (const [size, width, height] of [["phone", 320, 640], ["desk", 1280, 900]]) {
      const context = await newContext(browser, { colorScheme: scheme, viewport: { width, height },
        locale: "en-GB", timezoneId: "Europe/Berlin" });
      for (const [name, go] of list) {
        const full = `${name}-${scheme}-${size}`;
        await tests.run(full, async () => {
          const page = await context.newPage();
          try {
            await visit(page, stack, full, go);
          } finally {
            await page.close();
          }
        });
      }
      await context.close();
    }
  }
  close();
};

"use strict";
// What a buyer does: arriving from another site, registering, watching, leaving and coming back;
// with and without JavaScript, with the store or the front away.
const { axe, eventually, newContext, ok, otherSite, same } = require("./lib");

const token = { "x-amzn-marketplace-token": "secret-token-of-a-buyer" };

async function withPage(browser, options, fn) {
  const context = await newContext(browser, options);
  const page = await context.newPage();
  try {
    await fn(page, context);
  } finally {
    await context.close();
  }
}

// A click returns when the next page begins to come: what it says is looked for until it is there.
const focused = (page, id, what) =>
  eventually(() => page.evaluate((i) => document.activeElement.id === i, id), what);
const titled = (page, begin) => eventually(async () => (await page.title()).startsWith(begin), "title: " + begin);

async function arrive(stack, page) {
  const store = await otherSite(stack.origin + "/marketplace/aws/acme-notes", token);
  await page.goto(store.url);
  await page.click("button");
  await page.waitForURL(/\/marketplace\/r\//);
  return store;
}

async function landing(stack, browser) {
  await withPage(browser, {}, async (page, context) => {
    const urls = [];
    page.on("request", (r) => urls.push(r.method() + " " + r.url()));
    const store = await arrive(stack, page);
    const at = page.url();
    await page.reload();
    same(page.url(), at, "reload stays");
    ok(!urls.some((u) => u.includes("secret-token")), "the token is in an address");
    same(urls.filter((u) => u.startsWith("POST")).length, 1, "the token was sent once");
    await page.goBack();
    await page.goForward();
    same(urls.filter((u) => u.startsWith("POST")).length, 1, "Back and Forward send nothing");
    same((await context.cookies()).length, 0, "cookies");
    store.close();
  });
}

async function checking(stack, browser) {
  await withPage(browser, {}, async (page) => {
    const made = await stack.ask("registration", "checking");
    await page.goto(made.url);
    same(await page.locator("[data-kind=wait]").count(), 1, "waits");
    await stack.ask("resolve", made.reg);
    await page.waitForSelector("#f-email");
    same(await page.locator("dd").first().textContent(), "Acme Notes", "product");
  });
}

async function doubleClick(stack, browser) {
  await withPage(browser, {}, async (page) => {
    const made = await stack.ask("registration", "starter");
    const before = (await stack.ask("orders")).count;
    const posts = [];
    page.on("request", (r) => r.method() === "POST" && posts.push(r.url()));
    await page.goto(made.url);
    await page.fill("#f-email", "ann@gmail.com");
    await page.dblclick("button[type=submit]");
    await page.waitForURL(/\/marketplace\/s\//);
    same(posts.length, 1, "posts");
    same((await stack.ask("orders")).count, before, "orders");
    const status = page.url();
    await page.reload();
    same(posts.length, 1, "posts after reload");
    await page.goBack();
    await page.waitForURL(status);
    await page.goto(made.url);
    same(page.url(), status, "the registration leads to its status");
  });
}

async function mistakes(stack, browser) {
  await withPage(browser, {}, async (page) => {
    const made = await stack.ask("registration", "global");
    await page.goto(made.url);
    await page.fill("#f-full_name", "  Zoë <O'Brien> & \"Co\" ");
    await page.fill("#f-email", "zoe@acme");
    await page.selectOption("#f-region", "eu-central-1");
    await page.selectOption("#f-usage", "Wikis");
    await page.click("button[type=submit]");
    await page.waitForSelector("#problems");
    await titled(page, "Error: ");
    await focused(page, "problems", "focus");
    same(await page.inputValue("#f-full_name"), "Zoë <O'Brien> & \"Co\"", "name is kept");
    same(await page.inputValue("#f-email"), "zoe@acme", "mail is kept");
    same(await page.inputValue("#f-region"), "eu-central-1", "region is kept");
    same(await page.inputValue("#f-usage"), "Wikis", "choice is kept");
    await page.click("#problems a >> nth=0");
    await focused(page, "f-email", "the link leads to the field");
    same(await page.getAttribute("#f-email", "aria-invalid"), "true", "aria-invalid");
    ok((await page.getAttribute("#f-email", "aria-describedby")).includes("e-email"), "described");
    await page.fill("#f-email", "zoe@acme.example");
    await page.check("#f-agree");
    await page.click("button[type=submit]");
    await page.waitForURL(/\/marketplace\/s\//);
  });
}

async function keyboard(stack, browser) {
  await withPage(browser, {}, async (page) => {
    const made = await stack.ask("registration", "starter");
    await page.goto(made.url);
    await page.keyboard.press("Tab");
    same(await page.evaluate(() => document.activeElement.className), "skip", "skip link first");
    await page.keyboard.press("Enter");
    for (let i = 0; i < 12; i++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate(() => document.activeElement.id === "f-email")) break;
    }
    await page.keyboard.type("ann@example.com");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/marketplace\/s\//);
  });
}

async function live(stack, browser) {
  await withPage(browser, {}, async (page) => {
    const made = await stack.ask("order", "provisioning");
    const answers = [];
    page.on("response", (r) => r.url().endsWith("status.json") && answers.push(r.status()));
    await page.goto(made.url);
    await eventually(() => answers.includes(304), "a poll is answered 304");
    await page.focus("footer a >> nth=0");
    await stack.ask("set", made.reg, "pct=80", "note=Loading your data");
    await eventually(async () => (await page.textContent("#note")) === "Loading your data", "note");
    const now = Date.now();
    await stack.ask("set", made.reg, "fulfilment=READY", `at_applied=${now}`, `at_verified=${now}`,
      `at_ready=${now}`, "endpoint=https://t1.acme.example/");
    await eventually(async () => (await page.textContent("#headline")) === "Your environment is ready", "headline");
    same(await page.getAttribute(".go a", "href"), "https://t1.acme.example/", "endpoint");
    same(await page.textContent("#say"), "Everything is set up and was checked from outside.", "announced");
    ok((await page.title()).startsWith("Your environment is ready"), "title");
    ok((await page.getAttribute("#icon", "href")).includes("ready"), "icon");
    ok(await page.evaluate(() => document.activeElement.closest("footer") !== null), "focus was moved");
    same(await page.evaluate(() => document.getElementById("bar").value), 5, "bar");
    same((await axe(page)).join("\n"), "", "axe after the change");
  });
}

async function hidden(stack, browser) {
  await withPage(browser, {}, async (page) => {
    const made = await stack.ask("order", "provisioning");
    let polls = 0;
    page.on("request", (r) => r.url().endsWith("status.json") && polls++);
    await page.goto(made.url);
    await eventually(() => polls > 0, "polls");
    await page.waitForLoadState("networkidle");
    const hide = (to) => page.evaluate((h) => {
      Object.defineProperty(document, "hidden", { value: h, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, to);
    await hide(true);
    const seen = polls;
    await page.waitForTimeout(3500);
    ok(polls <= seen + 1, "polls while hidden");
    await hide(false);
    await eventually(() => polls > seen, "polls again");
  });
}

async function frontAway(stack, browser) {
  await withPage(browser, {}, async (page) => {
    const made = await stack.ask("order", "provisioning");
    await page.goto(made.url);
    await stack.ask("front", "stop");
    try {
      await eventually(async () => (await page.textContent("#updated")).startsWith("Connection lost"),
        "says that the connection is lost", 60);
    } finally {
      await stack.ask("front", "start");
    }
    await page.evaluate(() => window.dispatchEvent(new Event("online")));
    await eventually(async () => (await page.textContent("#updated")).startsWith("Updated"), "is back", 60);
  });
}

async function storeAway(stack, browser) {
  await withPage(browser, { javaScriptEnabled: false }, async (page) => {
    const made = await stack.ask("registration", "starter");
    const other = await stack.ask("registration", "starter");
    await page.goto(made.url);
    await page.fill("#f-email", "ann@example.com");
    await page.fill("#f-company", "Häagen & Söhne");
    await stack.ask("redis", "stop");
    let failed;
    try {
      const answer = page.waitForResponse((r) => r.request().method() === "POST");
      await page.click("button[type=submit]");
      failed = await answer;
      same(failed.status(), 503, "status");
      await page.waitForSelector(".banner");
      ok(Number(failed.headers()["retry-after"]) > 0, "Retry-After");
      same(await page.inputValue("#f-company"), "Häagen & Söhne", "what was typed is kept");
      ok((await page.textContent(".banner")).includes("Nothing has been charged"), "banner");
      same((await page.request.get(other.url)).status(), 503, "GET");
    } finally {
      await stack.ask("redis", "start");
    }
    await eventually(async () => (await page.request.get(other.url)).status() === 200, "redis is back");
    await page.click("button[type=submit]");
    await page.waitForURL(/\/marketplace\/s\//);
  });
}

async function noScript(stack, browser) {
  await withPage(browser, { javaScriptEnabled: false }, async (page) => {
    const refreshes = [];
    page.on("response", (r) => r.headers().refresh && refreshes.push(r.url()));
    const made = await stack.ask("registration", "checking");
    await page.goto(made.url);
    await stack.ask("resolve", made.reg);
    await page.click("text=Check again");
    await page.fill("#f-email", "ann@");
    await page.click("button[type=submit]");
    await page.waitForSelector("#problems");
    await titled(page, "Error: ");
    await page.fill("#f-email", "ann@example.com");
    await page.click("button[type=submit]");
    await page.waitForURL(/\/marketplace\/s\//);
    const now = Date.now();
    await stack.ask("set", made.reg, "fulfilment=READY", `at_ready=${now}`, "endpoint=https://t1.acme.example/");
    await page.click("text=Check again");
    await eventually(async () => (await page.textContent("h1")) === "Your environment is ready", "headline");
    same(await page.locator("button:visible").count(), 0, "no button that does nothing");
    same(refreshes.length, 0, "forced refreshes");
    ok(!/http-equiv/i.test(await page.content()), "meta refresh");
  });
}

async function resume(stack, browser) {
  await withPage(browser, {}, async (page) => {
    const made = await stack.ask("registration", "resume");
    await page.goto(made.url);
    same(await page.textContent("h1"), "You are already registered", "heading");
    same(await page.locator("#f-email").count(), 0, "nothing to fill in");
    await page.click("button[type=submit]");
    await page.waitForURL(/\/marketplace\/s\//);
    ok((await page.textContent("#headline")).length > 0, "status");
  });
}

async function otherDevice(stack, browser) {
  const made = await stack.ask("order", "ready");
  await withPage(browser, { viewport: { width: 390, height: 844 } }, async (page) => {
    await page.goto(made.url);
    same(await page.textContent("h1"), "Your environment is ready", "headline");
    same(await page.textContent("#link"), made.url, "link");
  });
}

async function settings(stack, browser) {
  const made = await stack.ask("order", "failed");
  for (const [name, options] of Object.entries({
    "forced colours": { forcedColors: "active" }, "reduced motion": { reducedMotion: "reduce" },
    "zoom of 400 %": { viewport: { width: 320, height: 256 } },
  })) {
    await withPage(browser, options, async (page) => {
      await page.goto(made.url);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
      ok(!wide, name + ": scrolls sideways");
      const moving = await page.evaluate(() => document.getAnimations().length);
      if (options.reducedMotion) same(moving, 0, name + ": animations");
    });
  }
}

async function semantics(stack, browser) {
  await withPage(browser, {}, async (page) => {
    const made = await stack.ask("order", "provisioning");
    await page.goto(made.url);
    same(await page.locator("[role=status][aria-atomic=true]").count(), 1, "one status region");
    same(await page.getAttribute("label[for=bar]", "for"), "bar", "the bar has a label");
    ok((await page.textContent("label[for=bar]")).includes("2 of 5"), "label");
    same(await page.getAttribute("#bar", "max"), "5", "steps");
    same(await page.locator("html[lang=en]").count(), 1, "lang");
    same(await page.locator("footer a[href^='mailto:']").count(), 1, "support contact");
    const small = await page.evaluate(() => [...document.querySelectorAll("button, .button, summary")]
      .filter((e) => e.offsetParent).filter((e) => e.getBoundingClientRect().height < 24).length);
    same(small, 0, "small targets");
  });
}

async function signIn(stack, browser) {
  for (const javaScriptEnabled of [true, false]) {
    await withPage(browser, { javaScriptEnabled }, async (page, context) => {
      const bad = [], urls = [];
      page.on("console", (m) => m.type() === "error" && bad.push(m.text()));
      page.on("framenavigated", (f) => urls.push(f.url()));
      await page.goto(stack.origin + "/marketplace/azure/acme-docs?token=secret-of+a%2Bbuyer");
      await page.waitForURL(/\/marketplace\/r\//);
      const at = page.url();
      const made = await stack.ask("adopt", at, "acme-docs");
      same((await context.cookies()).length, 0, "cookies before");
      await page.click("text=Sign in with Microsoft >> nth=-1");
      await page.waitForURL(/^http:\/\/localhost:/);
      const [cookie] = await context.cookies();
      ok(cookie.httpOnly && cookie.sameSite === "Lax" && cookie.path.endsWith("/signin/azure"), "cookie");
      await page.click("#cancel");
      await page.waitForURL(at + "/signin");
      ok((await page.textContent("h1")).includes("not signed in yet"), "says so");
      await page.click("button[type=submit]");
      await page.click("#ann");
      await page.waitForURL(at);
      same((await context.cookies()).length, 0, "cookies after");
      await stack.ask("signed_in", made.reg);
      if (!javaScriptEnabled) await page.click("text=Check again");
      await page.waitForSelector("#f-email");
      same(await page.inputValue("#f-email"), "ann@example.com", "proposed mail");
      same(await page.inputValue("#f-full_name"), "Ann Example", "proposed name");
      await page.fill("#f-email", "other@example.com");
      await page.selectOption("#f-region", "northeurope");
      await page.click("button[type=submit]");
      await page.waitForURL(/\/marketplace\/s\//);
      ok(!urls.some((u) => u.includes("secret-of") || u.includes("code=")), "a secret stays in history");
      same(bad.join("\n"), "", "console");
    });
  }
}

async function charges(stack, browser) {
  await withPage(browser, {}, async (page) => {
    const made = await stack.ask("channel_order", "azure", "held");
    await page.goto(made.url);
    ok((await page.textContent(".fact")).startsWith("You are not charged yet"), "held");
    same(await page.getAttribute("#bar", "max"), "6", "steps");
    await stack.ask("set", made.reg, "fulfilment=VERIFYING", "commit=asked", `at_applied=${Date.now()}`);
    await eventually(async () => (await page.textContent("#headline")) === "Confirming with Microsoft Marketplace",
      "headline");
    await stack.ask("set", made.reg, "fulfilment=READY", "commit=done", "contract=ACTIVE", `at_ready=${Date.now()}`);
    await eventually(async () => (await page.textContent("#headline")) === "Your environment is ready", "ready");
    await stack.ask("set", made.reg, "no_renewal=1");
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await eventually(async () => (await page.textContent(".fact")).includes("does not renew"), "another sentence", 60);
    await stack.ask("set", made.reg, "no_renewal=", "next_plan=byhand");
    await page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    await eventually(async () => /changes to By hand .* keep plan Silver/.test(await page.textContent("#go")),
      "the change that comes", 60);
  });
}

module.exports = async function behaviour(tests, stack, browser) {
  for (const t of [landing, checking, doubleClick, mistakes, keyboard, live, hidden, frontAway,
    storeAway, noScript, resume, otherDevice, settings, semantics, signIn, charges]) {
    await tests.run("behaviour-" + t.name, () => t(stack, browser));
  }
};

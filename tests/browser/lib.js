"use strict";
// What the browser tests share: the stack, the browser, axe, and counting.
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const readline = require("node:readline");

const root = path.resolve(__dirname, "../..");

class Stack {
  static async start() {
    const s = new Stack();
    s.child = spawn("/usr/bin/python3", [path.join(__dirname, "scenes.py")], {
      stdio: ["pipe", "pipe", "inherit"],
      env: Object.assign({ LASTMILE_BUILD: path.join(root, "build") }, process.env),
    });
    s.waiting = [];
    readline.createInterface({ input: s.child.stdout }).on("line", (l) => {
      const next = s.waiting.shift();
      if (next) next(JSON.parse(l));
    });
    s.child.on("exit", () => s.waiting.forEach((w) => w({ error: "the stack ended" })));
    s.hello = await new Promise((done) => s.waiting.push(done));
    s.origin = s.hello.origin;
    return s;
  }

  async ask(...words) {
    const answer = new Promise((done) => this.waiting.push(done));
    this.child.stdin.write(words.join("\t") + "\n");
    const a = await answer;
    if (a.error) throw new Error(words.join(" ") + ": " + a.error);
    return a;
  }

  async stop() {
    const gone = new Promise((done) => this.child.on("exit", done));
    this.child.stdin.end();
    await gone;
  }
}

function browserPath() {
  const places = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome"];
  return places.find((p) => p && fs.existsSync(p));
}

// A page of another site that posts to us at once, as a marketplace's store does.
async function otherSite(action, fields) {
  const inputs = Object.entries(fields).map(([k, v]) =>
    `<input type="hidden" name="${k}" value="${v}">`).join("");
  const html = `<!doctype html><title>store</title><form method="post" action="${action}">${inputs}` +
    "<button>Continue</button></form>";
  const server = http.createServer((_, res) => {
    res.setHeader("Content-Type", "text/html");
    res.end(html);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://localhost:${server.address().port}/`, close: () => server.close() };
}

const axeSource = () => fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

// WCAG 2.0 to 2.2, A and AA; the text of every violation.
async function axe(page) {
  await page.evaluate(axeSource());
  return page.evaluate(async () => {
    const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"];
    const r = await window.axe.run(document, { runOnly: { type: "tag", values: tags } });
    return r.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.target + " " +
      (n.any[0] ? n.any[0].message : "")).join(" | "));
  });
}

// As patient as eventually(): Playwright's own 30 s are little where others use the machine too.
async function newContext(browser, options) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(60000);
  return context;
}

class Tests {
  constructor() {
    this.passed = this.failed = this.skipped = 0;
    this.only = process.argv[2];
  }

  async run(name, fn) {
    if (this.only && !name.includes(this.only)) return;
    try {
      await fn();
      this.passed++;
    } catch (e) {
      this.failed++;
      console.log("FAILED " + name + "\n  " + String(e.stack || e).split("\n").slice(0, 6).join("\n  "));
    }
  }
}

function ok(truth, what) {
  if (!truth) throw new Error(what);
}

function same(have, want, what) {
  if (have !== want) throw new Error(`${what}: ${JSON.stringify(have)} is not ${JSON.stringify(want)}`);
}

// The test is asked again until it holds; how long that takes is not what is tested.
async function eventually(test, what, seconds = 60) {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    if (await test()) return;
    if (Date.now() > end) throw new Error("never: " + what);
    await new Promise((done) => setTimeout(done, 60));
  }
}

module.exports = { Stack, Tests, axe, browserPath, eventually, newContext, ok, otherSite, root, same };

"use strict";
// node tests/browser/run.js [part of a name]
const { Stack, Tests, browserPath } = require("./lib");

function skip(why) {
  console.log("skipped: " + why + "\n0 passed, 0 failed, 1 skipped");
}

async function main() {
  let playwright;
  try {
    playwright = require("playwright-core");
    require.resolve("axe-core");
  } catch (e) {
    return skip("playwright-core and axe-core are not installed (npm ci in tests/browser)");
  }
  if (!browserPath()) return skip("no chromium");
  const stack = await Stack.start();
  if (stack.hello.missing) return skip("missing: " + stack.hello.missing.join(", "));
  if (!stack.origin) throw new Error(stack.hello.error);
  const args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
  const browser = await playwright.chromium.launch({ executablePath: browserPath(), args });
  const tests = new Tests();
  try {
    for (const part of ["behaviour", "looks", "store"]) await require("./" + part)(tests, stack, browser);
  } finally {
    await browser.close();
    await stack.stop();
  }
  console.log(`${tests.passed} passed, ${tests.failed} failed, ${tests.skipped} skipped`);
  process.exitCode = tests.failed ? 1 : 0;
}

main().catch((e) => {
  console.error(e);
  process.exit(1);
});

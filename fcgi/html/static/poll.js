"use strict";
/* Polls the status, keeps the page current in place, and guards forms against double clicks.
 * Everything works without it. */
(function () {
  var live = document.getElementById("live");

  function all(root, sel, fn) {
    Array.prototype.forEach.call(root.querySelectorAll(sel), fn);
  }

  /* Times are sent in UTC; show them as the buyer's clock does. */
  function localise(root) {
    all(root, "time[datetime]", function (t) {
      var d = new Date(t.getAttribute("datetime"));
      if (!isNaN(d)) t.textContent = d.toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
    });
    if (navigator.clipboard) all(root, "button[data-copy]", function (b) { b.hidden = false; });
  }

  document.addEventListener("click", function (e) {
    var b = e.target.closest && e.target.closest("button[data-copy]");
    if (!b) return;
    navigator.clipboard.writeText(document.getElementById(b.dataset.copy).textContent).then(function () {
      var was = b.textContent;
      b.textContent = b.dataset.copied;
      setTimeout(function () { b.textContent = was; }, 2000);
    });
  });

  all(document, "form[data-once]", function (form) {
    var button = form.querySelector("button[type=submit]"), label = button.textContent;
    form.addEventListener("submit", function (e) {
      if (form.dataset.sent) { e.preventDefault(); return; }
      form.dataset.sent = "1";
      button.setAttribute("aria-disabled", "true");
      button.textContent = form.dataset.once;
    });
    window.addEventListener("pageshow", function () {
      delete form.dataset.sent;
      button.removeAttribute("aria-disabled");
      button.textContent = label;
    });
  });

  var problems = document.getElementById("problems");
  if (problems) problems.focus();
  localise(document);
  if (!live || !live.dataset.poll) return;

  var wait = live.dataset.kind === "wait";
  var etag = live.dataset.etag, misses = 0, floor = 0, timer = 0, busy = false, stopped = false, last = Date.now();
  var pace = (Number(live.dataset.retry) || 1) * 1000;
  var shown = [live.dataset.state, live.dataset.step, live.dataset.charge, live.dataset.coming].join("/");
  if (!wait && !live.dataset.retry) return;

  function text(id, s) {
    var e = document.getElementById(id);
    if (e && e.textContent !== s) e.textContent = s;
  }

  function ago() {
    if (wait || stopped) return;
    var s = Math.round((Date.now() - last) / 1000);
    text("updated", misses > 2 || (misses && s > 15) ? live.dataset.lost : s < 3 ? live.dataset.now
      : live.dataset.ago.replace("%s", s < 90 ? s + " s" : Math.round(s / 60) + " min"));
  }

  /* Another state: take the parts from the page the server makes; focus stays where it is. */
  function swap(j) {
    return fetch(location.href, { headers: { Accept: "text/html" } }).then(function (r) {
      if (!r.ok) throw r;
      return r.text();
    }).then(function (html) {
      var doc = new DOMParser().parseFromString(html, "text/html");
      if (!doc.getElementById("live")) throw html;
      ["go", "track", "rest"].forEach(function (id) {
        var old = document.getElementById(id), now = doc.getElementById(id);
        if (!old || !now || old.contains(document.activeElement)) return;
        old.replaceWith(document.adoptNode(now));
        localise(document.getElementById(id));
      });
      ["headline", "say"].forEach(function (id) { text(id, doc.getElementById(id).textContent); });
      document.getElementById("hero").dataset.mood = doc.getElementById("hero").dataset.mood;
      document.title = doc.title;
      document.getElementById("icon").href = doc.getElementById("icon").getAttribute("href");
      shown = part(j);
    });
  }

  function part(j) {
    return [j.state, j.step - 1, j.billing, j.coming ? j.coming.text : ""].join("/");
  }

  function show(j) {
    if (wait) {
      if (j.state !== "new") location.replace(location.href);
      return;
    }
    stopped = j.terminal;
    var bar = document.getElementById("bar");
    if (bar) bar.value = j.step - 1 + (j.pct > 0 ? j.pct / 101 : 0);
    text("note", j.note || "");
    if (shown !== part(j)) return swap(j);
    text("say", j.detail);
  }

  function plan(ms) {
    clearTimeout(timer);
    if (!stopped && !document.hidden) timer = setTimeout(poll, ms * (0.85 + Math.random() * 0.3));
  }

  function poll() {
    if (busy) return;
    busy = true;
    var stop = new AbortController(), limit = setTimeout(function () { stop.abort(); }, 15000);
    fetch(live.dataset.poll, { headers: etag ? { "If-None-Match": etag } : {}, cache: "no-store", signal: stop.signal })
      .then(function (r) {
        var after = Math.min(Number(r.headers.get("Retry-After")) || 0, 120) * 1000;
        floor = r.ok || r.status === 304 ? 0 : after;
        if (!floor && after) pace = after;
        if (r.status === 304) return;
        if (r.status === 404 && !wait) { stopped = true; return; }
        if (!r.ok) throw r;
        return r.json().then(function (j) {
          return Promise.resolve(show(j)).then(function () { etag = r.headers.get("ETag"); });
        });
      })
      .then(function () { misses = floor = 0; last = Date.now(); }, function () { misses++; })
      .then(function () {
        clearTimeout(limit);
        busy = false;
        ago();
        plan(misses ? Math.max(floor, Math.min(60000, pace * Math.pow(2, misses))) : pace);
      });
  }

  document.addEventListener("visibilitychange", function () {
    clearTimeout(timer);
    if (!document.hidden && !stopped) poll();
  });
  window.addEventListener("online", function () { misses = 0; plan(200); });
  ago();
  setInterval(ago, 5000);
  plan(pace);
})();

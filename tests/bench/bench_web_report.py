"""The tables and goals of (a)."""
from bench_report import ratio, table
from bench_web import HELLO, REGISTER, STATUS, label

WORKS = (("hello", HELLO, "(a) hello"), ("status", STATUS, "(a) status poll, 10,000 tenants"),
         ("register", REGISTER, "(a) registration POST"))
FASTIFY = ("fastify1", "fastify2")


def tables(out, web):
    for work, variants, title in WORKS:
        for clients in web.o.clients:
            rows = []
            for name, apache in variants:
                m = web.median(work, clients, name, apache)
                if not m:
                    continue
                rows.append([label(name, apache), "%.0f" % m["rps"],
                             "%.0f-%.0f" % (m["least"], m["most"]), "%.2f" % m["p50_ms"],
                             "%.1f" % m["p99_ms"], "%.0f" % m["max_ms"],
                             "%.0f/%.0f/%.0f = %.0f" % (m["app_us"], m["redis_us"], m["web_us"],
                                                        m["sum_us"]),
                             m["errors"], "noisy" if m["noisy"] else ""])
            table(out, "%s, %d clients" % (title, clients),
                  ["", "req/s", "min-max", "p50 ms", "p99 ms", "max ms",
                   "CPU us app/redis/web", "errors", ""], rows)
    out("")
    out("  bare submit script, 32 connections: %.0f/s" % web.bare)
    table(out, "(a) memory after the load, PSS", ["", "MB"],
          [[label(n, False), "%.1f" % (kb / 1024)] for n, kb in web.memory().items()])


def goals(g, web):
    c = web.o.clients[0]

    def rps(work, *names):
        return web.best(work, c, names)

    g.at_least("hello: records / nginx file", ratio(rps("hello", "records"), rps("hello", "file")),
               0.85)
    ours = rps("status", "records")
    g.at_least("status: records / Fastify", ratio(ours, rps("status", *FASTIFY)), 1.7)
    g.at_least("status: records / Express", ratio(ours, rps("status", "express")), 5)
    g.at_least("status: records / PHP-FPM", ratio(ours, rps("status", "php")), 3)
    g.at_most("status: CPU per request / Fastify's",
              ratio(web.median("status", c, "records")["sum_us"],
                    web.best("status", c, FASTIFY, "sum_us", False)), 0.5)
    ours = rps("register", "records")
    g.at_least("registration: records / Fastify + BullMQ", ratio(ours, rps("register", *FASTIFY)),
               2.2)
    g.at_least("registration: records / bare EVALSHA", ratio(ours, web.bare), 0.6)
    if 256 in web.o.clients:
        g.at_most("status: p99 at 256 clients / Fastify's",
                  ratio(web.median("status", 256, "records")["p99_ms"],
                        web.best("status", 256, FASTIFY, "p99_ms", False)), 0.25)
    memory = web.memory()
    g.at_most("PSS: records / one Fastify", ratio(memory["records"], memory["fastify1"]), 0.25)

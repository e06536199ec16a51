"""(a) hello, status poll and registration through the web server: lastmile on each transport and
the peers, all up at once, in turn, the order reversed every round."""
import json
import os
import statistics
import subprocess
import time

import bench_wrk
from bench_fill import Fill, token
from bench_proc import Meter, pss_kb, tree

TENANTS = 10000
MARKET, PLAN = "acme-notes", "starter"
RATE_MOST = 22000  # registrations a second that are prepared for one run
FOREIGN = 0.3      # cores; a run beside more than this does not count

OURS = ("records", "fcgi2", "cgi")
HELLO = (("file", False), ("records", False), ("fcgi2", False), ("libfcgi", False),
         ("fastify1", False), ("fastify2", False), ("express", False), ("php", False),
         ("records", True), ("cgi", True))
STATUS = (("records", False), ("fcgi2", False), ("fastify1", False), ("fastify2", False),
          ("express", False), ("php", False), ("records", True))
REGISTER = STATUS[:-1]


def label(name, apache):
    names = {"records": "lastmile records", "fcgi2": "lastmile fcgi2", "cgi": "lastmile cgi",
             "file": "nginx 1 KB file", "libfcgi": "libfcgi, 8 processes",
             "fastify1": "Fastify", "fastify2": "Fastify x 2", "express": "Express",
             "php": "PHP-FPM, 8"}
    return names[name] + (" (Apache)" if apache else "")


class Web:
    def __init__(self, rig, options):
        self.rig, self.o = rig, options
        self.ids = {}
        self.runs = {}  # (work, clients, name, apache) -> [result]
        self.turn = 0
        self.scratch = rig.stack.dir

    # -- data

    def lines(self, name, items):
        path = os.path.join(self.scratch, name)
        with open(path, "w") as f:
            f.write("\n".join(items) + "\n")
        os.chmod(path, 0o644)
        return path

    def fill_status(self):
        self.rig.flush()
        c = self.rig.redis()
        fill = Fill(c)
        fill.init()
        caps = fill.statuses(TENANTS, MARKET, PLAN)
        c.close()
        c = self.rig.peers.connect()
        tenants = ["t%07d" % i for i in range(TENANTS)]
        Fill(c).peer_tenants(tenants)
        c.close()
        self.ids = {"ours": self.lines("caps", caps), "peers": self.lines("tenants", tenants)}

    def fill_registrations(self, connection):
        """Enough for one run: twice the best rate so far, once there is one."""
        seen = [r["rps"] for (work, *_), runs in self.runs.items() for r in runs
                if work == "register"]
        rate = min(RATE_MOST, 2 * max(seen) + 1000) if seen else RATE_MOST
        fill = Fill(connection)
        fill.init()
        return fill.registrations(int(self.o.seconds * rate), MARKET, PLAN)

    # -- one run

    def load(self, work, name, apache, clients):
        ours, origin = name in OURS, self.rig.origin(name, apache)
        args = {"clients": clients, "seconds": self.o.seconds}
        base = "/marketplace" if ours else "/" + name
        if work == "hello":
            path = {"file": "/file.txt", "libfcgi": "/libfcgi"}.get(
                name, base + ("/livez" if ours else "/hello"))
            return dict(args, url=origin + path)
        if work == "status":
            return dict(args, url=origin, mode="ids", ids=self.ids["ours" if ours else "peers"],
                        prefix=base + ("/s/" if ours else "/status/"),
                        suffix="/status.json" if ours else "")
        if ours:
            return dict(args, url=origin, mode="post", prefix=base + "/r/", ids=self.ids["regs"])
        self.turn += 1
        return dict(args, url=origin, mode="post", ids=self.ids["numbers"],
                    prefix="%s/register/%d-" % (base, self.turn))

    def prepare(self, work, name):
        """Registrations are used up; everything before and after them is small."""
        if work != "register":
            return
        self.rig.flush()
        if name in OURS:
            c = self.rig.redis()
            self.ids["regs"] = self.lines("regs", [
                "%s %s" % (r, token(r)) for r, _ in self.fill_registrations(c)])
            c.close()
        elif "numbers" not in self.ids:
            self.ids["numbers"] = self.lines("numbers", [
                "%06d" % i for i in range(self.o.seconds * RATE_MOST)])

    def one(self, work, name, apache, clients):
        self.prepare(work, name)
        load = self.load(work, name, apache, clients)
        meter = Meter(self.rig.groups(name, apache))
        meter.start()
        started = time.monotonic()
        result = bench_wrk.run(**load)
        meter.stop(time.monotonic() - started, result["cpu"])
        n = max(1, result["requests"])
        result["rps"] = result["requests"] / result["seconds"]
        for part, used in meter.used.items():
            result[part + "_us"] = used * 1e6 / n
        result["sum_us"] = sum(meter.used.values()) * 1e6 / n
        result["foreign"] = meter.foreign
        return result

    # -- all of them

    def rounds(self, work, variants):
        for clients in self.o.clients:
            for number in range(self.o.rounds):
                order = variants if number % 2 == 0 else tuple(reversed(variants))
                for name, apache in order:
                    result = self.one(work, name, apache, clients)
                    result["warm"] = number > 0 or self.o.rounds == 1
                    self.runs.setdefault((work, clients, name, apache), []).append(result)
                    self.o.say("  %-9s %3d clients, round %d: %-22s %8.0f req/s, p99 %.1f ms%s" % (
                        work, clients, number + 1, label(name, apache), result["rps"],
                        result["p99_ms"], ", %d errors" % result["errors"]
                        if result["errors"] else ""))

    def run(self):
        self.fill_status()
        self.rounds("hello", HELLO)
        self.rounds("status", STATUS)
        self.rounds("register", REGISTER)
        self.bare = self.bare_submit()
        return self

    def bare_submit(self):
        """The submit script alone, 32 connections, no web server: per second."""
        rates = []
        for _ in range(max(1, self.o.rounds - 1)):
            self.rig.flush()
            c = self.rig.peers.connect()
            made = self.fill_registrations(c)
            c.close()
            path = self.lines("hashes", [h for _, h in made])
            done = subprocess.run([os.path.join(self.o.build, "bench", "queue_bench"),
                                   self.rig.peers.sock, "submit", path], capture_output=True,
                                  text=True, timeout=120, check=True)
            rates.append(json.loads(done.stdout)["per_second"])
        return statistics.median(rates)

    # -- results

    def median(self, work, clients, name, apache=False):
        """Medians over the rounds that count; None when it was not run."""
        runs = [r for r in self.runs.get((work, clients, name, apache), []) if r["warm"]]
        quiet = [r for r in runs if r["foreign"] <= FOREIGN] or runs
        if not quiet:
            return None
        out = {k: statistics.median(r[k] for r in quiet) for k in quiet[0]}
        out["errors"] = sum(r["errors"] for r in runs)
        out["least"], out["most"] = (f(r["rps"] for r in quiet) for f in (min, max))
        out["rounds"], out["noisy"] = len(quiet), len(quiet) < len(runs) or \
            quiet[0]["foreign"] > FOREIGN
        return out

    def best(self, work, clients, names, key="rps", most=True):
        values = [self.median(work, clients, n)[key] for n in names]
        return (max if most else min)(values)

    def memory(self):
        """PSS in KB of each application, after the load."""
        return {n: pss_kb(tree(*self.rig.pids(n)))
                for n in ("records", "fcgi2", "libfcgi", "fastify1", "express", "php")}

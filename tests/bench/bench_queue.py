"""(b) the queue alone against BullMQ: one Redis, in turn, the order reversed every round.

Where Redis writes each command to the disk before it answers, one write is the floor of everything
that happens one at a time; what it costs is measured beside (a bare SET). The second table has the
disk out of the way."""
import json
import os
import statistics
import subprocess

from bench_peers import PEERS, which
from bench_report import ratio, table

MODES = (("enqueue", "enqueue, one at a time", "per_second"),
         ("slots1", "no-op tasks, 1 slot", "per_second"),
         ("slotsN", "no-op tasks, 50 slots", "per_second"),
         ("pickup", "pick-up at 100 tasks/s", "p50_ms"))
FLOOR = "bare SET"
SIZES = {"enqueue": 5000, "slots1": 5000, "slotsN": 20000, "pickup": 500}


class Queue:
    def __init__(self, redis, sock, options):
        self.redis, self.sock, self.o = redis, sock, options
        self.policies = [options.fsync] + ["everysec"] * (options.fsync == "always")
        self.runs = {}

    def argv(self, who, mode, n):
        if who == "lastmile":
            argv = [os.path.join(self.o.build, "bench", "queue_bench"), self.sock, mode, str(n)]
        else:
            argv = [which("node"), os.path.join(PEERS, "bullmq_bench.js"), self.sock, str(n), mode]
        return argv + (["100"] if mode == "pickup" else [])

    def run(self):
        for policy in self.policies:
            self.redis("CONFIG", "SET", "appendfsync", policy)
            for number in range(self.o.rounds):
                self.round(policy, number)
        self.redis("CONFIG", "SET", "appendfsync", self.o.fsync)
        return self

    def round(self, policy, number):
        order = ("lastmile", "BullMQ") if number % 2 == 0 else ("BullMQ", "lastmile")
        for mode, _, _ in MODES:
            for who in order:
                n = SIZES[mode] // (5 if self.o.quick else 1)
                self.keep((policy, who, mode), number, self.measure(self.argv(who, mode, n)))
        n = SIZES["enqueue"] // (5 if self.o.quick else 1)
        self.keep((policy, FLOOR, "enqueue"), number, self.bare_set(n))

    def measure(self, argv):
        self.redis("FLUSHALL")
        done = subprocess.run(argv, capture_output=True, text=True, timeout=600, check=True)
        return json.loads(done.stdout.splitlines()[-1])

    def bare_set(self, n):
        self.redis("FLUSHALL")
        argv = ["redis-benchmark", "-s", self.sock, "-c", "1", "-n", str(n), "-d", "200", "-t",
                "set", "--csv"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=600, check=True)
        return {"per_second": float(done.stdout.splitlines()[-1].split(",")[1].strip('"'))}

    def keep(self, key, number, result):
        self.o.say("  queue, round %d: %-8s %-8s %-8s %s" % ((number + 1,) + key + (result,)))
        if number or self.o.rounds == 1:
            self.runs.setdefault(key, []).append(result)

    def get(self, policy, who, mode, key):
        values = [r[key] for r in self.runs.get((policy, who, mode), []) if key in r]
        return statistics.median(values) if values else None

    def tables(self, out):
        for policy in self.policies:
            rows = []
            for who in ("lastmile", "BullMQ"):
                rows.append([who] + ["%.0f" % self.get(policy, who, m, "per_second")
                                     for m, _, k in MODES[:3]] +
                            ["%.2f" % self.get(policy, who, "pickup", k)
                             for k in ("p50_ms", "p99_ms")])
            floor = self.get(policy, FLOOR, "enqueue", "per_second")
            rows.append([FLOOR, "%.0f" % floor] + [""] * 4)
            table(out, "(b) queue, appendfsync %s, per second; pick-up in ms at 100 tasks a second"
                  % policy, ["", "enqueue", "1 slot", "50 slots", "pick-up p50", "p99"], rows)

    def goals(self, g):
        for policy in self.policies:
            def of(mode, key, policy=policy):
                return ratio(self.get(policy, "lastmile", mode, key),
                             self.get(policy, "BullMQ", mode, key))

            name = " / BullMQ, " + policy
            g.at_least("enqueue" + name, of("enqueue", "per_second"), 3)
            g.at_least("one slot" + name, of("slots1", "per_second"), 1.5)
            g.at_most("pick-up p50" + name, of("pickup", "p50_ms"), 0.5)
            g.at_most("pick-up p99" + name, of("pickup", "p99_ms"), 0.5)

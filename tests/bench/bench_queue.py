"""(b) the queue alone against BullMQ: one Redis, in turn, the order reversed every round."""
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
SIZES = {"enqueue": 5000, "slots1": 5000, "slotsN": 20000, "pickup": 500}


class Queue:
    def __init__(self, redis, sock, options):
        self.redis, self.sock, self.o = redis, sock, options
        self.runs = {}

    def argv(self, who, mode, n):
        if who == "lastmile":
            argv = [os.path.join(self.o.build, "bench", "queue_bench"), self.sock, mode, str(n)]
        else:
            argv = [which("node"), os.path.join(PEERS, "bullmq_bench.js"), self.sock, str(n), mode]
        return argv + (["100"] if mode == "pickup" else [])

    def run(self):
        for number in range(self.o.rounds):
            order = ("lastmile", "BullMQ") if number % 2 == 0 else ("BullMQ", "lastmile")
            for mode, _, _ in MODES:
                for who in order:
                    self.redis("FLUSHALL")
                    n = SIZES[mode] // (5 if self.o.quick else 1)
                    done = subprocess.run(self.argv(who, mode, n), capture_output=True, text=True,
                                          timeout=600, check=True)
                    result = json.loads(done.stdout.splitlines()[-1])
                    self.o.say("  queue, round %d: %-8s %-8s %s" % (number + 1, who, mode, result))
                    if number or self.o.rounds == 1:
                        self.runs.setdefault((who, mode), []).append(result)
        return self

    def get(self, who, mode, key):
        values = [r[key] for r in self.runs.get((who, mode), []) if key in r]
        return statistics.median(values) if values else None

    def tables(self, out):
        rows = []
        for who in ("lastmile", "BullMQ"):
            rows.append([who] + ["%.0f" % self.get(who, m, "per_second") for m, _, k in MODES[:3]] +
                        ["%.2f" % self.get(who, "pickup", k) for k in ("p50_ms", "p99_ms")])
        table(out, "(b) queue, per second; pick-up in ms at 100 tasks a second",
              ["", "enqueue", "1 slot", "50 slots", "pick-up p50", "p99"], rows)

    def goals(self, g):
        def of(mode, key):
            return ratio(self.get("lastmile", mode, key), self.get("BullMQ", mode, key))

        g.at_least("enqueue / BullMQ", of("enqueue", "per_second"), 3)
        g.at_least("one slot / BullMQ", of("slots1", "per_second"), 1.5)
        g.at_most("pick-up p50 / BullMQ", of("pickup", "p50_ms"), 0.5)
        g.at_most("pick-up p99 / BullMQ", of("pickup", "p99_ms"), 0.5)

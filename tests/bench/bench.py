#!/usr/bin/python3
"""Benchmarks: lastmile against what a seller would write. `make bench` runs this.

usage: bench.py [--build DIR] [--quick] [--only a,b,c,d,e] [--rounds N] [--seconds N]
                [--clients 32,256] [--fsync always|everysec|no] [--processes N] [--json FILE]

One run, everything up at once, variants in turn, the order reversed every round, the first round
dropped, medians. Rounds beside other work on the machine (more than 0.3 cores) are dropped where
quieter ones exist, else marked. All sides have the same durability. Numbers are of this machine;
ratios inside one table are what counts. A goal that is missed is called so.
"""
import argparse
import json
import os
import platform
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(ROOT, "tests", "e2e")]

import bench_rig  # noqa: E402
import bench_web_report  # noqa: E402
from bench_deploy import Added, Flight, Recovery  # noqa: E402
from bench_queue import Queue  # noqa: E402
from bench_report import Goals  # noqa: E402
from bench_web import Web  # noqa: E402


def options():
    p = argparse.ArgumentParser(description="lastmile benchmarks")
    p.add_argument("--build", default=os.path.join(ROOT, "build"))
    p.add_argument("--quick", action="store_true", default=bool(os.environ.get("QUICK")))
    p.add_argument("--only", default="a,b,c,d,e")
    p.add_argument("--rounds", type=int)
    p.add_argument("--seconds", type=int)
    p.add_argument("--clients")
    p.add_argument("--fsync", default="always", choices=("always", "everysec", "no"))
    p.add_argument("--processes", type=int, default=2, help="of lastmile-front")
    p.add_argument("--json")
    o = p.parse_args()
    o.build = os.path.abspath(o.build)
    o.rounds = o.rounds or (1 if o.quick else 4)
    o.seconds = o.seconds or (1 if o.quick else 3)
    o.clients = [int(c) for c in (o.clients or ("32" if o.quick else "32,256")).split(",")]
    o.only = set(o.only.split(","))
    o.say = lambda text: print(text, file=sys.stderr, flush=True)
    return o


def head(o):
    with open("/proc/cpuinfo") as f:
        model = next((line.split(":")[1].strip() for line in f if line.startswith("model name")),
                     platform.machine())
    print("lastmile benchmarks, %s" % time.strftime("%Y-%m-%d"))
    print("%d x %s, Linux %s; appendfsync %s, %d s a run, %d rounds, load average %.1f" % (
        os.cpu_count(), model, platform.release(), o.fsync, o.seconds, o.rounds,
        os.getloadavg()[0]))


def web_and_queue(o, goals, results):
    with bench_rig.Rig(o.build, o.fsync, o.processes) as rig:
        if "a" in o.only:
            web = Web(rig, o).run()
            bench_web_report.tables(print, web)
            bench_web_report.goals(goals, web)
            results["web"] = {"%s %d %s%s" % (w, c, n, " apache" if a else ""):
                              web.median(w, c, n, a) for w, c, n, a in web.runs}
        if "b" in o.only:
            rig.flush()
            redis = rig.peers.connect()
            queue = Queue(redis, rig.peers.sock, o).run()
            queue.tables(print)
            queue.goals(goals)
            results["queue"] = {"%s %s %s" % key: runs for key, runs in queue.runs.items()}


def deployments(o, goals, results):
    for letter, kind in (("c", Added), ("d", Flight), ("e", Recovery)):
        if letter in o.only:
            part = kind(o).run()
            part.tables(print)
            part.goals(goals)
            results[letter] = {k: v for k, v in vars(part).items() if k != "o"}


def main():
    o = options()
    absent = bench_rig.check(o.build)
    if absent:
        print("skip: missing " + ", ".join(absent))
        return 0
    goals, results = Goals(), {}
    head(o)
    if o.only & {"a", "b"}:
        web_and_queue(o, goals, results)
    deployments(o, goals, results)
    goals.print(print)
    results["goals"] = goals.rows
    if o.json:
        with open(o.json, "w") as f:
            json.dump(results, f, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())

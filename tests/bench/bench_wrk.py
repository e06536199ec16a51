"""wrk, run once."""
import json
import os
import resource
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
THREADS = 2


class LoadError(Exception):
    pass


def missing():
    return [] if shutil.which("wrk") else ["wrk"]


def run(url, clients, seconds, mode="get", prefix="", suffix="", ids=""):
    """{"requests", "seconds", "p50_ms", "p99_ms", "max_ms", "errors", "cpu"}"""
    argv = ["wrk", "-t%d" % THREADS, "-c%d" % clients, "-d%ds" % seconds, "--timeout", "10s",
            "-s", os.path.join(HERE, "wrk.lua"), url, "--", mode, prefix, suffix, ids]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(argv, capture_output=True, text=True, timeout=seconds + 60, check=False,
                          env=dict(os.environ, BENCH_THREADS=str(THREADS)))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    for line in done.stdout.splitlines():
        if line.startswith("BENCH "):
            result = json.loads(line[6:])
            if result["ran_out"]:
                raise LoadError("wrk %s: more requests than were prepared" % url)
            result["cpu"] = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
            return result
    raise LoadError("wrk %s: %s%s" % (url, done.stdout[-400:], done.stderr[-400:]))

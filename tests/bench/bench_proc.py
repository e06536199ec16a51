"""What processes cost, read from /proc: CPU time, memory, and how busy the machine was besides."""
import os

TICK = os.sysconf("SC_CLK_TCK")
PAGE_KB = os.sysconf("SC_PAGE_SIZE") // 1024


def tree(*roots):
    """The processes and all their descendants."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name) as f:
                    parents[int(name)] = int(f.read().rpartition(")")[2].split()[1])
            except OSError:
                pass
    found = {r for r in roots if r in parents}
    while True:
        more = {p for p, parent in parents.items() if parent in found} - found
        if not more:
            return found
        found |= more


def cpu_seconds(pids):
    """User and system time, of ended children too."""
    total = 0
    for pid in pids:
        try:
            with open("/proc/%d/stat" % pid) as f:
                total += sum(int(x) for x in f.read().rpartition(")")[2].split()[11:15])
        except OSError:
            pass
    return total / TICK


def _field_kb(pids, path, key):
    total = 0
    for pid in pids:
        try:
            with open("/proc/%d/%s" % (pid, path)) as f:
                for line in f:
                    if line.startswith(key + ":"):
                        total += int(line.split()[1])
        except OSError:
            pass
    return total


def pss_kb(pids):
    return _field_kb(pids, "smaps_rollup", "Pss")


def rss_kb(pids):
    return _field_kb(pids, "status", "VmRSS")


def busy_seconds():
    """CPU time of the whole machine, idle and waiting left out."""
    with open("/proc/stat") as f:
        v = [int(x) for x in f.readline().split()[1:]]
    return (sum(v[:8]) - v[3] - v[4]) / TICK


class Meter:
    """groups: name -> root pids. After stop(): .used[name] seconds, .foreign cores of others."""

    def __init__(self, groups):
        self.groups = {name: tree(*pids) for name, pids in groups.items()}

    def start(self):
        self.before = {n: cpu_seconds(p) for n, p in self.groups.items()}
        self.busy = busy_seconds()

    def stop(self, wall, also=0.0):
        """also: CPU seconds that belong to the measurement beside the groups (the load)."""
        self.used = {n: cpu_seconds(p) - self.before[n] for n, p in self.groups.items()}
        spent = busy_seconds() - self.busy - sum(self.used.values()) - also
        self.foreign = max(0.0, spent / wall) if wall else 0.0

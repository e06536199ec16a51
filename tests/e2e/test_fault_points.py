#!/usr/bin/python3
"""Every crash point of the sources is one that a test dies at: a new one, or a new call of a
script, is missing here until a sweep has it."""
import glob
import os
import re
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
import test_azure_crash
import test_azure_trouble
import test_cli
import test_fault_channels
import test_fault_crash
import test_fault_keeper
import test_fault_lease
import test_reconcile_crash

# Nothing is written, so it is all the same whether the caller dies before or after.
READS = {"ready", "orders", "log", "stats", "invariants"}


def sources(*folders):
    for folder in folders:
        for path in glob.glob("%s/%s/**/*.c" % (ROOT, folder), recursive=True):
            with open(path, encoding="utf-8") as f:
                yield f.read()


def named():
    points = set()
    for text in sources("src", "fcgi"):
        points.update(re.findall(r'crash_point\("([^"]+)"\)', text))
    scripts = set()
    for text in sources("src/worker", "src/cli", "fcgi"):
        scripts.update(s.lower() for s in re.findall(r"\bSTORE_([A-Z_]+)\b", text))
    known = {os.path.basename(p)[:-4] for p in glob.glob(ROOT + "/src/store/lua/*.lua")}
    return points | set(test_fault_crash.around(*(scripts & known - READS)))


def swept():
    found = set(test_fault_lease.POINTS + test_cli.POINTS + test_azure_trouble.POINTS)
    for points in (test_fault_crash.PURCHASE, test_fault_crash.RENEWAL, test_fault_crash.FRONT,
                   test_fault_channels.FRONT, test_fault_channels.AGAIN,
                   test_fault_channels.CHANGE, test_fault_channels.END, test_azure_crash.CHANGE,
                   test_azure_crash.PURCHASE, test_azure_crash.REPLACEMENT,
                   test_fault_keeper.KEEPER, test_fault_keeper.KEEPER_END,
                   test_reconcile_crash.Dies.points, test_reconcile_crash.Dies.license_points,
                   test_reconcile_crash.PartnerDies.points):
        found.update(points)
    found.update(point for point, _ in test_fault_channels.PURCHASE)
    return {point.split(":")[0] for point in found}


class Points(unittest.TestCase):
    def test_every_point_is_swept(self):
        points = named()
        self.assertGreater(len(points), 100)
        self.assertEqual(sorted(points - swept()), [])

    def test_every_swept_point_is_there(self):
        self.assertEqual(sorted(swept() - named()), [])


if __name__ == "__main__":
    unittest.main()

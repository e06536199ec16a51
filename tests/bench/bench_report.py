"""Tables of text, and the goals with what was measured beside what was wanted."""


def table(out, title, heads, rows):
    """rows: lists of text; the first column is left, the others right."""
    out("")
    out(title)
    widths = [max(len(str(r[i])) for r in [heads] + rows) for i in range(len(heads))]
    for row in [heads] + rows:
        out("  " + "  ".join(str(c).ljust(w) if i == 0 else str(c).rjust(w)
                             for i, (c, w) in enumerate(zip(row, widths))).rstrip())


class Goals:
    """A goal: a name, a measured number, the bound and on which side of it good lies."""

    def __init__(self):
        self.rows = []

    def at_least(self, name, value, bound, unit="x"):
        self.add(name, value, bound, ">=", unit, value is not None and value >= bound)

    def at_most(self, name, value, bound, unit="x"):
        self.add(name, value, bound, "<=", unit, value is not None and value <= bound)

    def add(self, name, value, bound, sign, unit, met):
        self.rows.append({"goal": name, "wanted": "%s %g %s" % (sign, bound, unit),
                          "measured": value, "unit": unit,
                          "met": None if value is None else met})

    def print(self, out):
        words = {True: "met", False: "MISSED", None: "not measured"}
        table(out, "Goals", ["goal", "wanted", "measured", ""],
              [[r["goal"], r["wanted"],
                "-" if r["measured"] is None else "%.3g %s" % (r["measured"], r["unit"]),
                words[r["met"]]] for r in self.rows])


def ratio(a, b):
    return a / b if a is not None and b else None

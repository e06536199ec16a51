"""Reports of sanitizers (make check-asan), found in the logs of what a test started. A program's
last words are on its stderr; where that is lost or goes with a tenant's directory, environment()
lets it write a file."""
import os
import re

STATUS = 97  # of a program that reported (exitcode= in the Makefile); none of ours ends so
MARK = re.compile(r"ERROR: (?:Address|Leak)Sanitizer|\.[ch]:\d+:\d+: runtime error: |"
                  r"(?:Address|Leak)Sanitizer(?: has encountered a fatal error|:? CHECK failed)|"
                  r"ERROR: Can't open file: ")
SHOWN = 60  # lines


def report_in(text):
    """The first report and what follows it, or ""."""
    found = MARK.search(text)
    if not found:
        return ""
    begin = text.rfind("\n", 0, found.start()) + 1
    return "\n".join(text[begin:].splitlines()[:SHOWN])


def reports(*directories):
    """Text of all reports in the files there and below."""
    found = []
    for path in (os.path.join(folder, name) for top in directories
                 for folder, _, names in os.walk(top) for name in names):
        try:
            if os.path.isfile(path):
                with open(path, errors="replace") as f:
                    report = report_in(f.read())
                if report:
                    found.append("%s: %s" % (path, report))
        except OSError:
            continue  # gone with its tenant
    return "\n".join(found)


def environment(path):
    """Variables with which reports go to files path.<pid>; none in an ordinary run."""
    options = os.environ.get("ASAN_OPTIONS")
    return {"ASAN_OPTIONS": "%s:log_path=%s" % (options, path)} if options else {}

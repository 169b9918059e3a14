"""Where the time of the worker goes, by perf."""

import re

from lib import lab

REPORTS = (
    ("by program", ("--no-children", "--sort", "dso", "--percent-limit", "0.3")),
    ("by function, itself", ("--no-children", "--sort", "dso,symbol", "--percent-limit", "0.3")),
    ("by function, with what it calls", ("--children", "--sort", "symbol", "--percent-limit", "1.5")),
)


def worker(daemon, path, seconds=5):
    """Records the worker thread for so long, user and kernel, and writes three lists into that file."""
    perf = lab.find("perf", "linux-perf")
    if not perf:
        return
    data = daemon.folder / "perf.data"
    thread = next(thread for thread, name in daemon.thread_names().items() if name.startswith("worker"))
    lab.call(perf, "record", "-q", "-g", "-F", 2000, "-t", thread, "-o", data, "--", "sleep", seconds)
    text = ""
    for title, options in REPORTS:
        report = lab.call(perf, "report", "-i", data, "--stdio", "-q", "-g", "none", *options)
        text += f"{title}\n" + re.sub(r"(?m) +- +- *$", "", report) + "\n"
    data.unlink()
    path.write_text(text)
    print(f"profile of the worker: {path}")

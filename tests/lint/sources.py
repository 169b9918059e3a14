"""Which files are whose."""

import os
import pathlib

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("NETSONDE_BUILD", TOP / "build" / "release"))
LIBRARIES = ("core", "probes", "geo", "qos", "exporter", "influx", "daemon")
SIBLINGS = ("probes", "geo", "qos", "exporter", "influx")
SKIPPED = ("build", ".git", "netsonde-data", "__pycache__")


def all_files():
    """Every file of the project, as paths relative to its top; not what is built or measured."""
    for folder, folders, files in os.walk(TOP):
        folders[:] = [
            one for one in folders
            if one not in SKIPPED and not one.startswith("build-") and (not one.startswith(".") or one == ".ci")
        ]
        for name in files:
            yield pathlib.Path(folder, name).relative_to(TOP)


def c_files(folders=LIBRARIES, suffixes=(".c", ".h")):
    return sorted(path for path in all_files() if path.parts[0] in folders and path.suffix in suffixes)

"""Tests in a network of their own: pytest is run again inside one when it was started for such a folder alone."""

import os
import pathlib
import subprocess
import sys

ENTER = str(pathlib.Path(__file__).resolve().parent / "net" / "enter")
IS_INSIDE = os.environ.get("TEST_NAMESPACE") == "1"
NO_NAMESPACE = "no network namespace here: neither root, nor user namespaces, nor sudo without a password"


def is_allowed():
    return subprocess.run([ENTER, "true"], check=False).returncode == 0


def enter(config, folder):
    """Does not return if pytest was started for this folder alone ("tests/net") and can enter; else returns."""
    if IS_INSIDE or config.args and not all(folder in os.path.abspath(arg) for arg in config.args):
        return
    if not is_allowed():
        return
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture:
        capture.suspend_global_capture(in_=True)
    sys.stdout.flush()
    os.execv(ENTER, [ENTER, sys.executable, "-m", "pytest", *sys.argv[1:]])


def reason_to_skip(folder):
    """Why tests of that folder cannot run here, or None."""
    if IS_INSIDE:
        return None
    return f"to be run by itself: python3 -m pytest {folder}" if is_allowed() else NO_NAMESPACE

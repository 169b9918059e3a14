"""What the tests take from npm: installed once, in build/npm, at the versions of npm/package-lock.json.

The lock names no registry, so that the one of the machine's own npm configuration is asked; make it anew with
"npm install --package-lock-only --ignore-scripts --omit-lockfile-registry-resolved" in tests/peers/npm."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent / "npm"
FOLDER = Path(__file__).resolve().parents[2] / "build" / "npm"
STAMP = FOLDER / "installed"  # the lock that node_modules was made from
FAILURE = FOLDER / "failure"  # what npm said
INSTALL = (
    "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--package-lock", "--prefer-offline",
    "--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=2000",
)
# How a machine without a way to a registry looks. Anything else that npm complains about is a fault.
NO_WAY = re.compile(
    r"E(NOTFOUND|AI_AGAIN|CONN\w+|TIMEDOUT|NETUNREACH|HOSTUNREACH|PROTO|NOTCACHED|401|403|5\d\d)"
    r"|ERR_SOCKET_TIMEOUT|\w*CERT\w*|UNABLE_TO_\w+|took too long"
)


def install():
    """Leaves either STAMP or FAILURE. To be called where there is a network: tests run in one without a way out."""
    if not (shutil.which("npm") and shutil.which("node")):
        return
    lock = (HERE / "package-lock.json").read_text()
    if STAMP.is_file() and STAMP.read_text() == lock:
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in (STAMP, FAILURE, *FOLDER.glob("schemas-*.json")):
        path.unlink(missing_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, FOLDER)
    try:
        result = subprocess.run(INSTALL, cwd=FOLDER, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240)
        said = result.stdout + result.stderr
    except subprocess.TimeoutExpired:
        result, said = None, "npm error code took too long"
    if result and result.returncode == 0:
        STAMP.write_text(lock)
    else:
        FAILURE.write_text(said)


def obstacle(said):
    """Why a machine cannot have the packages, if that is what npm said."""
    code = re.search(r"^npm (?:ERR!|error) code (.+)", said, re.M)
    return code[1] if code and NO_WAY.fullmatch(code[1]) else None


def require():
    """Skips the test on a machine that cannot have the packages."""
    if STAMP.is_file() and STAMP.read_text() == (HERE / "package-lock.json").read_text():
        return
    if not FAILURE.is_file():
        pytest.skip("no npm here")
    said = FAILURE.read_text()
    if obstacle(said):
        pytest.skip(f"npm has no way to a registry here ({obstacle(said)})")
    pytest.fail(f"npm could not install: {said[-2000:]}")


def run(script, wanted, *arguments):
    """What a program of npm/ says about a list."""
    result = subprocess.run(
        ["node", HERE / script, *arguments],
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        timeout=300,
        env={**os.environ, "NODE_PATH": str(FOLDER / "node_modules")},
    )
    assert result.returncode == 0, result.stderr
    return result.stdout

"""Fixtures of all system tests. What they are made of is in support.py."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from support import BINARY, Daemon  # noqa: E402


@pytest.fixture
def start_daemon(tmp_path):
    """start_daemon(config, ...) -> a Daemon that is ready. All that run at the end of the test must stop cleanly."""
    if not BINARY.exists():
        pytest.fail(f"{BINARY} is not built")
    daemons = []

    def start(config, name=None, is_ready=True, **more):
        daemon = Daemon(tmp_path / (name or f"daemon{len(daemons)}"), config, **more)
        daemons.append(daemon)
        return daemon.wait_ready() if is_ready else daemon

    yield start
    running = [daemon for daemon in daemons if daemon.process.poll() is None]
    try:
        for daemon in running:
            daemon.stop()
    finally:
        for daemon in daemons:
            if daemon.process.poll() is None:
                daemon.kill()

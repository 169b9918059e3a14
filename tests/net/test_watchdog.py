"""The service manager's watchdog (deploy/netsonde.service has WatchdogSec): it hears of the daemon as long as all threads
answer. A thread is made to stall as a debugger stops one: all others go on."""

import ctypes
import os
import re
import select
import socket
import time

import pytest

from support import PATIENCE_SECONDS, make_config, wait_for

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WAIT_FOR_ANY_CHILD = 0x40000000  # __WALL
ROUNDS = 4  # how often the daemon speaks in the time after which the manager acts
INTERVAL_SECONDS = 0.2


class Manager:
    """systemd, as far as the daemon sees it."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.socket.settimeout(PATIENCE_SECONDS)

    def environment(self):
        return {"NOTIFY_SOCKET": str(self.path), "WATCHDOG_USEC": str(int(INTERVAL_SECONDS * 1e6))}

    def hear(self):
        return self.socket.recv(1000).decode()

    def heard(self):
        """All that was said and not heard yet."""
        found = []
        while select.select([self.socket], [], [], 0)[0]:
            found.append(self.hear())
        return found


@pytest.fixture
def manager(tmp_path):
    one = Manager(tmp_path / "notify")
    yield one
    one.socket.close()


def ptrace(request, thread):
    call = ctypes.CDLL(None, use_errno=True).ptrace
    call.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    call.restype = ctypes.c_long
    if call(request, thread, None, None) == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Stalled:
    """with Stalled(thread): it does nothing."""

    def __init__(self, thread):
        self.thread = thread

    def __enter__(self):
        ptrace(PTRACE_SEIZE, self.thread)
        ptrace(PTRACE_INTERRUPT, self.thread)
        os.waitpid(self.thread, WAIT_FOR_ANY_CHILD)

    def __exit__(self, kind, value, traceback):
        ptrace(PTRACE_DETACH, self.thread)


def threads_of(process):
    """Their names, with the identifiers of those who have them."""
    found = {}
    for thread in os.listdir(f"/proc/{process}/task"):
        with open(f"/proc/{process}/task/{thread}/comm") as name:
            found.setdefault(name.read().strip(), []).append(int(thread))
    return found


@pytest.mark.parametrize("name", ("netsonde", "web", "worker"))
def test_a_thread_that_stalls_is_told_by_silence(start_daemon, manager, name):
    """Of several workers the last one; "netsonde" is the main thread."""
    daemon = start_daemon(make_config([("a", "127.0.0.1")], agent={"workers": 2}), environment=manager.environment())
    assert manager.hear() == "READY=1"
    for _ in range(2 * ROUNDS):
        assert manager.hear() == "WATCHDOG=1"
    threads = threads_of(daemon.process.pid)
    thread = max(identifier for comm, those in threads.items() if re.match(name, comm) for identifier in those)
    with Stalled(thread):
        manager.heard()
        if name != "netsonde":
            wait_for(lambda: f'what=watchdog target={name} why="does not answer"' in daemon.log, "the daemon to miss it")
        time.sleep(2 * INTERVAL_SECONDS)
        # The word of the round in which it was asked and had not yet failed to answer.
        assert len(manager.heard()) <= 1
    assert manager.hear() == "WATCHDOG=1"
    daemon.stop()
    assert [state for state in manager.heard() if state != "WATCHDOG=1"] == ["STOPPING=1"]

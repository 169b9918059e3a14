"""netsonde probe traceroute: the screen, driven through a pseudo-terminal, and what is printed. Loopback only."""

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import termios
import time

import pytest

from netsonde import PATIENCE_SECONDS, environment, run, wait_until

ENTER, LEAVE = "\033[?1049h", "\033[?1049l"
QUICK = "--interval=0.1"


class Screen:
    """The command on a terminal of its own."""

    def __init__(self, binary, *arguments, columns=100, rows=24, **variables):
        try:
            pid, self.master = pty.fork()
        except OSError as error:
            pytest.skip(f"no terminal devices here: {error}")
        if pid == 0:
            with contextlib.suppress(OSError):
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
                os.execve(binary, [binary, "probe", "traceroute", *arguments], {**environment(), "TERM": "xterm", **variables})
            os._exit(127)
        self.pid = pid
        self.text = ""
        self.status = None

    def _read(self):
        if not select.select([self.master], [], [], 0.05)[0]:
            return
        try:
            self.text += os.read(self.master, 65536).decode()
        except OSError:  # nobody has the other end any more
            self._reap()

    def _reap(self):
        if self.status is None:
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def see(self, pattern):
        """Waits for it, and forgets what was shown up to there."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := re.search(pattern, self.text)):
            assert time.monotonic() < deadline and self.status is None, f"no {pattern!r} in {self.text!r}"
            self._read()
        self.text = self.text[found.end() :]
        return found

    def press(self, keys):
        os.write(self.master, keys.encode())

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def shows_keys_at_once(self):
        return not termios.tcgetattr(self.master)[3] & termios.ICANON

    def finish(self):
        """The exit code, and what stays on the terminal."""
        wait_until(lambda: self._read() or self.status is not None, "the end")
        before, _, after = self.text.rpartition(LEAVE)
        assert before, f"the screen was not left: {self.text!r}"
        return self.status, after.replace("\r", "")

    def close(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self._reap()
        os.close(self.master)


@pytest.fixture
def screen(binary):
    opened = []

    def open_screen(*arguments, **more):
        opened.append(Screen(binary, *arguments, **more))
        return opened[-1]

    yield open_screen
    for one in opened:
        one.close()


def test_the_screen_goes_on_until_q(screen):
    one = screen("127.0.0.1", QUICK)
    one.see(re.escape(ENTER))
    one.see("waiting for the first answers")
    one.see(r"traceroute to 127\.0\.0\.1, icmp, 3 runs  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
    one.see("q quit  p pause  r reset  n names")
    one.see(r"Loss%  Fwd%   Snt  Last   Avg  Best  Wrst StDev  Jttr")
    one.see(r" 1\. .*127\.0\.0\.1.* 0\.0%")
    assert one.shows_keys_at_once()
    one.press("q")
    status, rest = one.finish()
    assert status == 0
    assert re.search(r"traceroute to 127\.0\.0\.1, icmp, \d+ runs", rest)
    assert re.search(r"reached in 1 hop; (\d+) of \1 runs reached it", rest)
    assert "q quit" not in rest


def test_keys(screen):
    one = screen("127.0.0.1", QUICK, "--reverse_names=true")
    one.see(r"localhost \(127\.0\.0\.1\)")  # of the hosts file, as soon as it is known
    one.press("n")
    one.see(r" 1\. 127\.0\.0\.1")
    one.press("n")
    one.see(r"localhost")
    one.press("p")
    one.see(r"\d+ runs?, paused")
    one.press("r")
    one.see(r"0 runs, paused")
    one.press("x")  # none
    one.press("p")
    one.see(r" 2 runs  ")
    one.press("\x03")
    assert one.finish()[0] == 0


def test_the_screen_follows_its_window(screen):
    one = screen("127.0.0.1", "--interval=3600", "--reverse_names=false")
    one.see(" 1 run  ")
    one.see("Jttr")
    one.resize(50, 24)
    one.see(r"Hop Host {25}Loss%  Fwd%   Avg\033")
    one.resize(120, 24)
    one.see("Jttr")
    one.press("q")
    assert one.finish()[0] == 0


def test_a_stopped_screen_gives_the_terminal_back(screen):
    one = screen("127.0.0.1", QUICK)
    one.see(" 2 runs")
    one.press("\x1a")
    one.see(re.escape(LEAVE))
    wait_until(lambda: not one.shows_keys_at_once(), "the terminal as before")
    os.kill(one.pid, signal.SIGCONT)
    one.see(re.escape(ENTER))
    one.see("reached in 1 hop")
    one.press("q")
    assert one.finish()[0] == 0


def test_so_many_runs_and_then_the_end(screen):
    one = screen("127.0.0.1", QUICK, "--cycles=3")
    status, rest = one.finish()
    assert status == 0 and "3 of 3 runs reached it" in rest


@pytest.mark.parametrize("variables, is_coloured", [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True)])
def test_colours(screen, variables, is_coloured):
    one = screen("127.0.0.1", QUICK, "--cycles=1", **variables)
    status, rest = one.finish()
    assert status == 0 and ("\033[1m" in rest) == is_coloured


def test_a_terminal_that_cannot_move_its_cursor_gets_a_report(binary, screen):
    one = screen("127.0.0.1", QUICK, "--cycles=2", TERM="dumb")
    one.see("2 of 2 runs reached it")
    wait_until(lambda: one._read() or one.status is not None, "the end")
    assert one.status == 0 and "\033" not in one.text


# --- without a terminal ---------------------------------------------------------------------------------------------


def test_a_report(binary):
    result = run(binary, "probe", "traceroute", "127.0.0.1", QUICK, "--cycles=2", "--reverse_names=no")
    assert (result.returncode, result.stderr) == (0, "")
    title, blank, heads, hop, *foot = result.stdout.splitlines()
    assert title.startswith("traceroute to 127.0.0.1, icmp, 2 runs  ") and blank == ""
    assert heads.split() == ["Hop", "Host", "Loss%", "Fwd%", "Snt", "Last", "Avg", "Best", "Wrst", "StDev", "Jttr"]
    assert hop.split()[:5] == ["1.", "127.0.0.1", "0.0%", "0.0%", "2"]
    assert foot[:3] == ["", "reached in 1 hop; 2 of 2 runs reached it", "path changes: 0"]


def test_ten_runs_are_a_report(binary):
    result = run(binary, "probe", "traceroute", "127.0.0.1", QUICK, "--report")
    assert result.returncode == 0 and "10 of 10 runs reached it" in result.stdout


def test_a_report_as_json(binary):
    result = run(binary, "probe", "traceroute", "127.0.0.1", QUICK, "--cycles=3", "--json", "--flows=2")
    assert (result.returncode, result.stderr, result.stdout.count("\n")) == (0, "", 1)
    found = json.loads(result.stdout)
    assert list(found)[:7] == ["type", "target", "address", "success", "reason", "duration_seconds", "time"]
    assert (found["cycles"], found["cycles_reached"], found["flows"]) == (3, 3, 2)
    assert (found["traceroute"][0]["end"], found["traceroute"][0]["hops"]) == ("reached", 1)
    (hop,) = found["traceroute_hop"]
    assert (hop["hop"], hop["sent_total"], hop["received_total"]) == ("1", 6, 6)
    assert [one["address"] for one in hop["addresses"]] == ["127.0.0.1"]


def test_json_alone_is_one_run_as_of_other_types(binary):
    result = run(binary, "probe", "traceroute", "127.0.0.1", "--spacing=0.01", "--json")
    found = json.loads(result.stdout)
    assert (result.returncode, found["success"], found["traceroute"][0]["reached"]) == (0, True, 1)
    assert found["traceroute_hop"][0]["sent_total"] == 3 and "cycles" not in found


def test_once_is_a_line_for_each_hop(binary):
    result = run(binary, "probe", "traceroute", "127.0.0.1", "--once", "--spacing=0.01", "--reverse_names=no")
    assert result.returncode == 0
    assert re.search(r"^ 1 +127\.0\.0\.1 \(127\.0\.0\.1\)(  [\d.]+ ms){3}$", result.stdout, re.MULTILINE)


def test_a_name_that_there_is_not(binary):
    arguments = ("probe", "traceroute", "no-such-host.invalid", "--resolver=127.0.0.1:1")
    result = run(binary, *arguments)
    assert result.returncode == 1 and result.stdout == ""
    assert "no-such-host.invalid: failed: resolve: " in result.stderr
    result = run(binary, *arguments, "--report", "--json")
    found = json.loads(result.stdout)
    assert (result.returncode, found["success"], found["reason"], found["cycles"]) == (1, False, "resolve", 1)


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("--once", "--report"), "--once is one run"),
        (("--once", "--cycles=2"), "--once is one run"),
        (("--cycles=0",), "--cycles=0: a number from 1 to"),
        (("--cycles=-1",), "--cycles=-1: a number from 1 to"),
        (("--cycles=2x",), "--cycles=2x: a number from 1 to"),
        (("--attempts=0",), "--attempts=0: "),
    ],
)
def test_wrong_use(binary, arguments, said):
    result = run(binary, "probe", "traceroute", "127.0.0.1", *arguments)
    assert result.returncode == 2 and said in result.stderr and result.stdout == ""


def test_other_types_have_no_report(binary):
    result = run(binary, "probe", "ping", "127.0.0.1", "--report")
    assert result.returncode == 2 and "unknown option --report" in result.stderr


def test_help_names_the_flags(binary):
    result = run(binary, "probe", "traceroute", "--help")
    assert result.returncode == 0
    assert all(f"--{name}" in result.stdout for name in ("report", "cycles=NUMBER", "once", "flows=NUMBER"))

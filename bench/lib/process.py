"""Programs that run: start, pin to cores, CPU and memory by /proc, end."""

import os
import pathlib
import signal
import subprocess
import tempfile
import time

TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE_SECONDS = 60


class Broken(Exception):
    """Something that a measurement stands on does not work; the text says what and why."""


def wait_for(condition, what, patience=PATIENCE_SECONDS):
    """Asks until condition() is true, and returns what it said."""
    end = time.monotonic() + patience
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Broken(f"waited {patience} s in vain for {what}")
        time.sleep(0.05)


def clean_environment(**more):
    """The environment without options of netsonde: a benchmark measures the defaults, whatever the caller has set."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NETSONDE_")}
    return {**kept, **more}


def read_stat_seconds(path):
    """utime and stime of a /proc/.../stat, together. The name of the program may have blanks: count from its end."""
    fields = pathlib.Path(path).read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


class Program:
    """A program in the background. cores: where it may run; log: a file for what it says."""

    def __init__(self, command, log=None, cores=None, environment=None, prefix=()):
        self.command = [str(one) for one in command]
        self.log = log
        if log:
            pathlib.Path(log).write_bytes(b"")
        output = open(log, "ab") if log else subprocess.DEVNULL
        self.process = subprocess.Popen(
            [*prefix, *self.command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            env=clean_environment(**(environment or {})), preexec_fn=lambda: (os.setpgid(0, 0), pin(0, cores)),
        )
        if log:
            output.close()
        self.pid = self.process.pid

    def cpu_seconds(self):
        """User and system time of all its threads, those that ended too."""
        return read_stat_seconds(f"/proc/{self.pid}/stat")

    def thread_names(self):
        """{thread id: name}"""
        tasks = pathlib.Path(f"/proc/{self.pid}/task").iterdir()
        return {int(task.name): (task / "comm").read_text().strip() for task in tasks}

    def thread_cpu_seconds(self):
        """{name: seconds}, threads of the same name together. The scheduler's own count, in nanoseconds."""
        total = {}
        for thread, name in self.thread_names().items():
            spent = pathlib.Path(f"/proc/{self.pid}/task/{thread}/schedstat").read_text().split()[0]
            total[name] = total.get(name, 0) + int(spent) / 1e9
        return total

    def memory_bytes(self, what="VmRSS"):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(what + ":"):
                return int(line.split()[1]) * 1024
        return 0

    def reset_peak(self):
        """VmHWM begins anew at the present size."""
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def check_alive(self):
        if self.process.poll() is not None:
            raise Broken(f"{self.command[0]} ended with {self.process.returncode}: {self.said()[-2000:]}")

    def said(self):
        return pathlib.Path(self.log).read_text(errors="replace") if self.log else ""

    def stop(self, number=signal.SIGTERM):
        """Ends it, and the programs that it has started."""
        if self.process.poll() is None:
            os.killpg(self.pid, number)
        try:
            self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stop()


def pin(thread, cores):
    """Lets a thread (0: the caller) run on these cores only, as far as there are such cores."""
    wanted = set(cores or ()) & set(range(os.cpu_count()))
    if wanted:
        os.sched_setaffinity(thread, wanted)


class Finished:
    """What a program that ran to its end said and took."""

    def __init__(self, code, output, error, usage, wall_seconds):
        self.code, self.output, self.error, self.wall_seconds = code, output, error, wall_seconds
        self.cpu_seconds = usage.ru_utime + usage.ru_stime
        self.peak_bytes = usage.ru_maxrss * 1024


def finish(command, cores=None, may_fail=False, stop_after=None, environment=None):
    """Runs a program to its end; stop_after: seconds after which it is asked to end (SIGINT)."""
    begun = time.monotonic()
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as error:
        process = subprocess.Popen(
            [str(one) for one in command], stdin=subprocess.DEVNULL, stdout=output, stderr=error,
            env=clean_environment(**(environment or {})), preexec_fn=lambda: pin(0, cores),
        )
        if stop_after:
            wait_to_end(process, begun + stop_after)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        error.seek(0)
        done = Finished(process.returncode, output.read(), error.read(), usage, time.monotonic() - begun)
    if done.code != 0 and not may_fail:
        raise Broken(f"{command[0]} ended with {done.code}: {done.error[-2000:]}")
    return done


def wait_to_end(process, end):
    """Sends SIGINT at that time, unless the program has ended by itself; leaves it to be waited for."""
    while time.monotonic() < end:
        if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)


class Window:
    """CPU of a program between two moments: with Window(program) as w: ...; then w.cpu_seconds, w.wall_seconds."""

    def __init__(self, program):
        self.program = program

    def __enter__(self):
        self.threads_before = self.program.thread_cpu_seconds()
        self.cpu_before = self.program.cpu_seconds()
        self.begun = time.monotonic()
        return self

    def __exit__(self, *error):
        self.wall_seconds = time.monotonic() - self.begun
        self.cpu_seconds = self.program.cpu_seconds() - self.cpu_before
        self.threads = {
            name: seconds - self.threads_before.get(name, 0)
            for name, seconds in self.program.thread_cpu_seconds().items()
        }

    def thread_seconds(self, prefix):
        return sum(seconds for name, seconds in self.threads.items() if name.startswith(prefix))

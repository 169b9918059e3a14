"""Who may ping: root, a group of ping_group_range, a binary with CAP_NET_RAW - or nobody, and then it says what to do.
And what is left of that afterwards: nothing (/proc/PID/status), whoever started the daemon."""

import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

import pytest

from network import host, run, set_sysctl
from support import BINARY, Daemon, clean_environment, make_config, wait_for

# Root in name only: no capability, and none to be had by exec.
POWERLESS = ["setpriv", "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all",
             "--securebits=+noroot,+noroot_locked,+no_setuid_fixup,+no_setuid_fixup_locked"]


@pytest.fixture
def no_datagram():
    set_sysctl("net.ipv4.ping_group_range", "1 0")


def test_neither_kind_of_socket_is_allowed(no_datagram, start_daemon):
    daemon = start_daemon(make_config([("a", "127.0.0.1")]), prefix=POWERLESS, is_ready=False)
    assert daemon.process.wait(timeout=60) == 1, daemon.log
    assert "ping_group_range" in daemon.log and "cap_net_raw" in daemon.log.lower(), daemon.log
    assert "Sanitizer" not in daemon.log


def test_powerless_with_datagram_sockets(net, family, start_daemon):
    set_sysctl("net.ipv4.ping_group_range", f"{os.getgid()} {os.getgid()}")
    target = host(family, 1)
    net.play(f"{target} plan=.e error=host", "default")
    daemon = start_daemon(make_config([("a", target)], {
        "ping": {"type": "ping", "interval": 0.2, "timeout": 0.19, "count": 2, "spacing": 0.01, "ttl": 9, "dscp": 8,
                 "dont_fragment": True}}), prefix=POWERLESS)
    assert "datagram sockets" in daemon.log
    daemon.wait_runs("a", 3)
    daemon.stop()
    for line in daemon.lines("ping", target="a"):
        assert line.fields["success"] == 1 and line.fields["loss_ratio"] == 0.5
    assert net.seen(target)["last"]["hop_limit"] == 9
    set_sysctl("net.ipv4.ping_group_range", "1 0")


def test_only_the_capability_to_use_raw_sockets(net, no_datagram, family, start_daemon):
    """As with setcap cap_net_raw: one capability and nothing else."""
    target = host(family, 2)
    net.play()
    only_raw = ["setpriv", "--inh-caps=-all,+net_raw", "--ambient-caps=-all,+net_raw", "--bounding-set=-all,+net_raw",
                "--securebits=+noroot,+noroot_locked"]
    daemon = start_daemon(make_config([("a", target)]), prefix=only_raw)
    assert "raw sockets" in daemon.log
    assert daemon.wait_runs("a", 3).failures("a") == {}


def test_a_mark_needs_a_right(net, start_daemon):
    """Refused at start or failing as "local": but not silently sent without the mark."""
    set_sysctl("net.ipv4.ping_group_range", f"{os.getgid()} {os.getgid()}")
    target = host("ipv4", 3)
    net.play()
    daemon = start_daemon(
        make_config([{"name": "a", "address": target, "fwmark": 9}]), prefix=POWERLESS, is_ready=False)
    try:
        daemon.wait_ready()
    except AssertionError:
        assert daemon.process.wait(timeout=60) == 1 and "mark" in daemon.log.lower(), daemon.log
    else:
        assert set(daemon.wait_runs("a", 2).failures("a")) == {"local"}
    assert net.seen(target)["requests"] == 0
    set_sysctl("net.ipv4.ping_group_range", "1 0")


# --- what is left after the start ----------------------------------------------------------------------------------

FIELDS = ("Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")
SETS = ("CapInh", "CapPrm", "CapEff", "CapAmb")
NOBODY = pwd.getpwnam("nobody")
OTHERS = "no other users here: this is not the machine's root"


def read_status(path):
    rows = dict(line.split(":", 1) for line in pathlib.Path(path).read_text().splitlines())
    return {name: " ".join(rows[name].split()) for name in FIELDS}


def status(daemon):
    """What all threads of the daemon are; none may have more than another."""
    tasks = [read_status(path) for path in pathlib.Path(f"/proc/{daemon.process.pid}/task").glob("*/status")]
    assert len(tasks) >= 3 and all(task == tasks[0] for task in tasks), tasks
    return tasks[0]


def show(title, *columns):
    """For people who run this with -s: /proc/PID/status, before and after."""
    print(f"\n{title}")
    for name in FIELDS:
        print(f"  {name:12}" + "".join(f"{column[name]:40}" for column in columns))


def ids(number):
    return " ".join([str(number)] * 4)


def expect_powerless(found, bounds=0):
    assert {name: int(found[name], 16) for name in SETS} == {name: 0 for name in SETS}
    assert int(found["CapBnd"], 16) == bounds
    assert found["NoNewPrivs"] == "1"
    wanted = os.environ.get("NETSONDE_AGENT_SECCOMP", "off")
    assert found["Seccomp"] == ("0" if wanted == "off" else "2")


def is_machines_root():
    """Root who can become somebody else, and not only in a namespace of one user."""
    return os.getuid() == 0 and subprocess.run(
        ["setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups", "true"],
        capture_output=True).returncode == 0


@pytest.fixture
def place():
    """A folder that every user can reach, which those of pytest are not, with a copy of the daemon."""
    if not is_machines_root():
        pytest.skip(OTHERS)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="netsonde-rights-"))
    folder.chmod(0o755)
    shutil.copy(BINARY, folder / "netsonde")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def start_as(place, monkeypatch):
    """start_as(config, prefix, owner) -> a Daemon in a folder of that owner, with a copy of the binary."""
    monkeypatch.setattr("support.BINARY", place / "netsonde")
    daemons = []

    def start(config, prefix=(), owner=None, is_ready=True, **more):
        folder = place / f"daemon{len(daemons)}"
        folder.mkdir()
        if owner is not None:
            os.chown(folder, owner, -1)
        daemons.append(Daemon(folder, config, prefix=prefix, **more))
        return daemons[-1].wait_ready() if is_ready else daemons[-1]

    yield start
    for daemon in daemons:
        if daemon.process.poll() is None:
            daemon.stop()


def as_nobody(*more):
    return ["setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups", *more]


def nobodys(**agent):
    return make_config([("a", "127.0.0.1")], agent={"user": "nobody", "state_dir": "state", **agent})


def expect_end(daemon, *words):
    assert daemon.process.wait(timeout=60) == 1, daemon.log
    for word in words:
        assert word in daemon.log, daemon.log
    assert "Sanitizer" not in daemon.log


def test_root_keeps_nothing_but_its_name(start_daemon):
    before = read_status("/proc/self/status")
    assert int(before["CapEff"], 16) != 0
    daemon = start_daemon(make_config([("a", "127.0.0.1")]))
    assert daemon.wait_runs("a", 2).failures("a") == {}
    after = status(daemon)
    show("root: before, after", before, after)
    assert after["Uid"] == ids(0)
    expect_powerless(after)


@pytest.mark.parametrize("user, gid, groups", [
    ("nobody", NOBODY.pw_gid, [NOBODY.pw_gid]),
    (str(NOBODY.pw_uid), NOBODY.pw_gid, [NOBODY.pw_gid]),
    ("nobody:12", 12, [12]),
    ("65533:65532", 65532, [65532]),
], ids=["name", "number", "group", "unknown"])
def test_root_becomes_a_user(start_as, user, gid, groups):
    uid = int(user.split(":")[0]) if user[0].isdigit() else NOBODY.pw_uid
    set_sysctl("net.ipv4.ping_group_range", "1 0")
    daemon = start_as(nobodys(user=user), owner=uid, prefix=["setpriv", "--groups=0,4,27"])
    after = status(daemon)
    show(f'root with user = "{user}": before, after', read_status("/proc/self/status"), after)
    assert after["Uid"] == ids(uid) and after["Gid"] == ids(gid)
    assert [int(group) for group in after["Groups"].split()] == groups
    expect_powerless(after)
    # The sockets of before go on, and its own figures can still be read.
    assert "raw sockets" in daemon.log
    metrics = daemon.wait_runs("a", 2)
    assert metrics.failures("a") == {}
    assert metrics.get("netsonde_process_open_fds") > 5 and metrics.get("netsonde_process_resident_memory_bytes") > 1e6
    wait_for(lambda: (daemon.folder / "lines").exists(), "lines")
    assert (daemon.folder / "lines").stat().st_uid == uid
    # A reload works as that user, and cannot make it another.
    assert daemon.get("/-/reload", method="POST")[0] == 200
    config = daemon.folder / "netsonde.conf"
    config.write_text(config.read_text().replace(f'"{user}"', '"root"'))
    status_code, _, body = daemon.get("/-/reload", method="POST")
    assert status_code == 200 and b"agent.user" in body, body
    assert status(daemon)["Uid"] == ids(uid)


def test_a_user_with_the_capability_on_the_file(start_as, place):
    set_sysctl("net.ipv4.ping_group_range", "1 0")
    if subprocess.run(["setcap", "cap_net_raw+ep", place / "netsonde"], capture_output=True).returncode != 0:
        pytest.skip(OTHERS)
    daemon = start_as(make_config([("a", "127.0.0.1")]), as_nobody(), NOBODY.pw_uid)
    assert "raw sockets" in daemon.log
    assert daemon.wait_runs("a", 2).failures("a") == {}
    after = status(daemon)
    show("nobody, cap_net_raw on the file: after", after)
    assert after["Uid"] == ids(NOBODY.pw_uid)
    # Without CAP_SETPCAP the bounds stay; no_new_privs makes them meaningless.
    expect_powerless(after, int(read_status("/proc/self/status")["CapBnd"], 16))


def test_a_user_of_the_ping_group(start_as):
    set_sysctl("net.ipv4.ping_group_range", f"{NOBODY.pw_gid} {NOBODY.pw_gid}")
    daemon = start_as(make_config([("a", "127.0.0.1")]), as_nobody("--bounding-set=-all"), NOBODY.pw_uid)
    assert "datagram sockets" in daemon.log
    assert daemon.wait_runs("a", 2).failures("a") == {}
    after = status(daemon)
    show("nobody in ping_group_range: after", after)
    expect_powerless(after)
    set_sysctl("net.ipv4.ping_group_range", "1 0")


def test_the_ambient_capability_of_a_service_manager(start_as):
    """As deploy/netsonde.service: a user with CAP_NET_RAW and nothing else. agent.user may name the same user."""
    set_sysctl("net.ipv4.ping_group_range", "1 0")
    only = as_nobody("--inh-caps=-all,+net_raw", "--ambient-caps=-all,+net_raw", "--bounding-set=-all,+net_raw")
    daemon = start_as(nobodys(), only, NOBODY.pw_uid)
    assert "raw sockets" in daemon.log
    after = status(daemon)
    show("nobody with the ambient CAP_NET_RAW: after", after)
    expect_powerless(after, 1 << 13)


# What Docker leaves to root, without CAP_SETPCAP: chown, net_bind_service, net_raw, setgid, setuid.
CONTAINER = ["setpriv", "--bounding-set=-all,+chown,+net_bind_service,+net_raw,+setgid,+setuid"]
CONTAINER_BOUNDS = 1 << 0 | 1 << 6 | 1 << 7 | 1 << 10 | 1 << 13


@pytest.mark.parametrize("user", [None, "nobody"])
def test_root_of_a_container_that_cannot_change_its_bounds(start_as, user):
    config = nobodys(user=user) if user else make_config([("a", "127.0.0.1")])
    daemon = start_as(config, CONTAINER, NOBODY.pw_uid if user else None)
    assert daemon.wait_runs("a", 2).failures("a") == {}
    after = status(daemon)
    show(f"root of a container, user {user}: after", after)
    assert after["Uid"] == ids(NOBODY.pw_uid if user else 0)
    expect_powerless(after, CONTAINER_BOUNDS)


def test_root_of_a_container_cannot_read_what_the_user_keeps(start_as, place):
    """Without CAP_DAC_OVERRIDE: what was kept is read by the user then."""
    state = place / "kept"
    state.mkdir(mode=0o700)
    os.chown(state, NOBODY.pw_uid, -1)
    for _ in range(2):
        daemon = start_as(nobodys(state_dir=str(state)), CONTAINER, NOBODY.pw_uid)
        daemon.wait_runs("a", 2)
        assert status(daemon)["Uid"] == ids(NOBODY.pw_uid)
        daemon.stop()
        assert "level=error" not in daemon.log and (state / "availability").stat().st_size > 0


@pytest.mark.parametrize("missing", ["setuid", "setgid"])
def test_a_user_that_cannot_be_become(start_as, missing):
    daemon = start_as(nobodys(), ["setpriv", f"--bounding-set=-{missing}"], NOBODY.pw_uid, is_ready=False)
    expect_end(daemon, "agent.user: cannot become user 65534", "CAP_SETUID")


def test_somebody_else_cannot_become_the_user(start_as):
    set_sysctl("net.ipv4.ping_group_range", "0 65535")
    daemon = start_as(nobodys(user="daemon"), as_nobody(), NOBODY.pw_uid, is_ready=False)
    expect_end(daemon, "agent.user: cannot become user")
    set_sysctl("net.ipv4.ping_group_range", "1 0")


def test_an_unknown_user_is_an_error_of_the_configuration(tmp_path):
    file = tmp_path / "x.conf"
    file.write_text('agent: {\n  user = "nosuchuser";\n};\n')
    result = subprocess.run([BINARY, "check", file], env=clean_environment(), capture_output=True, text=True)
    assert result.returncode == 1
    assert f'{file}:2: agent.user: there is no user "nosuchuser" on this machine' in result.stderr


SERVER = [{"name": "main", "url": "http://127.0.0.1:1", "database": "d"}]


@pytest.mark.parametrize("prepare, words", [
    (lambda folder: None, ("may not make the folder state", "install -d -o 65534 -g")),
    (lambda folder: (folder / "state").mkdir(), ("may not write state", "chown -R 65534:")),
    (lambda folder: [(folder / "state/log").mkdir(parents=True), os.chown(folder / "state", NOBODY.pw_uid, -1)],
     ("may not write state/log", "chown -R 65534:")),
], ids=["missing", "state", "log"])
def test_a_user_that_may_not_write_the_disk_log_is_told_what_to_do(start_as, place, prepare, words):
    folder = place / "daemon0"
    folder.mkdir()
    prepare(folder)
    folder.rename(place / "ready")
    (place / "ready" / "netsonde.conf").write_text("")
    config = make_config([("a", "127.0.0.1")], agent={"user": "nobody", "state_dir": "state"}, influx=SERVER)
    daemon = Daemon(place / "ready", config)
    expect_end(daemon, *words)


def test_a_user_that_may_write_the_disk_log(start_as):
    config = make_config([("a", "127.0.0.1")], agent={"user": "nobody", "state_dir": "state"}, influx=SERVER)
    daemon = start_as(config, owner=NOBODY.pw_uid)
    wait_for(lambda: any((daemon.folder / "state" / "log").iterdir()), "the disk log")


@pytest.mark.parametrize("hidden", ["netsonde.conf", "token"])
def test_what_only_root_can_read_is_refused_at_the_start(start_as, place, hidden):
    """Not at the first reload, when nobody is looking."""
    folder = place / "hidden"
    folder.mkdir()
    os.chown(folder, NOBODY.pw_uid, -1)
    (folder / "token").write_text("t0k3n\n")
    (folder / "netsonde.conf").touch()
    (folder / hidden).chmod(0o600)
    output = {**SERVER[0], "token_file": "token"}
    config = make_config([("a", "127.0.0.1")], agent={"user": "nobody", "state_dir": "state"}, influx=[output])
    expect_end(Daemon(folder, config), "could not read the configuration again", f"{hidden}: ", "Permission denied")


# --- core files, and others of the same user -----------------------------------------------------------------------


def ending(process):
    """How it ended (waitid), when it has."""
    return wait_for(lambda: os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG), "the end")


def end_by_quit(daemon):
    """Did the daemon leave a core file?"""
    os.kill(daemon.process.pid, 3)
    ended = ending(daemon.process)
    daemon.process.wait()
    assert ended.si_status == 3
    return ended.si_code == os.CLD_DUMPED


@pytest.mark.parametrize("is_allowed", [False, True])
def test_core_files(start_as, is_allowed):
    """The kernel itself says whether it has written one. Where they go is a setting of the machine."""
    if is_allowed and pathlib.Path("/proc/sys/kernel/core_pattern").read_text().startswith("|"):
        pytest.skip("core files go to a program here")
    daemon = start_as(nobodys(core_files=is_allowed), ["prlimit", "--core=unlimited"], NOBODY.pw_uid,
                      environment={"ASAN_OPTIONS": "disable_coredump=0"})
    for name in ("environ", "maps"):
        look = subprocess.run(as_nobody("cat", f"/proc/{daemon.process.pid}/{name}"), capture_output=True)
        assert (look.returncode == 0) == is_allowed, f"{name}: {look.stderr}"
    assert end_by_quit(daemon) == is_allowed


def test_other_commands_leave_no_core_file_either(place):
    """netsonde probe reads the configuration too; here one that waits for an answer."""
    (place / "x.conf").write_text(make_config([("a", "127.0.0.1")]))
    process = subprocess.Popen(
        ["prlimit", "--core=unlimited", place / "netsonde", "probe", "ping", "127.0.0.1", "--config=x.conf", "--count=50",
         "--spacing=1", "--timeout=100", "--interval=200"], cwd=place, env=clean_environment(), stdout=subprocess.PIPE)
    assert process.stdout.readline()
    os.kill(process.pid, 3)
    ended = ending(process)
    process.communicate()
    assert (ended.si_status, ended.si_code) == (3, os.CLD_KILLED)


# --- the filter of system calls ------------------------------------------------------------------------------------

# A thread within the daemon that is there before the filter, and that does what an intruder would do.
INTRUDER = r"""
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct { const char *name; long number; long arguments[6]; } calls[] = {
	{"execve", SYS_execve, {(long)"/bin/true"}},
	{"mount", SYS_mount, {0}},
	{"unshare", SYS_unshare, {CLONE_NEWUSER}},
	{"setns", SYS_setns, {-1}},
	{"chroot", SYS_chroot, {(long)"/"}},
	{"bpf", SYS_bpf, {-1}},
	{"perf_event_open", SYS_perf_event_open, {0}},
	{"keyctl", SYS_keyctl, {0}},
	{"add_key", SYS_add_key, {0}},
	{"init_module", SYS_init_module, {0}},
	{"kexec_load", SYS_kexec_load, {0}},
	{"fchmodat", SYS_fchmodat, {AT_FDCWD, (long)"lines", 0777}},
	{"fchownat", SYS_fchownat, {AT_FDCWD, (long)"lines", 0, 0, 0}},
	{"linkat", SYS_linkat, {AT_FDCWD, (long)"lines", AT_FDCWD, (long)"more", 0}},
	{"symlinkat", SYS_symlinkat, {(long)"lines", AT_FDCWD, (long)"more"}},
	{"mknodat", SYS_mknodat, {AT_FDCWD, (long)"more", 0, 0}},
	{"setresuid", SYS_setresuid, {0, 0, 0}},
	{"capset", SYS_capset, {0}},
	{"process_vm_writev", SYS_process_vm_writev, {1}},
	{"timer_create", SYS_timer_create, {0, 0, (long)"01234567"}},
	{"userfaultfd", SYS_userfaultfd, {0}},
	{"io_uring_setup", SYS_io_uring_setup, {1, 0}},
	{"clock_settime", SYS_clock_settime, {0}},
	{"seccomp", SYS_seccomp, {-1}},
	{"ioctl", SYS_ioctl, {0, 0x5412, (long)"x"}}, /* TIOCSTI */
	{"socket", SYS_socket, {AF_PACKET, SOCK_RAW, 0}},
	{"socket", SYS_socket, {AF_VSOCK, SOCK_STREAM, 0}},
	{"socket", SYS_socket, {AF_ALG, SOCK_SEQPACKET, 0}},
	{"socket", SYS_socket, {AF_NETLINK, SOCK_RAW, 9}}, /* NETLINK_AUDIT */
	/* From here on the sanitizers' own needs make the list longer. */
	{"ptrace", SYS_ptrace, {0}},
	{"kill", SYS_kill, {1, 0}},
	{"tgkill", SYS_tgkill, {1, 1, 0}},
	{"clone", SYS_clone, {SIGCHLD}},
	{"clone", SYS_clone, {CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_NEWUSER}},
	{"prctl", SYS_prctl, {PR_SET_DUMPABLE, 1}},
	{"mmap", SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0}},
	{"mprotect", SYS_mprotect, {0, 4096, PROT_READ | PROT_EXEC}},
	{"prlimit64", SYS_prlimit64, {0, 4, (long)"                "}},
};

static void *try_all(void *arg)
{
	FILE *out = arg;
	const char *wanted = getenv("TEST_CALL"), *last = getenv("TEST_LAST");
	while (access(getenv("TEST_SWITCH"), F_OK) != 0)
		usleep(10000);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		const long *a = calls[i].arguments;
		if (last && strcmp(last, calls[i].name) == 0)
			break;
		if (wanted && strcmp(wanted, calls[i].name) != 0)
			continue;
		errno = 0;
		long result = syscall(calls[i].number, a[0], a[1], a[2], a[3], a[4], a[5]);
		fprintf(out, "%s %ld %d\n", calls[i].name, result, errno);
		fflush(out);
	}
	fputs("done\n", out);
	fclose(out);
	return NULL;
}

__attribute__((constructor)) static void begin(void)
{
	pthread_t thread;
	sigset_t all, before;
	if (!getenv("TEST_SWITCH"))
		return;
	sigfillset(&all);
	sigdelset(&all, SIGSYS);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_create(&thread, NULL, try_all, fopen("results", "w"));
	pthread_detach(thread);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}
"""
EPERM, EACCES = 1, 13


def is_sanitized():
    text = BINARY.read_bytes()
    return b"__asan_init" in text or b"__tsan_init" in text


@pytest.fixture(scope="session")
def intruder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("intruder")
    (folder / "intruder.c").write_text(INTRUDER)
    run("gcc", "-shared", "-fPIC", "-O1", "-o", str(folder / "intruder.so"), str(folder / "intruder.c"), "-lpthread")
    return folder / "intruder.so"


def start_intruded(start_daemon, intruder, mode, **more):
    if is_sanitized():
        more["TEST_LAST"] = "ptrace"
    return start_daemon(make_config([("a", "127.0.0.1")], agent={"seccomp": mode}), environment={
        "LD_PRELOAD": str(intruder), "TEST_SWITCH": "switch", "NETSONDE_AGENT_SECCOMP": mode,
        "ASAN_OPTIONS": "verify_asan_link_order=0", **more})


def results(daemon):
    text = (daemon.folder / "results").read_text()
    return text.splitlines()[:-1] if text.endswith("done\n") else None


def test_refused_calls_fail_and_the_log_says_so(start_daemon, intruder):
    daemon = start_intruded(start_daemon, intruder, "refuse")
    runs = daemon.wait_runs("a", 1).get("netsonde_probe_runs_total", target="a")
    (daemon.folder / "switch").touch()
    found = wait_for(lambda: results(daemon), "the intruder")
    assert len(found) == (29 if is_sanitized() else 38), found
    # PCRE2 asks for memory to write to and to execute, and does without: that one call fails quietly. (Sanitizers need it.)
    quiet = [] if is_sanitized() else [f"mmap -1 {EACCES}"]
    assert [row for row in found if not row.endswith(f" -1 {EPERM}")] == quiet
    for name in {row.split()[0] for row in found if row not in quiet}:
        assert f"level=error what=seccomp target={name} " in daemon.log, name
    assert daemon.log.count("what=seccomp") == len(found) - len(quiet)
    assert 'refused: it has failed with EPERM (agent.seccomp = \\"refuse\\")' in daemon.log
    assert daemon.wait_runs("a", runs + 3).failures("a") == {}


@pytest.mark.parametrize("call", ["execve", "mount", "socket", "bpf"])
def test_the_first_call_is_the_last(start_daemon, intruder, call):
    daemon = start_intruded(start_daemon, intruder, "kill", TEST_CALL=call)
    (daemon.folder / "switch").touch()
    assert daemon.process.wait(timeout=60) == -31, daemon.log  # SIGSYS
    assert f"level=error what=seccomp target={call} " in daemon.log
    assert (daemon.folder / "results").read_text() == ""


def test_logged_calls_go_on(start_daemon, intruder):
    daemon = start_intruded(start_daemon, intruder, "log", TEST_CALL="userfaultfd")
    (daemon.folder / "switch").touch()
    assert len(wait_for(lambda: results(daemon), "the intruder")) == 1
    assert "what=seccomp" not in daemon.log
    tasks = pathlib.Path(f"/proc/{daemon.process.pid}/task").glob("*/status")
    assert {read_status(path)["Seccomp"] for path in tasks} == {"2"}


@pytest.mark.parametrize("call", ["userfaultfd", "symlinkat", "seccomp"])
def test_without_the_filter_it_is_the_kernel_that_answers(start_daemon, intruder, call):
    """The intruder is one: what it tries is refused by the filter, and not for another reason."""
    daemon = start_intruded(start_daemon, intruder, "off", TEST_CALL=call)
    (daemon.folder / "switch").touch()
    found = wait_for(lambda: results(daemon), "the intruder")
    assert "what=seccomp" not in daemon.log
    assert len(found) == 1 and not found[0].endswith(f" {EPERM}"), found

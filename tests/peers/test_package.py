"""The package that CPack makes: what is in it, and what dpkg does with it on a machine, which is a copy of this one's files that
only the test sees (an overlay in the namespace of tests/peers)."""

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import yaml

from netsonde import KEPT_VARIABLES, PATIENCE_SECONDS, TOP, wait_until

CONFIG = "etc/netsonde/netsonde.conf"
# What the unit gives the daemon.
RIGHTS = ["setpriv", "--reuid=netsonde", "--regid=netsonde", "--init-groups", "--no-new-privs",
          "--inh-caps=-all,+net_raw", "--ambient-caps=-all,+net_raw", "--bounding-set=-all,+net_raw"]


def run(*command, **more):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True, **more).stdout


@pytest.fixture(scope="module")
def package(binary, tmp_path_factory):
    """As somebody makes it whose files are for nobody else."""
    folder = tmp_path_factory.mktemp("package")
    run("cpack", "-G", "DEB", "-B", folder, cwd=Path(binary).parent, umask=0o077)
    [path] = folder.glob("*.deb")
    return path


@pytest.fixture(scope="module")
def older(package, tmp_path_factory):
    """The same with a lower version and another configuration."""
    folder = tmp_path_factory.mktemp("older")
    run("dpkg-deb", "-R", package, folder / "files")
    control = folder / "files" / "DEBIAN" / "control"
    control.write_text(re.sub(r"(?m)^Version: .*", "Version: 0.0.1", control.read_text()))
    config = folder / "files" / CONFIG
    config.write_text("# older\n" + config.read_text())
    run("dpkg-deb", "--root-owner-group", "-Znone", "-b", folder / "files", folder / "older.deb")
    return folder / "older.deb"


# --- what is in it -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def unpacked(package, tmp_path_factory):
    folder = tmp_path_factory.mktemp("unpacked")
    run("dpkg-deb", "-R", package, folder)
    return folder


def fields(unpacked):
    return dict(re.findall(r"(?m)^([\w-]+): (.*(?:\n .*)*)", (unpacked / "DEBIAN" / "control").read_text()))


def test_owners_and_modes(package):
    modes = {}
    for line in run("dpkg-deb", "-c", package).splitlines():
        mode, owner, _, _, _, name = line.split(maxsplit=5)
        assert owner == "root/root", line
        modes[name] = mode
    assert modes.pop("./usr/bin/netsonde") == "-rwxr-xr-x"
    assert {mode for name, mode in modes.items() if name.endswith("/")} == {"drwxr-xr-x"}
    assert {mode for name, mode in modes.items() if not name.endswith("/")} == {"-rw-r--r--"}


def test_every_file_has_its_sum(unpacked):
    files = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}
    files = {name for name in files if not name.startswith("DEBIAN/")}
    sums = dict(line.split(maxsplit=1)[::-1] for line in (unpacked / "DEBIAN" / "md5sums").read_text().splitlines())
    assert set(sums) == files
    for name, value in sums.items():
        assert hashlib.md5((unpacked / name).read_bytes()).hexdigest() == value
    configurations = {f"/{name}" for name in files if name.startswith("etc/")}
    assert set((unpacked / "DEBIAN" / "conffiles").read_text().split()) == configurations == {f"/{CONFIG}"}


def test_documents_that_debian_demands(unpacked, binary):
    control, documents = fields(unpacked), unpacked / "usr/share/doc/netsonde"
    log = gzip.decompress((documents / "changelog.gz").read_bytes()).decode()
    assert log.startswith(f"netsonde ({control['Version']}) ") and f"\n -- {control['Maintainer']}  " in log
    assert run("dpkg-parsechangelog", "-l", "-", input=log)
    assert "Files: *\n" in (documents / "copyright").read_text()
    manual = gzip.decompress((unpacked / "usr/share/man/man1/netsonde.1.gz").read_bytes()).decode()
    commands = re.findall(r"(?m)^  ([a-z]+)  ", run(binary, "--help"))
    assert len(commands) > 5 and set(re.findall(r"\.TP\n\.B (\w+)\n", manual)) == set(commands)
    summary, *rest = control["Description"].split("\n")
    assert rest and len(summary) < 80
    # The unit names a page that is there.
    unit = (unpacked / "usr/lib/systemd/system/netsonde.service").read_text()
    assert (unpacked / re.search(r"Documentation=file:///(\S+)", unit)[1]).is_file()


def test_the_binary_says_nothing_of_where_it_was_made(unpacked, binary):
    data = (unpacked / "usr/bin/netsonde").read_bytes()
    assert os.fsencode(TOP) not in data and os.fsencode(Path(binary).parent) not in data
    sections = run("readelf", "-SdlW", unpacked / "usr/bin/netsonde")
    assert ".debug_info" not in sections and ".symtab" not in sections
    assert "RPATH" not in sections and "RUNPATH" not in sections
    assert "GNU_RELRO" in sections and re.search(r"FLAGS_1.*NOW.*PIE", sections)


def test_every_library_is_in_a_package_that_it_depends_on(unpacked):
    depends = {re.match(r"[\w.+-]+", one)[0] for one in fields(unpacked)["Depends"].split(", ")}
    libraries = re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", unpacked / "usr/bin/netsonde"))
    places = dict(re.findall(r"(\S+) => (\S+)", run("ldd", unpacked / "usr/bin/netsonde")))
    assert len(libraries) > 10
    # By the name of the file alone: dpkg may know it from before /lib became a part of /usr.
    files = {os.path.basename(os.path.realpath(places[library])) for library in libraries}
    owners = {}
    for line in run("dpkg-query", "-S", *(f"*/{name}" for name in files)).splitlines():
        packages, path = line.rsplit(": ", 1)
        if not packages.startswith("diversion "):
            owners.setdefault(os.path.basename(path), set()).update(name.split(":")[0] for name in packages.split(", "))
    assert set(owners) == files and all(names & depends for names in owners.values()), (owners, depends)
    assert depends <= {"passwd"}.union(*owners.values())


# --- a machine -----------------------------------------------------------------------------------------------------

# What dpkg and the programs for users keep for themselves, and what the test plays.
NOT_OURS = re.compile(r"(var/lib/dpkg|var/log|var/cache|dev|proc|run|tmp|played[^/]*)(/|$)|etc/(passwd|group|shadow|gshadow|subuid|subgid)-$|etc/\.pwd\.lock$")
USERS = ("etc/passwd", "etc/group", "etc/shadow", "etc/gshadow")


class Machine:
    """This machine's files under root; whatever is written goes to a folder of its own, in memory."""

    def __init__(self, folder):
        self.folder, self.root, self.written = folder, folder / "root", folder / "memory" / "written"
        (folder / "memory").mkdir()
        self.root.mkdir()
        run("mount", "-t", "tmpfs", "tmpfs", folder / "memory")
        self.written.mkdir()
        (folder / "memory" / "work").mkdir()
        options = f"lowerdir=/,upperdir={self.written},workdir={folder}/memory/work"
        result = subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, self.root], capture_output=True)
        # Root in a namespace of one user only has no other users, and the files of / are not root's then.
        if result.returncode or os.stat("/").st_uid != 0 or not (self.root / "var/lib/dpkg/status").exists():
            self.close()
            pytest.skip("no copy of this machine's files here: an overlay of / is not permitted, or has not all of it")
        run("mount", "--rbind", "/proc", self.root / "proc")
        for name in ("null", "random", "urandom"):
            (self.root / "dev" / name).touch()
            run("mount", "--bind", f"/dev/{name}", self.root / "dev" / name)
        # As if it had never had a netsonde, nor anything that a container has of its own.
        if self.status():
            self.dpkg("--purge", "netsonde")
        for name in ("run/systemd", "etc/netsonde", "var/lib/netsonde"):
            shutil.rmtree(self.root / name, ignore_errors=True)
        (self.root / "usr/sbin/policy-rc.d").unlink(missing_ok=True)

    def close(self):
        for path in (self.root, self.folder / "memory"):
            subprocess.run(["umount", "--recursive", "--lazy", path], capture_output=True)

    def command(self, *words):
        return ["chroot", str(self.root), *map(str, words)]

    def environment(self):
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive", **kept}

    def call(self, *words):
        return subprocess.run(self.command(*words), env=self.environment(), capture_output=True, text=True)

    def dpkg(self, *words):
        """What it said."""
        result = self.call("dpkg", "--no-triggers", "--force-unsafe-io", "--force-confdef", "--force-confold", *words)
        said = result.stdout + result.stderr
        assert result.returncode == 0, said
        assert not re.search(r"warning|error|fail|not found|cannot", said, re.I), said
        return said

    def install(self, package):
        shutil.copy(package, self.root / "tmp" / "netsonde.deb")
        return self.dpkg("--install", "/tmp/netsonde.deb")

    def status(self):
        return self.call("dpkg-query", "-W", "-f=${db:Status-Status}", "netsonde").stdout

    def owned(self, name):
        """Owner, group and mode."""
        return self.call("stat", "-c", "%U:%G %a", f"/{name}").stdout.strip()

    def play(self, name, script):
        """A program of the test's in the place of another; it finds what it was asked in the file played."""
        path = self.root / name
        path.unlink(missing_ok=True)
        path.write_text(f'#!/bin/sh\necho "${{0##*/}} $*" >>/played\n{script}\n')
        path.chmod(0o755)

    def played(self):
        """What was asked of such programs since the last time."""
        path = self.root / "played"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def play_systemctl(self, is_running):
        """systemd as far as a package's scripts see it: a folder, and systemctl, which really makes and removes links."""
        if is_running:
            (self.root / "run/systemd/system").mkdir(parents=True)
        shutil.copy(self.root / "usr/bin/systemctl", self.root / "played-systemctl")
        self.play("usr/bin/systemctl", 'case "$*" in *preset*|*is-enabled*) SYSTEMD_OFFLINE=1 exec /played-systemctl "$@";; '
                  "*is-active*) exit 3;; esac")

    def changes(self):
        """Every path that is new or other than on the machine below, but for NOT_OURS."""
        found = {}
        for path in sorted(self.written.rglob("*")):
            name = str(path.relative_to(self.written))
            if NOT_OURS.match(name):
                continue
            below = Path("/", name)
            if path.is_char_device():
                found[name] = "gone"
            elif not os.path.lexists(below):
                found[name] = "new"
            elif path.is_file() and not path.is_symlink() and path.read_bytes() != below.read_bytes():
                found[name] = path.read_bytes()
        return found


@pytest.fixture
def machine(tmp_path):
    one = Machine(tmp_path)
    yield one
    one.close()


def started(lines):
    """What systemd was asked to do with the unit."""
    return [line.split()[-2] for line in lines if re.match(r"systemctl .*(start|stop|restart) netsonde\.service$", line)]


def check_daemon(machine, command=(*RIGHTS, "netsonde", "run", "--config", f"/{CONFIG}"),
                 health=(*RIGHTS, "netsonde", "healthcheck"), address="127.0.0.1"):
    """It runs with the configuration as it is, as its user, and its page has what it was told to measure."""
    assert machine.call(*RIGHTS, "netsonde", "check").returncode == 0
    daemon = subprocess.Popen(machine.command(*command), env=machine.environment(), stderr=subprocess.PIPE, text=True)

    def page():
        assert daemon.poll() is None, daemon.stderr.read()
        try:
            with urllib.request.urlopen(f"http://{address}:9975/metrics", timeout=PATIENCE_SECONDS) as reply:
                return reply.read().decode()
        except urllib.error.URLError:
            return ""

    try:
        wait_until(lambda: re.search(r'(?m)^netsonde_ping_received_total\{.*target="localhost".*\} [1-9]', page()), "a reply")
        assert machine.call(*health).returncode == 0
        status = Path("/proc", str(daemon.pid), "status").read_text()
        user = machine.call("id", "-u", "netsonde").stdout.strip()
        assert re.search(r"(?m)^Uid:((?:\s\d+){4})$", status)[1].split() == [user] * 4
        assert re.findall(r"(?m)^Cap(?:Inh|Prm|Eff|Amb):\s*(\w+)$", status) == ["0" * 16] * 4
    finally:
        daemon.terminate()
        _, log = daemon.communicate(timeout=PATIENCE_SECONDS)
    assert daemon.returncode == 0 and "level=error" not in log, log
    assert machine.call(*health).returncode == 1


@pytest.mark.parametrize("has_systemd", (True, False), ids=("systemd", "no-systemd"))
def test_a_life(machine, package, older, has_systemd):
    """Installed, upgraded, removed, installed again, purged; on a machine with systemd's tools and on one without."""
    if not has_systemd:
        for name in ("systemctl", "systemd-sysusers", "systemd-tmpfiles"):
            (machine.root / "usr/bin" / name).unlink(missing_ok=True)
    before = machine.changes()
    config = machine.root / CONFIG

    machine.install(older)
    assert machine.call("getent", "passwd", "netsonde").stdout.split(":")[4:] == \
        ["netsonde network probe", "/var/lib/netsonde", "/usr/sbin/nologin\n"]
    assert machine.call("id", "-Gn", "netsonde").stdout == "netsonde\n"
    for name, owned in (("etc/netsonde", "root:netsonde 750"), ("etc/netsonde/targets.d", "root:netsonde 750"),
                        ("var/lib/netsonde", "netsonde:netsonde 750"), (CONFIG, "root:netsonde 640"),
                        ("usr/bin/netsonde", "root:root 755")):
        assert machine.owned(name) == owned, name
    assert "security.capability" not in os.listxattr(machine.root / "usr/bin/netsonde")
    check_daemon(machine)

    # Nobody changed the configuration: the new one comes, as protected as the old one was.
    machine.install(package)
    assert config.read_bytes() == (TOP / "deploy/debian/netsonde.conf").read_bytes()
    assert machine.owned(CONFIG) == "root:netsonde 640"
    check_daemon(machine)

    state = machine.root / "var/lib/netsonde/state"
    state.write_text("kept")
    machine.dpkg("--remove", "netsonde")
    assert machine.status() == "config-files"
    assert not (machine.root / "usr/bin/netsonde").exists() and not (machine.root / "usr/share/doc/netsonde").exists()
    assert config.exists() and state.read_text() == "kept" and machine.call("id", "netsonde").returncode == 0
    machine.install(package)
    assert state.read_text() == "kept"

    machine.dpkg("--purge", "netsonde")
    assert machine.status() == ""
    after = machine.changes()
    assert after == before, {name for name in after if after[name] != before.get(name)}
    for name in USERS:
        assert "netsonde" not in (machine.root / name).read_text()


def test_an_upgrade_keeps_what_the_administrator_made(machine, package, older):
    machine.install(older)
    config, ours = machine.root / CONFIG, (TOP / "deploy/debian/netsonde.conf").read_bytes()
    config.write_text("# mine\n")
    machine.call("chown", "netsonde:root", f"/{CONFIG}")
    config.chmod(0o600)
    machine.install(package)
    assert config.read_text() == "# mine\n" and machine.owned(CONFIG) == "netsonde:root 600"
    assert config.with_name("netsonde.conf.dpkg-dist").read_bytes() == ours
    # One that was deleted stays so.
    config.unlink()
    machine.install(package)
    assert not config.exists()
    machine.dpkg("--purge", "netsonde")
    assert not config.parent.exists()


def test_systemd_starts_it(machine, package, older):
    """As the administrator of the machine has it."""
    machine.play_systemctl(is_running=True)
    link = machine.root / "etc/systemd/system/multi-user.target.wants/netsonde.service"
    machine.install(older)
    assert link.is_symlink() and started(machine.played()) == ["start"]
    machine.install(package)
    assert started(machine.played()) == ["restart"]
    link.unlink()
    machine.install(package)
    assert not link.is_symlink() and started(machine.played()) == []
    machine.dpkg("--remove", "netsonde")
    assert started(machine.played()) == ["stop"]
    machine.dpkg("--purge", "netsonde")


def test_what_policy_rc_forbids_is_not_started(machine, package):
    machine.play_systemctl(is_running=True)
    machine.play("usr/sbin/policy-rc.d", "exit 101")
    machine.install(package)
    lines = machine.played()
    assert "policy-rc.d netsonde.service start" in lines and started(lines) == []
    machine.dpkg("--purge", "netsonde")
    assert started(machine.played()) == []


def test_without_a_running_systemd_nothing_is_asked_of_it(machine, package):
    """As in an image or a chroot; the next boot starts it."""
    machine.play_systemctl(is_running=False)
    machine.install(package)
    assert all("preset" in line for line in machine.played())
    assert (machine.root / "etc/systemd/system/multi-user.target.wants/netsonde.service").is_symlink()
    machine.dpkg("--purge", "netsonde")
    assert machine.played() == []


# --- a container ---------------------------------------------------------------------------------------------------


def stages():
    """The instructions of deploy/Dockerfile: of each stage (name, what follows)."""
    text = re.sub(r"(?m)^\s*#.*\n", "", (TOP / "deploy" / "Dockerfile").read_text()).replace("\\\n", " ")
    found = []
    for name, rest in re.findall(r"(?m)^([A-Z]+) +(.*)$", text):
        if name == "FROM":
            found.append([])
        found[-1].append((name, re.sub(r" +", " ", rest)))
    return found


def patterns(name):
    lines = (line.strip() for line in (TOP / name).read_text().splitlines())
    return {line.removeprefix("**/").strip("/") for line in lines if line and not line.startswith("#")}


def test_a_build_gets_what_it_copies():
    """All that is a source, and nothing else."""
    assert patterns(".dockerignore") == patterns(".gitignore") | {".git"}
    copied = [word for stage in stages() for name, rest in stage if name == "COPY" for word in rest.split()[:-1]]
    assert "." in copied and all((TOP / word).exists() for word in copied)


def test_packages_of_the_image_exist():
    build, final = ([rest for name, rest in stage if name == "RUN"] for stage in stages())
    names = []
    for step in build:
        for words in re.findall(r"bash -c '(.*?)'", step):
            names += run("bash", "-c", words.replace("install_missing", "printf '%s\\n'"), cwd=TOP).splitlines()
    for words in re.findall(r"apt-get install ([^&]*)", " ".join(final)):
        names += [word for word in words.split() if word[0] not in "-/"]
    assert {"gcc", "cmake", "dpkg-dev", "ca-certificates"} <= set(names)
    known = run("apt-cache", "policy", *(name.split("|")[0] for name in names))
    assert len(re.findall(r"Candidate: \d", known)) == len(names), known


def test_a_container(machine, package):
    """The last stage after its packages; started by root with the capabilities that docker-compose.yml leaves it."""
    machine.install(package)
    last = stages()[-1]
    steps = [step.strip() for name, rest in last if name == "RUN" for step in rest.split("&&")]
    for step in steps:
        if not re.match(r"--mount|apt-get|rm ", step):
            assert machine.call("sh", "-c", step).returncode == 0, step
    words = {name: rest for name, rest in last}
    start = json.loads(words["ENTRYPOINT"]) + json.loads(words["CMD"])
    health = json.loads(re.search(r"CMD (\[.*)", words["HEALTHCHECK"])[1])
    services = yaml.safe_load((TOP / "docker-compose.yml").read_text())["services"]
    assert services["netsonde"]["cap_drop"] == ["ALL"] and "USER" not in words
    bounds = ",".join(["-all"] + [f"+{name.lower()}" for name in services["netsonde"]["cap_add"]])
    rights = ["setpriv", "--no-new-privs", f"--bounding-set={bounds}", "--inh-caps=-all"]
    check_daemon(machine, [*rights, *start], [*rights, *health], address="127.0.0.2")
    assert machine.owned(words["VOLUME"].lstrip("/")) == "netsonde:netsonde 750"
    assert words["STOPSIGNAL"] == "SIGTERM"

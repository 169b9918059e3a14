"""Places: labels, tags and distances of targets, and databases that are exchanged while the daemon runs."""

import json
import pathlib
import resource
import signal
import subprocess

from support import BINARY, TOP, clean_environment, make_config, to_libconfig, wait_for

WRITE = TOP / "tests" / "mmdb" / "write.pl"
PING = {"ping": {"type": "ping", "interval": 0.2, "timeout": 0.19}}


def city(country, name, latitude, longitude, radius=10):
    return {
        "continent": {"code": "XX"},
        "country": {"iso_code": country, "names": {"en": country + "-land"}},
        "city": {"names": {"en": name}},
        "location": {"latitude": latitude, "longitude": longitude, "accuracy_radius": radius, "time_zone": "Etc/UTC"},
    }


SINGAPORE = [["127.0.1.0/24", city("SG", "Singapore", 1.3521, 103.8198)]]
NEARBY = [["127.0.1.0/24", city("DE", "Offenbach", 50.1, 8.76)]]
NUMBERS = [["127.0.0.0/8", {"autonomous_system_number": 64496, "autonomous_system_organization": 'A "quoted" name'}]]


def put(folder, name, networks):
    """As other programs put a new database in the place of the one before."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / (name + ".new")
    subprocess.run([str(WRITE), str(new), "Test-" + name], input=json.dumps(networks).encode(), check=True)
    new.rename(folder / name)


def config(targets, geo, agent=None):
    agent = {"latitude": 50.1109, "longitude": 8.6821, **(agent or {})}
    return make_config(targets, PING, agent=agent) + f"geo: {to_libconfig(geo)};\n"


def info(metrics, target):
    rows = metrics.all("netsonde_target_info", target=target)
    assert len(rows) <= 1
    return dict(next(iter(rows), {}))


def geo(metrics, measure, target):
    return metrics.get("netsonde_geo_" + measure, target=target)


def database(metrics, measure, folder, name):
    return metrics.get("netsonde_geo_database_" + measure, file=str(pathlib.Path(folder) / name))


def test_databases_while_the_daemon_runs(start_daemon, tmp_path):
    put(tmp_path, "city", SINGAPORE)
    put(tmp_path, "asn", NUMBERS)
    targets = [
        ("far", "127.0.1.1"),
        {"name": "own", "address": "127.0.1.2", "labels": {"country": "mine"}},
        ("site", "127.0.2.1"),
    ]
    settings = {
        "databases": [str(tmp_path / "city"), str(tmp_path / "asn")],
        "check_interval": 0.1,
        "tags": ["country", "asn", "site"],
        "overrides": [{"networks": ["127.0.2.0/24"], "site": "hall-7", "latitude": 50.2, "longitude": 8.7}],
    }
    daemon = start_daemon(config(targets, settings))
    metrics = daemon.wait_metrics(lambda m: all(info(m, name) for name in ("far", "own", "site")), "all targets")

    far = info(metrics, "far")
    assert (far["country"], far["city"], far["continent"], far["time_zone"]) == ("SG", "Singapore", "XX", "Etc/UTC")
    assert (far["asn"], far["as_org"], far["geohash"]) == ("64496", r"A \"quoted\" name", "w21zd")
    assert (far["latitude"], far["longitude"], far["scope"]) == ("1.3521", "103.8198", "loopback")
    assert "region" not in far and "isp" not in far and "site" not in far
    # What the target says of itself wins.
    assert info(metrics, "own")["country"] == "mine" and info(metrics, "own")["city"] == "Singapore"
    site = info(metrics, "site")
    assert site["site"] == "hall-7" and site["asn"] == "64496" and "country" not in site

    # geo.md 5.5; the answer of this machine beats light by far.
    assert abs(geo(metrics, "distance_meters", "far") - 10261274.079) < 0.01
    assert abs(geo(metrics, "light_floor_seconds", "far") - 0.1004932) < 1e-7
    assert geo(metrics, "implausible", "far") == 1 and geo(metrics, "inflation_ratio", "far") < 1
    # Below 100 km there is no inflation.
    assert geo(metrics, "inflation_ratio", "site") is None and 5e3 < geo(metrics, "distance_meters", "site") < 15e3

    line = wait_for(lambda: daemon.lines("ping", target="far"), "lines")[0]
    assert line.tags["country"] == "SG" and line.tags["asn"] == "64496" and "continent" not in line.tags
    line = wait_for(lambda: daemon.lines("geo", target="far"), "a line of the place")[0]
    assert (line.fields["latitude"], line.fields["longitude"], line.fields["implausible"]) == (1.3521, 103.8198, 1)
    assert wait_for(lambda: daemon.lines("ping", target="own"), "lines")[0].tags["country"] == "mine"
    assert wait_for(lambda: daemon.lines("ping", target="site"), "lines")[0].tags["site"] == "hall-7"

    # A new file comes into force, without a gap in what is measured.
    put(tmp_path, "city", NEARBY)
    metrics = daemon.wait_metrics(lambda m: info(m, "far")["country"] == "DE", "the new database")
    assert geo(metrics, "distance_meters", "far") < 10e3
    assert database(metrics, "accepted_total", tmp_path, "city") == 1
    assert database(metrics, "build_timestamp_seconds", tmp_path, "city") > 1.7e9

    # Bad ones do not, whether they come by renaming or are written over the file in use.
    (tmp_path / "bad").write_bytes(b"no database")
    (tmp_path / "bad").rename(tmp_path / "city")
    metrics = daemon.wait_metrics(lambda m: database(m, "refused_total", tmp_path, "city") == 1, "the refusal")
    assert database(metrics, "last_reload_successful", tmp_path, "city") == 0
    assert database(metrics, "loaded", tmp_path, "city") == 1 and info(metrics, "far")["country"] == "DE"
    assert "refused: is no MaxMind database" in daemon.log and "the database before stays in force" in daemon.log
    (tmp_path / "asn").write_bytes(b"\xff" * 300)
    daemon.wait_metrics(lambda m: database(m, "refused_total", tmp_path, "asn") == 1, "the other refusal")
    runs = metrics.get("netsonde_probe_runs_total", target="far")
    metrics = daemon.wait_runs("far", runs + 3)
    assert info(metrics, "far")["country"] == "DE" and info(metrics, "far")["asn"] == "64496"
    assert metrics.get("netsonde_probe_skipped_total", target="far") == 0
    put(tmp_path, "city", SINGAPORE)
    metrics = daemon.wait_metrics(lambda m: info(m, "far")["country"] == "SG", "the good database")
    assert database(metrics, "last_reload_successful", tmp_path, "city") == 1

    # Databases are kept in memory that counts as a file: where none may grow, the one before stays, and the daemon.
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    put(tmp_path, "city", NEARBY)
    metrics = daemon.wait_metrics(lambda m: database(m, "refused_total", tmp_path, "city") == 2, "the refusal")
    assert info(metrics, "far")["country"] == "SG"
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def test_reload(start_daemon, tmp_path):
    put(tmp_path, "city", SINGAPORE)
    targets = [("far", "127.0.1.1")]

    def reload(daemon, text):
        (daemon.folder / "netsonde.conf").write_text(text)
        daemon.process.send_signal(signal.SIGHUP)

    daemon = start_daemon(make_config(targets, PING))
    metrics = daemon.wait_runs("far", 1)
    assert set(info(metrics, "far")) == {"target", "probe", "address"} and "netsonde_geo_" not in metrics.text
    with_city = config(targets, {"databases": [str(tmp_path / "city")]})
    reload(daemon, with_city)
    metrics = daemon.wait_metrics(lambda m: "city" in info(m, "far"), "the city")
    assert metrics.get("netsonde_config_restart_needed") == 0
    # A database that never was there refuses the whole configuration.
    reload(daemon, config(targets, {"databases": [str(tmp_path / "none")]}))
    metrics = daemon.wait_metrics(lambda m: m.get("netsonde_config_refused_total") == 1, "the refusal")
    assert "geo.databases: " in daemon.log and "cannot be opened: No such file or directory" in daemon.log
    # An override by target comes before everything else; the agent moves.
    override = {"targets": ["far"], "city": "Elsewhere", "latitude": -33.9, "longitude": 151.2}
    settings = {"databases": [str(tmp_path / "city")], "overrides": [override]}
    reload(daemon, config(targets, settings, {"latitude": -33.9, "longitude": 151.2}))
    metrics = daemon.wait_metrics(
        lambda m: info(m, "far").get("city") == "Elsewhere" and geo(m, "distance_meters", "far") == 0, "the override")
    assert info(metrics, "far")["country"] == "SG"
    reload(daemon, make_config(targets, PING))
    metrics = daemon.wait_metrics(lambda m: "city" not in info(m, "far"), "no places")
    assert "netsonde_geo_d" not in metrics.text


def run(command, *arguments):
    done = subprocess.run([str(BINARY), command, *map(str, arguments)], capture_output=True, text=True, timeout=60,
                          env=clean_environment())
    return done.returncode, done.stdout, done.stderr


def test_command(tmp_path):
    put(tmp_path, "city", SINGAPORE)
    put(tmp_path, "asn", NUMBERS)
    files = f"{tmp_path / 'city'},{tmp_path / 'asn'}"
    code, out, error = run("geo", "127.0.1.1", "--database", files)
    assert (code, error) == (0, "") and "  city             Singapore\n" in out and "distance" not in out
    (tmp_path / "x.conf").write_text(config([("a", "127.0.0.1")], {"databases": ["city", "asn"]}))
    code, out, error = run("geo", "127.0.1.1", "::1", "--json", "--config", tmp_path / "x.conf")
    known, unknown = map(json.loads, out.splitlines())
    assert (code, error) == (1, "")
    assert known["city"] == "Singapore" and known["asn"] == 64496
    assert abs(known["distance_meters"] - 10261274.079) < 0.01
    assert known["accuracy_radius_meters"] == 10000 and known["as_org"] == 'A "quoted" name'
    assert unknown == {"address": "::1", "scope": "loopback"}
    assert run("geo", "nowhere", "--database", files)[0] == 2
    code, out, error = run("geo", "::1", "--database", tmp_path / "none")
    assert code == 1 and "cannot be opened" in error
    code, _, error = run("check", tmp_path / "x.conf")
    assert code == 0, error
    (tmp_path / "asn").write_bytes(b"")
    code, _, error = run("check", tmp_path / "x.conf")
    assert code == 1 and "is empty" in error

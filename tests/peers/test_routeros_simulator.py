"""The router for tests is honest: clients of others read from it, and it says byte for byte what the notes on the protocol say."""

import hashlib
import json
import re
import ssl
import subprocess
import sys

import pytest

import certificates
from routeros import query, wire
from routeros.simulator import Simulator
from routeros_talker import Talker, row_of, wait_for

MODERN, OLD = "7.18", "6.42"


@pytest.fixture(scope="module")
def started():
    routers = {}
    yield lambda profile: routers.setdefault(profile, None) or routers.__setitem__(profile,
                                                                                   Simulator(profile=profile,
                                                                                             tls_port=0, pace=0.02)) or routers[profile]
    for one in routers.values():
        one.stop()


@pytest.fixture
def take(started):
    """A router of a profile, as new."""
    taken = []

    def take(profile=MODERN):
        router = started(profile)
        router.forget()
        taken.append(router)
        return router
    yield take
    for router in taken:
        router.clear()


@pytest.fixture
def router(take):
    return take()


# --- bytes ---------------------------------------------------------------------------------------------------------

LENGTHS = [
    (0, "00"), (1, "01"), (0x7F, "7f"), (0x80, "80 80"), (0x3FFF, "bf ff"), (0x4000, "c0 40 00"),
    (0x1FFFFF, "df ff ff"), (0x200000, "e0 20 00 00"),
    (0xFFFFFFF, "ef ff ff ff"), (0x10000000, "f0 10 00 00 00"), (0xFFFFFFFF, "f0 ff ff ff ff"),
]


@pytest.mark.parametrize("length, text", LENGTHS)
def test_lengths(length, text):
    assert wire.encode_length(length).hex(" ") == text
    assert wire.read_length(wire.encode_length(length), 0) == (length, len(wire.encode_length(length)))
    assert wire.read_length(wire.encode_length(length)[:-1] or b"\x80", 0) is None


@pytest.mark.parametrize("first", range(0xF1, 0x100))
def test_control_bytes_are_refused(first):
    with pytest.raises(wire.Broken):
        wire.Reader().feed(bytes([first]))


def test_sentences_cut_anywhere():
    words = [[b"/login"], [b"x" * 127, b"y" * 128], [b"z" * 16384, b".tag="], [b"a" * 70000]]
    stream = b"\x00".join(wire.encode_sentence(*one) for one in words)
    for size in (1, 2, 3, 127, 4096, 16383, len(stream)):
        reader, found = wire.Reader(), []
        for at in range(0, len(stream), size):
            found += reader.feed(stream[at:at + size])
        assert found == words


def exchange(port, said, expected):
    """Writes and reads bytes as they stand here."""
    with Talker(port, name=None) as talker:
        talker.write_bytes(said)
        assert talker.read_exactly(len(expected)) == expected
        return talker


LOGIN = b"\x06/login\x0e=name=netsonde\x10=password=secret\x00"


def test_transcript_of_a_login(router):
    exchange(router.port, LOGIN, b"\x05!done\x00")
    exchange(router.port, b"\x00\x00" + LOGIN, b"\x05!done\x00")
    exchange(router.port, b"\x06/login\x0e=name=netsonde\x0f=password=wrong\x07.tag=ab\x00",
             b"\x05!trap\x07.tag=ab\x2a=message=invalid user name or password (6)\x00\x05!done\x07.tag=ab\x00")


@pytest.mark.parametrize("form", range(1, 6))
def test_every_form_of_a_length_is_read(router, form):
    said = b"".join(wire.encode_length_as(len(word), form) + word for word in (b"/system/identity/print", b".tag=7"))
    exchange(router.port, LOGIN + said + b"\x00",
             b"\x05!done\x00\x03!re\x06.tag=7\x09=name=gw1\x00\x05!done\x06.tag=7\x00")


def test_transcript_of_an_empty_answer(take):
    said = LOGIN + b"\x1b/ipv6/firewall/filter/print\x0b?chain=none\x00"
    exchange(take("7.18").port, said, b"\x05!done\x00\x06!empty\x00\x05!done\x00")
    exchange(take("7.16").port, said, b"\x05!done\x00\x05!done\x00")


def test_transcript_of_quit_and_of_commands_before_login(router):
    exchange(router.port, LOGIN + b"\x05/quit\x07.tag=ab\x00",
             b"\x05!done\x00\x06!fatal\x1dsession terminated on request\x00")
    exchange(router.port, b"\x06/cance\x00", b"\x06!fatal\x0dnot logged in\x00")
    with Talker(router.port) as talker:
        assert talker.ask("/quit", ".tag=1") == [["!fatal", "session terminated on request"]]
        assert talker.read() is None


def test_a_sentence_without_its_end_waits_for_ever(router):
    with Talker(router.port) as talker:
        talker.write_bytes(b"\x16/system/identity/print")
        assert talker.is_silent()
        talker.write_bytes(b"\x00")
        assert talker.read_answer() == [["!re", "=name=gw1"], ["!done"]]


def test_a_control_byte_ends_the_connection(router):
    with Talker(router.port) as talker:
        talker.write_bytes(b"\xf8")
        assert talker.read() is None
    assert router.seen()["broken_streams"] == 1


# --- login ---------------------------------------------------------------------------------------------------------


def respond(talker, password=b"secret"):
    [[done, ret]] = talker.ask("/login")
    assert done == "!done" and re.fullmatch("=ret=[0-9a-f]{32}", ret)
    response = hashlib.md5(b"\x00" + password + bytes.fromhex(ret[5:])).hexdigest()
    return talker.ask("/login", "=name=netsonde", f"=response=00{response}")


REFUSED = [["!trap", "=message=invalid user name or password (6)"], ["!done"]]
LOGINS = [("6.42", "challenge"), ("6.43", "both"), ("6.45", "password"), ("7.1", "password"), ("7.18", "password")]


@pytest.mark.parametrize("profile, takes", LOGINS)
def test_login_forms(take, profile, takes):
    port = take(profile).port
    with Talker(port, name=None) as talker:
        assert respond(talker) == (REFUSED if takes == "password" else [["!done"]])
    with Talker(port, name=None) as talker:
        answer = talker.ask("/login", "=name=netsonde", "=password=secret")
        assert [sentence[0] for sentence in answer] == ["!done"]
        assert len(answer[0]) == (2 if takes == "challenge" else 1), "an old router gives a challenge to this as well"
    if takes != "password":
        with Talker(port, name=None) as talker:
            assert respond(talker, b"wrong") == [["!trap", "=message=cannot log in"], ["!done"]]


def test_too_much_before_login(router):
    with Talker(router.port, name=None) as talker:
        for _ in range(8):
            assert talker.ask("/login", "=name=netsonde", "=password=guess") == REFUSED
        assert talker.ask("/login", "=name=netsonde", "=password=guess")[0][0] == "!fatal"
    seen = router.seen()
    assert (seen["logins"], seen["logins_refused"]) == (0, 8)


# --- clients of others ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile, form", [("6.42", "token"), ("6.43", "token"), ("6.43", "plain"), ("6.49", "plain"),
                                           ("7.16", "plain"), ("7.18", "plain")])
def test_librouteros_reads(take, profile, form):
    librouteros = pytest.importorskip("librouteros", reason="python3-librouteros is not installed")
    import librouteros.login
    router = take(profile)
    login = getattr(librouteros.login, form)
    with pytest.raises(librouteros.exceptions.TrapError):
        librouteros.connect("127.0.0.1", "netsonde", "wrong", port=router.port, login_method=login)
    api = librouteros.connect("127.0.0.1", "netsonde", "secret", port=router.port, login_method=login,
                              encoding="latin-1")
    assert [row["name"] for row in api("/system/identity/print")] == ["gw1"]
    [resource] = api.path("/system/resource")
    assert resource["version"].startswith(profile)
    interfaces = {row["name"]: row for row in api.path("/interface")}
    assert interfaces["ether2"]["comment"] == "B\xfcro" and interfaces["ether4"]["comment"] == "a=b, c=d"
    bridges = list(api.rawCmd("/interface/print", "?type=bridge", "?type=vlan", "?#|", "=.proplist=name"))
    assert bridges == [{"name": "bridge"}, {"name": "vlan10"}]
    [done] = api.rawCmd("/ip/route/print", "=count-only=")
    assert done == {"ret": 60}
    assert list(api.rawCmd("/interface/print", "?type=nosuch")) == []
    with pytest.raises(librouteros.exceptions.TrapError, match="no such command"):
        list(api("/no/such/menu/print"))
    pings = list(api("/ping", address="192.0.2.5", count=2))
    assert [row["seq"] for row in pings if "seq" in row] == [0, 1]
    api.close()


def test_node_routeros_reads(take, npm):
    for profile in ("6.42", "7.16", "7.18"):
        found = json.loads(npm.run("read_routeros.js", None, str(take(profile).port)))
        assert found["/system/identity"] == [{"name": "gw1"}]
        assert found["/system/resource"][0]["version"].startswith(profile)
        assert found["filtered"] == [{"name": "bridge", "type": "bridge"}]
        assert len(found["/queue/simple"]) == 12 and found["together"] == [3, 3, 3, 3]
        assert "no such command" in found["trap"]


# --- commands ------------------------------------------------------------------------------------------------------


def test_every_menu_gives_rows(take):
    """Each with an id unless it stands alone; and counting says the same as reading."""
    import routeros.commands
    import routeros.profiles
    for profile in (OLD, "6.49", "7.1", "7.12", "7.16", MODERN):
        tables = routeros.commands.make_tables(routeros.profiles.Profile(profile))
        with Talker(take(profile).port) as talker:
            for path, table in tables.items():
                rows = talker.rows(f"{path}/print")
                assert talker.ask(f"{path}/print", "=count-only") == [["!done", f"=ret={len(rows)}"]], path
                assert all((".id" in row) != table.is_single for row in rows), path
                assert rows or path in ("/routing/ospf-v3/neighbor", "/ipv6/firewall/connection"), path


MENUS = [
    ("/routing/bgp/peer", OLD, MODERN), ("/routing/bgp/session", MODERN, OLD), ("/routing/bfd/neighbor", OLD, MODERN),
    ("/interface/wireguard/peers", MODERN, "6.49"),
    ("/interface/wireless/registration-table", OLD, MODERN), ("/interface/wifiwave2/registration-table", "7.12",
                                                              "7.16"), ("/interface/wifi/registration-table", "7.16",
                                                                        "7.12"),
    ("/ipv6/address", "6.49", OLD), ("/container", "7.12", "7.1"),
]


@pytest.mark.parametrize("path, there, missing", MENUS)
def test_menus_of_versions(take, path, there, missing):
    with Talker(take(there).port) as talker:
        assert talker.rows(f"{path}/print")
    with Talker(take(missing).port) as talker:
        answer = talker.ask(f"{path}/print")
        assert answer[0][0] == "!trap" and "no such command prefix" in answer[0][-1] and answer[-1] == ["!done"]


def test_shapes_of_versions(take):
    with Talker(take(OLD).port) as talker:
        [health] = talker.rows("/system/health/print")
        assert health["voltage"] == "24.1" and ".id" not in health
        assert ":" in talker.rows("/ip/firewall/connection/print")[0]["src-address"]
        assert re.fullmatch(r"[a-z]{3}/\d\d/\d{4} \d\d:\d\d:\d\d", talker.rows("/user/active/print")[0]["when"])
        assert talker.ask("/ping", "=address=192.0.2.5", "=count=1", "=vrf=main") == [["!trap",
                                                                                       "=message=unknown parameter"],
                                                                                      ["!done"]]
        assert talker.ask("/interface/print", "=as-string=")[0] == ["!trap", "=message=unknown parameter"]
    with Talker(take(MODERN).port) as talker:
        health = talker.rows("/system/health/print")
        assert {"name": "voltage", "value": "24.1", "type": "V", ".id": "*12"} in health
        assert "src-port" in talker.rows("/ip/firewall/connection/print")[0]
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", talker.rows("/user/active/print")[0]["when"])
        assert talker.ask("/system/health/print", "=detail=")[0] == ["!trap", "=message=unknown parameter"]
    with Simulator(profile=MODERN, board="chr") as virtual, Talker(virtual.port) as talker:
        assert talker.ask("/system/health/print") == [["!empty"], ["!done"]]
        assert "no such command prefix" in talker.ask("/system/routerboard/print")[0][-1]


ROWS = [{"name": "a", "n": "5", "on": "true"}, {"name": "b", "n": "30", "comment": "x"},
        {"name": "c", "on": "false", "comment": ""}]
QUERIES = [
    ("?name=a", "a"), ("?=name=b", "b"), ("?-comment", "a"), ("?comment", "bc"), ("?>comment=", "b"), ("?on=yes", "a"),
    ("?on=false", "c"), ("?<n=6", "a"), ("?>n=6", "b"),
    ("?name=a ?name=b ?#|", "ab"), ("?name=a ?#!", "bc"), ("?on ?comment", "c"), ("?on ?comment ?#&", "c"),
    ("?name=a ?name=b ?#|!", "c"), ("?name=a ?name=b ?name=c ?#||", "abc"),
    ("?name=a ?name=b ?#1", "a"), ("?name=a ?#.!|", "abc"), ("?name=a ?on ?#1.&", "a"),
]


@pytest.mark.parametrize("words, names", QUERIES)
def test_queries(words, names):
    passes = query.compile_query([word.encode() for word in words.split()])
    assert "".join(row["name"] for row in ROWS if passes(row)) == names


@pytest.mark.parametrize("words", ["?#|", "?name ?#&", "?#z", "?name ?#5"])
def test_bad_queries(router, words):
    with Talker(router.port) as talker:
        assert talker.ask("/interface/print", *words.split())[0][:2] == ["!trap", "=category=5"]


def test_proplist(router):
    with Talker(router.port) as talker:
        assert talker.ask("/interface/print", "=.proplist=name,no-such,.id",
                          "?name=ether2") == [["!re", "=name=ether2", "=.id=*2"], ["!done"]]


def test_radios_of_another_package():
    with Simulator(profile="7.16", wifi="wireless") as router, Talker(router.port) as talker:
        assert "@1Mbps" in talker.rows("/interface/wireless/registration-table/print")[0]["signal-strength"]
        assert talker.ask("/interface/wifi/registration-table/print")[0][0] == "!trap"
        assert "wireless" in [row["name"] for row in talker.rows("/system/package/print")]


def test_counters_rise(router):
    with Talker(router.port) as talker:
        def value():
            return int(talker.rows("/interface/print", "?name=ether1", "=.proplist=rx-byte")[0]["rx-byte"])
        first = value()
        wait_for(lambda: value() > first, "traffic")
        router.fault("counters=18446744073709551600")
        wait_for(lambda: value() < first, "the end of 64 bits")
        router.fault("counters")
        first = value()
        router.set("traffic", 0)
        assert value() >= first
        router.set("traffic", 1)


def test_tags_and_commands_together(router):
    router.fault("delay=0.05@/ip/address")
    with Talker(router.port) as talker:
        talker.write("/ip/address/print", ".tag=slow")
        talker.write("/system/identity/print", ".tag=fast")
        talker.write("/system/identity/print", ".tag=")
        assert talker.read_answer() == [["!re", ".tag=fast", "=name=gw1"], ["!done", ".tag=fast"]]
        assert talker.read_answer() == [["!re", "=name=gw1"], ["!done"]]
        slow = talker.read_answer()
        assert len(slow) == 4 and all(sentence[1] == ".tag=slow" for sentence in slow)
        router.fault("interleave")
        talker.write("/ip/address/print", ".tag=1")
        talker.write("/ip/pool/print", ".tag=2")
        order = [sentence[1] for sentence in talker.read_answer() + talker.read_answer()]
        assert order.index(".tag=2") < len(order) - order[::-1].index(".tag=1") - 1, "sentences of both in turn"


INTERRUPTED = ["!trap", ".tag=p", "=category=2", "=message=interrupted"]


def test_cancel(router):
    with Talker(router.port) as talker:
        talker.write("/ping", "=address=192.0.2.5", ".tag=p")
        assert talker.read()[:2] == ["!re", ".tag=p"]
        talker.write("/cancel", "=tag=p", ".tag=c")
        sentences = [talker.read()]
        while sentences[-1] != ["!done", ".tag=c"]:
            sentences.append(talker.read())
        assert sentences[-3:] == [INTERRUPTED, ["!done", ".tag=p"], ["!done", ".tag=c"]]
        router.fault("cancel-first")
        router.fault("stuck=cancellable@/ip/address")
        talker.write("/ip/address/print", ".tag=p")
        talker.write("/cancel")
        assert [talker.read() for _ in range(3)] == [["!done"], INTERRUPTED, ["!done", ".tag=p"]]
    seen = router.seen()
    assert seen["cancels"] == 2 and seen["running"] == 0


def test_listen_and_follow(router):
    with Talker(router.port) as talker, Talker(router.port) as other:
        talker.write("/ip/firewall/address-list/listen", ".tag=l")
        talker.write("/ip/pool/print", "=follow=", ".tag=f")
        assert [row_of(talker.read())["name"] for _ in range(2)] == ["dhcp", "ppp"]
        [[_, ret]] = other.ask("/ip/firewall/address-list/add", "=list=blocked", "=address=198.51.100.99")
        row = ret[5:]
        assert talker.read() == ["!re", ".tag=l", f"=.id={row}", "=list=blocked", "=address=198.51.100.99"]
        assert other.rows("/ip/firewall/address-list/print", "?address=198.51.100.99",
                          "=.proplist=list") == [{"list": "blocked"}]
        router.change("/ip/firewall/address-list", row, comment="why")
        assert "=comment=why" in talker.read()
        assert other.ask("/ip/firewall/address-list/remove", f"=.id={row}") == [["!done"]]
        assert talker.read() == ["!re", ".tag=l", f"=.id={row}", "=.dead=yes"]
        assert other.ask("/ip/firewall/address-list/remove", f"=.id={row}")[0] == ["!trap", "=category=0",
                                                                                   "=message=no such item"]


def test_monitors(router):
    with Talker(router.port) as talker:
        rows = talker.rows("/interface/ethernet/monitor", "=numbers=ether1,ether4,sfp-sfpplus1", "=once=")
        assert [(row["name"], row["status"], row.get("rate")) for row in rows] == [("ether1", "link-ok", "2.5Gbps"),
                                                                                   ("ether4", "no-link", None),
                                                                                   ("sfp-sfpplus1", "link-ok",
                                                                                    "10Gbps")]
        assert talker.ask("/interface/ethernet/monitor", "=numbers=nosuch", "=once=")[0] == ["!trap", "=category=0",
                                                                                             "=message=no such item"]
        assert len(talker.rows("/interface/monitor-traffic", "=interface=ether1,ether2", "=once=")) == 2
        for menu, name in (("/interface/lte", "lte1"), ("/interface/wifi", "wifi1"), ("/interface/w60g", "wlan60-1"),
                           ("/interface/ethernet/poe", "ether2")):
            assert talker.rows(f"{menu}/monitor", f"=numbers={name}", "=once")[0]["name"] == name
        talker.write("/interface/wifi/monitor", "=numbers=wifi1", ".tag=m")
        assert [talker.read()[:2] for _ in range(3)] == [["!re", ".tag=m"]] * 3


def test_ping_and_traceroute(router):
    with Talker(router.port) as talker:
        rows = talker.rows("/ping", "=address=203.0.113.253", "=count=3")
        assert [(row["seq"], row["sent"], row["received"], row["packet-loss"], row.get("status")) for row in rows] == [
            ("0", "1", "1", "0", None), ("1", "2", "2", "0", None), ("2", "3", "2", "33", "timeout")]
        assert "time" not in rows[2] and rows[0]["time"] == "10ms120us"
        rows = talker.rows("/tool/ping", "=address=203.0.113.254", "=count=2", "=interval=10ms")
        assert all("avg-rtt" not in row and row["status"] == "timeout" for row in rows)
        rows = talker.rows("/tool/traceroute", "=address=198.51.100.1", "=count=1")
        last = [row for row in rows if row[".section"] == rows[-1][".section"]]
        assert [row["address"] for row in last] == ["192.0.2.254", "", "198.51.100.17",
                                                    "198.51.100.1"] and len(rows) == 1 + 2 + 3 + 4
        router.set("rights", "read,api")
        assert talker.ask("/ping", "=address=192.0.2.5", "=count=1") == [["!trap",
                                                                          "=message=not enough permissions (9)"],
                                                                         ["!done"]]
        assert talker.ask("/system/identity/set", "=name=x")[0][1] == "=message=not enough permissions (9)"
        router.set("rights", "read,write,test,api,reboot")
        assert talker.ask("/system/identity/set", "=name=other") == [["!done"]]
        assert talker.rows("/system/identity/print") == [{"name": "other"}]
        assert talker.ask("/system/identity/set", "=name=gw1") == [["!done"]]


# --- faults --------------------------------------------------------------------------------------------------------

IDENTITY = "/system/identity/print"
ANSWERS = [
    ("trap=4:it failed", [["!trap", "=category=4", "=message=it failed"], ["!done"]]),
    ("trap=:two\\r\\nlines", [["!trap", "=message=two\r\nlines"], ["!done"]]),
    ("two-traps", [["!trap", "=message=no such command or directory (x)"],
                   ["!trap", "=category=0", "=message=no such command prefix"], ["!done"]]),
    ("trap-after=1", [["!re", "=name=gw1"], ["!trap", "=category=4", "=message=action failed (6)"], ["!done"]]),
    ("fatal=out of memory", [["!fatal", "out of memory"]]),
    ("empty", [["!empty"], ["!done"]]),
    ("absent@/system", [["!trap", "=category=0", "=message=no such command prefix"], ["!done"]]),
    ("absent@/sys", [["!re", "=name=gw1"], ["!done"]]),
    ("forbidden", [["!trap", "=message=not enough permissions (9)"], ["!done"]]),
    ("unknown-reply=news", [["!re", "=name=gw1"], ["!news", "=about=nothing"], ["!done"]]),
    ("wrong-tag=q", [["!re", ".tag=q", "=name=gw1"], ["!done", ".tag=q"]]),
    ("no-tag", [["!re", "=name=gw1"], ["!done"]]),
    ("no-done", [["!re", "=name=gw1"], ["!fatal", "session terminated on request"]]),
    ("delay=0.02", [["!re", "=name=gw1"], ["!done"]]),
    ("interleave", [["!re", "=name=gw1"], ["!done"]]),
    ("extra", [["!re", "=name=gw1", "=something-new=1", "=.nextid=*2", "=empty="], ["!done"]]),
    ("bare-word", [["!re", "=name=gw1", "bare", "=no-second-sign", "="], ["!done"]]),
    ("long-word=70000", [["!re", "=name=gw1", "=contents=" + "x" * 70000], ["!done"]]),
    ("pieces=1", [["!re", "=name=gw1"], ["!done"]]),
    ("long-form=5", [["!re", "=name=gw1"], ["!done"]]),
    ("stall=0.05", [["!re", "=name=gw1"], ["!done"]]),
    ("row-cost=0.02", [["!re", "=name=gw1"], ["!done"]]),
    ("clamp=0", [["!re", "=name=gw1"], ["!done"]]),
    ("shuffle", [["!re", "=name=gw1"], ["!done"]]),
    ("close=6", []),
    ("reset=6", []),
]


@pytest.mark.parametrize("fault, answer", ANSWERS)
def test_faults_of_answers(router, fault, answer):
    with Talker(router.port) as talker:
        router.fault(fault)
        talker.write(IDENTITY)
        if fault == "no-done":
            talker.write("/quit")
        assert talker.read_answer() == answer
        if fault.startswith("long-form"):
            assert talker.bytes.endswith(b"\xf0\x00\x00\x00\x03!re\xf0\x00\x00\x00\x09=name=gw1\x00\xf0\x00\x00\x00\x05!done\x00")
        if not answer:
            assert talker.read() is None


def test_attributes_in_another_order_or_missing(router):
    with Talker(router.port) as talker:
        names = [list(row) for row in talker.rows("/ip/pool/print")]
        router.fault("shuffle")
        wait_for(lambda: [list(row) for row in talker.rows("/ip/pool/print")] != names, "another order")
        assert [set(row) for row in talker.rows("/ip/pool/print")] == [set(row) for row in names]
        router.clear()
        router.fault("lacking")
        assert [list(row) for row in talker.rows("/ip/pool/print")] == [row[::2] for row in names]


def test_who_says_empty(take):
    with Talker(take("7.16").port) as talker:
        none = ("/interface/print", "?name=nosuch")
        assert talker.ask(*none) == [["!done"]]
        take("7.16").fault("say-empty")
        assert talker.ask(*none) == [["!empty"], ["!done"]]
    router = take(MODERN)
    router.fault("say-empty=no")
    with Talker(router.port) as talker:
        assert talker.ask(*none) == [["!done"]]
        router.clear()
        router.fault("two-dones")
        assert talker.ask(*none) == [["!empty"], ["!done"]] and talker.read() == ["!done"]
        router.fault("login-refused")
        assert talker.ask("/login", "=name=netsonde", "=password=secret") == REFUSED


@pytest.mark.parametrize("fault", ["stuck", "mute", "deaf"])
def test_faults_of_silence(router, fault):
    with Talker(router.port) as talker:
        router.fault(fault)
        talker.write(IDENTITY)
        assert talker.is_silent()
        assert talker.socket.fileno() >= 0 and router.seen()["sessions"] >= 1


def test_faults_for_some_time_and_in_between(router):
    with Talker(router.port) as talker:
        router.fault("trap=4:now@/system#2")
        assert [talker.ask(IDENTITY)[0][0] for _ in range(3)] == ["!trap", "!trap", "!re"]
        router.fault("endless@/ip/address")
        talker.write("/ip/address/print", ".tag=e")
        assert [talker.read()[1] for _ in range(1000)] == [".tag=e"] * 1000
        router.fault("control-byte=0xF9@/system")
    with Talker(router.port) as talker:
        talker.write(IDENTITY)
        assert talker.read_exactly(1) == b"\xf9"
    router.clear()
    router.fault("lie=2147483648")
    with Talker(router.port) as talker:
        talker.write(IDENTITY)
        assert talker.read_exactly(9) == b"\x03!re\xf0\x80\x00\x00\x00"
    with pytest.raises(ValueError, match="no such fault"):
        router.fault("nonsense")


def test_session_limit_and_refusals(router):
    router.set("max-sessions", 3)
    router.drop()
    wait_for(lambda: router.seen()["sessions"] == 0, "the sessions of other tests to end")
    talkers = [Talker(router.port) for _ in range(3)]
    with Talker(router.port, name=None) as fourth:
        assert fourth.read() is None
    for talker in talkers:
        talker.close()
    wait_for(lambda: router.seen()["sessions"] == 0, "the sessions to end")
    router.set("max-sessions", 20)
    Talker(router.port).close()
    router.fault("refuse")
    with Talker(router.port, name=None) as refused:
        assert refused.read() is None
    router.clear()
    router.fault("silent")
    with Talker(router.port, name=None) as silent:
        silent.write("/login")
        assert silent.is_silent()
    assert router.seen()["sessions_refused"] == 1


def test_each_address_is_a_router_of_its_own():
    with Simulator(host="0.0.0.0", max_sessions=1) as router:
        talkers = [Talker(router.port, host=f"127.0.0.{number}") for number in (1, 2, 3)]
        with Talker(router.port, name=None, host="127.0.0.2") as second:
            assert second.read() is None
        assert all(talker.rows(IDENTITY) for talker in talkers)
        for talker in talkers:
            talker.close()


def test_what_keeps_a_connection_alive_in_others(router):
    """node-routeros sends a word that is no command, and does not mind the trap."""
    with Talker(router.port) as talker:
        talker.write_bytes(b"\x01#\x06.tag=k\x00")
        assert talker.read_answer() == [["!trap", ".tag=k", "=category=0", "=message=no such command"], ["!done", ".tag=k"]]


def test_reboot_in_mid_sentence(take):
    router = take("7.16")
    with Talker(router.port) as talker:
        before = talker.rows("/interface/print", "?name=ether1")[0]
        router.reboot()
        assert talker.read() is None and talker.bytes.endswith(b"\x03!re\x0b=name=et")
    with Talker(router.port) as talker:
        after = talker.rows("/interface/print", "?name=ether1")[0]
        assert int(after["rx-byte"]) < int(before["rx-byte"])
        assert re.fullmatch(r"\d+s", talker.rows("/system/resource/print")[0]["uptime"])


def test_what_was_said(router):
    with Talker(router.port) as talker:
        talker.ask(IDENTITY, "=.proplist=name", ".tag=1")
    assert router.said()[-2:] == [["/login", "=name=netsonde", "=password="], [IDENTITY, "=.proplist=name"]]
    assert router.seen()["commands"] == {"/login": 1, IDENTITY: 1}


# --- size and TLS --------------------------------------------------------------------------------------------------


def test_large_tables_and_many_sessions():
    rows = ["routes=22000", "queues=4000", "leases=5000"]
    with Simulator(profile=MODERN, rows=rows, processes=2, max_sessions=100, identity="big") as router:
        talkers = [Talker(router.port) for _ in range(100)]
        for talker in talkers:
            talker.write(IDENTITY)
        assert all(talker.read_answer() == [["!re", "=name=big"], ["!done"]] for talker in talkers)
        seen = router.seen()
        assert (seen["sessions"], seen["logins"], seen["total"]) == (100, 100, 200)
        talker = talkers[0]
        assert talker.ask("/ip/route/print", "=count-only=") == [["!done", "=ret=22000"]]
        assert talker.ask("/queue/simple/print", "=count-only=", "?dynamic=false") == [["!done", "=ret=3200"]]
        talker.write("/ip/route/print", "=.proplist=dst-address")
        assert talker.read_exactly(27) == b"\x03!re\x16=dst-address=0.0.0.0/0"
        for talker in talkers:
            talker.close()


def anonymous(ciphers="ADH:@SECLEVEL=0"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if ciphers:
        context.set_ciphers(ciphers)
    return context


def test_tls_without_a_certificate(router):
    with Talker(router.tls_port, tls=anonymous()) as talker:
        assert talker.socket.version() == "TLSv1.2" and talker.socket.cipher()[0].startswith("ADH-")
        assert talker.rows(IDENTITY) == [{"name": "gw1"}]
    with pytest.raises(ssl.SSLError):
        Talker(router.tls_port, tls=anonymous(None))


@pytest.mark.parametrize("newest", [None, "TLSv1.2"])
def test_tls_with_a_certificate(tmp_path, newest):
    authority = certificates.Authority(tmp_path)
    certificate = authority.issue("router", "IP:127.0.0.1")
    with Simulator(tls_port=0, certificate=certificate, key=tmp_path / "router.key",
                   tls_1_2=newest is not None) as router:
        context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        with Talker(router.tls_port, tls=context) as talker:
            assert talker.socket.version() == (newest or "TLSv1.3")
            assert talker.rows(IDENTITY) == [{"name": "gw1"}]
        with pytest.raises(ssl.SSLCertVerificationError):
            Talker(router.tls_port, tls=ssl.create_default_context())


def test_the_program_by_itself():
    """As a bench starts it: with a port for requests, and told by a signal to end."""
    process = subprocess.Popen([sys.executable, str(routeros_program()), "--control", "0", "--fault", "stuck=@/ip"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    ready = re.fullmatch(r"ready (\d+) control (\d+)\n", process.stdout.readline())
    with Talker(int(ready[1])) as talker, Talker(int(ready[2]), name=None) as control:
        assert talker.rows(IDENTITY)
        control.write_bytes(b"seen\nclear\nnonsense\n")
        lines = control.socket.makefile().readline
        assert '"waiting": ["stuck=@/ip"]' in lines() and lines() == '{"ok": true}\n' and "no such request" in lines()
    process.terminate()
    assert process.wait(20) == 0
    process.stdout.close()


def routeros_program():
    import routeros.simulator
    return routeros.simulator.PROGRAM



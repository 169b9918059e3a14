"""From the words of a command to the sentences of its answer."""

from routeros import data_interfaces, data_network, data_system, query, tools
from routeros.table import Table
from routeros.trap import Trap


class Command:
    def __init__(self, words):
        self.words = words
        self.name = words[0].decode("latin-1")
        self.path, _, self.verb = self.name.rpartition("/")
        self.arguments = {}
        self.queries = []
        for word in words[1:]:
            if word[:1] == b"=":
                # "=count-only" without a second "=" is the same as with one.
                name, _, value = word[1:].partition(b"=")
                self.arguments[name.decode("latin-1")] = value
            elif word[:1] == b"?":
                self.queries.append(word)

    @property
    def texts(self):
        return {name: value.decode("utf-8", "replace") for name, value in self.arguments.items()}


def make_tables(profile):
    tables = {}
    for module in (data_system, data_interfaces, data_network):
        for path, make, is_live, is_single, where in module.MENUS:
            if where is None or where(profile):
                # On version 6 health is one row without an id; and detail is refused by that menu.
                is_single = is_single or (path == "/system/health" and profile.is_v6)
                refuses = ("detail",) if path == "/system/health" else ()
                tables[path] = Table(path, make, is_live, is_single, refuses)
    return tables


def attribute(name, value):
    return f"={name}={value}".encode() if type(value) is str else b"=%s=%s" % (name.encode(), value)


def row_words(row, wanted):
    if wanted is None:
        return [b"!re"] + [attribute(name, value) for name, value in row.items()]
    return [b"!re"] + [attribute(name, row[name]) for name in wanted if name in row]


def proplist(command):
    text = command.arguments.get(".proplist")
    return None if text is None else [name for name in text.decode("latin-1").split(",") if name]


def row_sentences(command, rows):
    wanted = proplist(command)
    return [row_words(row, wanted) for row in rows]


PRINT = {".proplist", "count-only", "detail", "stats", "stats-detail", "without-paging", "follow", "follow-only",
         "interval", "brief", "terse", "value-list", "where", "from", "append"}
POLICIES = {"print": "read", "getall": "read", "listen": "read", "monitor": "read", "monitor-traffic": "read",
            "add": "write", "set": "write", "remove": "write", "enable": "write", "disable": "write",
            "ping": "test", "traceroute": "test", "torch": "test", "scan": "test", "info": "test", "reboot": "reboot"}


def selected(router, table, command):
    if command.queries:
        try:
            passes = query.compile_query(command.queries)
            return [row for row in table.rows(router.world) if passes(row)]
        except query.BadQuery as error:
            raise Trap(str(error), 5) from None
    return table.rows(router.world)


def run_print(router, table, command):
    known = PRINT if router.profile.is_v6 else PRINT | {"as-string"}
    for name in command.arguments:
        if name not in known or name in table.refuses:
            raise Trap("unknown parameter")
    router.world.tick()
    if "count-only" in command.arguments:
        return [[b"!done", b"=ret=%d" % len(selected(router, table, command))]]

    def once():
        router.world.tick()
        return selected(router, table, command)

    if "follow" in command.arguments or "follow-only" in command.arguments:
        return follow(table, once() if "follow" in command.arguments else [])
    if "interval" in command.arguments:
        return tools.repeat(router, once, tools.read_duration(command.texts["interval"]))
    return row_sentences(command, once())


class Following:
    """What has to be told of a menu's changes until somebody cancels it."""

    def __init__(self, table, rows):
        self.table = table
        self.rows = rows


def follow(table, rows):
    return Following(table, rows)


def run_change(router, table, command):
    world, values = router.world, dict(command.arguments)
    router.forget()
    if command.verb == "add":
        if table.is_single:
            raise Trap("no such command", 0)
        name = table.add(world, values)
        return [[b"!done", b"=ret=" + name.encode()]]
    names = values.pop(".id", values.pop("numbers", b"")).decode("latin-1")
    if table.is_single:
        found = table.rows(world)
    else:
        found = [table.find(world, name) for name in names.split(",") if name]
    if not found or None in found:
        raise Trap("no such item", 0)
    for row in found:
        if command.verb == "remove":
            table.remove(world, row)
        elif command.verb == "set":
            table.change(world, row, values)
        else:
            table.change(world, row, {"disabled": "true" if command.verb == "disable" else "false"})
    return [[b"!done"]]


def no_such_menu(router, path):
    """1.3: one or the other text, often both; here the older versions say the shorter one and no category."""
    if router.profile.is_v6:
        return Trap("no such command prefix")
    parts, known = path.strip("/").split("/"), ""
    for part in parts:
        known += "/" + part
        if not any(menu == known or menu.startswith(known + "/") for menu in router.tables):
            return Trap(f"no such command or directory ({part})\r\nno such command prefix", 0)
    return Trap("no such command", 0)


def run(router, command, rights):
    """The sentences of the answer, an asynchronous generator of lists of rows, or a Following; or raises Trap."""
    verb = command.verb
    needed = POLICIES.get(verb, "read")
    if verb == "info" and not router.profile.is_v6:
        needed = "read"
    is_tool = command.name in ("/ping", "/tool/ping", "/tool/traceroute", "/tool/torch")
    table = router.tables.get(command.path)
    if not is_tool and table is None and command.name != "/system/reboot":
        raise no_such_menu(router, command.path)
    if needed not in rights:
        raise Trap("not enough permissions (9)")
    if is_tool:
        return {"ping": tools.ping, "traceroute": tools.traceroute, "torch": tools.torch}[verb](router, command.texts)
    if command.name == "/system/reboot":
        router.loop.call_soon(router.reboot)
        return [[b"!done"]]
    if verb in ("print", "getall"):
        return run_print(router, table, command)
    if verb == "listen":
        return follow(table, [])
    if verb == "monitor-traffic" and command.path == "/interface":
        return tools.traffic(router, table, command.texts)
    if verb == "monitor" and not (command.path == "/interface/lte" and router.profile.is_v6):
        return tools.monitor(router, table, command.texts)
    if verb == "info" and command.path == "/interface/lte" and router.profile.is_v6:
        return tools.monitor(router, table, command.texts)
    if verb in ("add", "set", "remove", "enable", "disable"):
        return run_change(router, table, command)
    raise Trap("no such command", 0)

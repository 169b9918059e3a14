"""Reads Flux far enough to say which measurements, fields and tags a text names. The text is parsed and then gone through call by
call with tables of which only the columns are known: what pivot, map or rename have made is a column like any other, what a tag is
not is none. What it does not understand is an error, so that no name gets past it."""

import re
from dataclasses import dataclass, replace

from tokens import Tokens, Wrong

TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*)
    |(?P<string>"(?:[^"\\]|\\.)*")
    |(?P<duration>(?:\d+(?:ns|us|ms|mo|[smhdwy]))+)
    |(?P<number>\d+\.\d+|\d+)
    |(?P<word>[a-zA-Z_]\w*)
    |(?P<sign>\|>|=>|<-|==|!=|=~|!~|<=|>=|[-+*/%^<>=(){}\[\],.:?])""",
    re.X,
)
REGEX = re.compile(r"/((?:[^/\\\n]|\\.)+)/")
COMPARED = ("==", "!=", "=~", "!~", "<=", ">=", "<", ">")


# --- the grammar: nodes are tuples whose first is their kind --------------------------------------------------------------


class Parser(Tokens):
    def __init__(self, text):
        super().__init__(self.cut(text))

    @staticmethod
    def cut(text):
        at, last = 0, ("sign", "")
        while at < len(text):
            is_operand = last[0] in ("word", "number", "duration", "string") or last[1] in (")", "]", "}")
            found = REGEX.match(text, at) if text[at] == "/" and text[at:at + 2] != "//" and not is_operand else None
            kind = "regex" if found else None
            found = found or TOKEN.match(text, at)
            if not found:
                raise Wrong(f"not Flux from here on: {text[at:at + 40]}")
            at = found.end()
            kind = kind or found.lastgroup
            if kind != "space":
                last = (kind, found[1] if kind == "regex" else found[0])
                yield last
        yield "end", ""

    def program(self):
        """[(name or None, expression)]"""
        found = []
        while self.peek()[0] != "end":
            if self.take("import"):
                self.take()
                continue
            self.take("option")
            name = None
            if self.peek()[0] == "word" and self.peek(1)[1] == "=":
                name = self.of_kind("word", "name")
                self.take()
            found.append((name, self.expression()))
        return found

    def expression(self):
        if self.take("if"):
            parts = [self.expression()]
            for wanted in ("then", "else"):
                self.need(wanted)
                parts.append(self.expression())
            return ("if", *parts)
        if self.is_lambda():
            return self.function()
        return self.either(("or",), lambda: self.either(("and",), self.negated))

    def either(self, signs, part):
        left = part()
        while (sign := self.take(*signs)) is not None:
            left = ("binary", sign, left, part())
        return left

    def negated(self):
        if self.take("not"):
            return ("not", self.negated())
        return self.either(COMPARED, lambda: self.either(("+", "-"), lambda: self.either(("*", "/", "%", "^"), self.piped)))

    def piped(self):
        left = self.unary()
        while self.take("|>"):
            left = ("pipe", left, self.unary())
        return left

    def unary(self):
        if self.take("-", "+"):
            return ("not", self.unary())
        if self.take("exists"):
            return ("exists", self.unary())
        node = self.primary()
        while True:
            if self.take("."):
                node = ("member", node, self.of_kind("word", "name"))
            elif self.take("["):
                place = self.expression()
                node = ("member", node, place[1]) if place[0] == "string" else ("index", node, place)
                self.need("]")
            elif self.take("("):
                node = ("call", node, self.pairs(")"))
            else:
                return node

    def primary(self):
        kind, text = self.peek()
        if kind in ("string", "regex"):
            self.take()
            return (kind, re.sub(r"\\(.)", r"\1", text[1:-1]) if kind == "string" else text)
        if kind in ("number", "duration"):
            self.take()
            return ("other",)
        if self.take("("):
            inner = self.expression()
            self.need(")")
            return inner
        if self.take("["):
            found = []
            while not self.take("]"):
                found.append(self.expression())
                if self.peek()[1] != "]":
                    self.need(",")
            return ("array", found)
        if self.take("{"):
            base = None
            if self.peek(1)[1] == "with":
                base = self.of_kind("word", "name")
                self.take()
            return ("record", base, self.pairs("}"))
        return ("name", self.of_kind("word", "name"))

    def pairs(self, end):
        """{name: expression} of a record or of the arguments of a call."""
        found = {}
        while not self.take(end):
            name = self.take()[1:-1] if self.peek()[0] == "string" else self.of_kind("word", "name")
            found[name] = self.expression() if self.take(":") else ("name", name)
            if self.peek()[1] != end:
                self.need(",")
        return found

    def is_lambda(self):
        if self.peek()[1] != "(" or self.peek()[0] == "string":
            return False
        ahead = 1
        while self.peek(ahead)[1] not in (")", "(", ""):
            ahead += 1
        return self.peek(ahead)[1] == ")" and self.peek(ahead + 1)[1] == "=>"

    def function(self):
        names, piped = [], None
        self.need("(")
        while not self.take(")"):
            names.append(self.of_kind("word", "name"))
            if self.take("="):
                if self.take("<-"):
                    piped = names[-1]
                else:
                    self.expression()
            if self.peek()[1] != ")":
                self.need(",")
        self.need("=>")
        return ("lambda", names, piped, self.expression())


# --- what it means --------------------------------------------------------------------------------------------------------

OWN = frozenset({"_time", "_start", "_stop", "_measurement", "_field", "_value"})
# What they leave of a table: all columns, or the group's with the value.
KEEPING = {"range", "last", "first", "min", "max", "sort", "limit", "tail", "unique", "derivative", "difference", "increase",
           "cumulativeSum", "fill", "toString", "toFloat", "toInt", "top", "bottom", "yield", "movingAverage", "timeShift", "window"}
GATHERING = {"mean", "sum", "count", "median", "quantile", "stddev", "spread", "distinct", "mode", "integral"}
OF_VALUES = {"now", "string", "int", "uint", "float", "bool", "time", "duration", "contains", "length", "die"}
MODULES_OF_VALUES = {"array", "date", "math", "regexp", "strings", "types"}


@dataclass(frozen=True)
class Table:
    measurements: frozenset
    fields: frozenset
    columns: frozenset
    group: frozenset
    constants: tuple = ()  # (column, value) of set()


class Reader:
    """reference: .fields and .tags of each measurement. After read(): fields, tags (each (measurement, name)), values of tags
    (measurement, tag, value), words (all that stood behind "r."), wrong (sentences), tables (what the text answers with)."""

    def __init__(self, reference):
        self.reference = reference
        self.fields, self.tags, self.values, self.words, self.measurements = set(), set(), set(), set(), set()
        self.wrong = []
        self.tables = []

    def read(self, text):
        names = {}
        for name, node in Parser(text).program():
            value = self.value(node, names)
            if name:
                names[name] = value
            elif isinstance(value, Table):
                self.tables.append(value)
        return self

    def has(self, table, wanted, what):
        self.wrong += [f"{what}: there is no column {name}" for name in wanted if name not in table.columns]
        self.tags |= {(one, name) for one in table.measurements for name in wanted if name in self.reference.tags[one]}

    # --- values: tables, lambdas, texts, lists of them; None is anything else ------------------------------------------------

    def value(self, node, names):
        kind = node[0]
        if kind == "string":
            if "${r." in node[1]:
                raise Wrong("columns in a text")
            return node[1]
        if kind == "name":
            return names.get(node[1])
        if kind == "array":
            return [self.value(one, names) for one in node[1]]
        if kind == "record":
            if node[1]:
                return self.value(("name", node[1]), names)
            return {name: self.value(one, names) for name, one in node[2].items()}
        if kind == "lambda":
            return ("lambda", node[1], node[2], node[3], names)
        if kind == "call":
            return self.call(node, names)
        if kind == "pipe":
            call = node[2]
            if call[0] != "call":
                raise Wrong("a pipe into what is no call")
            return self.call(call, names, self.value(node[1], names))
        for part in node[1:]:
            if isinstance(part, tuple):
                self.value(part, names)
        return None

    def call(self, node, names, table=None):
        callee = node[1][1] if node[1][0] == "name" else node[1][1][1] + "." + node[1][2]
        ours = names.get(callee)
        given = {name: self.value(one, names) for name, one in node[2].items()}
        if isinstance(ours, tuple):
            return self.inline(ours, given, table)
        method = getattr(self, "do_" + callee.replace(".", "_"), None)
        if callee == "from":
            return self.everything()
        if method:
            return method(table, given)
        if isinstance(table, Table):
            return self.pass_on(callee, table, given)
        if callee in OF_VALUES or callee.split(".")[0] in MODULES_OF_VALUES:
            return None
        raise Wrong(f"{callee} is not known as a function")

    def inline(self, function, given, table):
        _, parameters, piped, body, names = function
        if set(given) - set(parameters):
            raise Wrong(f"arguments that nobody wants: {given}")
        inside = {**names, **given}
        if piped:
            inside[piped] = table
        return self.value(body, inside)

    def everything(self):
        known = self.reference
        tags = frozenset().union(*known.tags.values())
        return Table(frozenset(known.fields), frozenset().union(*known.fields.values()), OWN | tags, (OWN | tags) - {"_time", "_value"})

    # --- rows ------------------------------------------------------------------------------------------------------------------

    def row(self, node, row, table, names):
        """Looks at what an expression takes from a row."""
        kind = node[0]
        if kind == "member" and node[1] == ("name", row):
            return self.column(node[2], table)
        if kind == "binary" and node[1] == "==" and node[2][:2] == ("member", ("name", row)) and node[3][0] == "string":
            self.values |= {(one, node[2][2], node[3][1]) for one in table.measurements if node[2][2] in self.reference.tags[one]}
        if kind == "call":
            for one in node[2].values():
                self.row(one, row, table, names)
            return None
        if kind == "record":
            for one in node[2].values():
                self.row(one, row, table, names)
            return None
        for part in node[1] if kind == "array" else node[1:]:
            if isinstance(part, tuple):
                self.row(part, row, table, names)
        return None

    def column(self, name, table):
        self.words.add(name)
        self.has(table, [name], "a row")

    def allowed(self, node, row, column, known, names):
        """Which of the known values of a column a condition lets through; None: it says nothing about it."""
        if node[0] == "binary" and node[1] in ("and", "or"):
            sides = [self.allowed(part, row, column, known, names) for part in node[2:]]
            if node[1] == "and":
                found = [side for side in sides if side is not None]
                return frozenset.intersection(*found) if found else None
            return None if None in sides else sides[0] | sides[1]
        if node[0] != "binary" or node[2] != ("member", ("name", row), column):
            return None
        text = self.value(node[3], names) if node[3][0] != "regex" else node[3][1]
        if node[1] in ("=~", "!~") and node[3][0] == "regex":
            return frozenset(name for name in known if bool(re.search(text, name)) == (node[1] == "=~"))
        if not isinstance(text, str):
            raise Wrong(f"{column} is compared with what is no text")
        if text not in known:
            self.wrong.append(f"{column}: there is no {text}")
        return frozenset({text} & known) if node[1] == "==" else frozenset(known) - {text}

    def do_filter(self, table, given):
        _, (row, *_), _, body, names = given["fn"]
        if not {"_measurement", "_field"} <= table.columns:
            self.row(body, row, table, names)
            return table
        measurements = self.allowed(body, row, "_measurement", table.measurements, names)
        if measurements is not None:
            table = self.narrowed(table, measurements)
            self.measurements |= measurements
        fields = self.allowed(body, row, "_field", table.fields, names)
        if fields is not None:
            table = replace(table, fields=fields & table.fields)
            for name in self.named(body, row, names):
                self.fields |= {(one, name) for one in table.measurements if name in self.reference.fields[one]}
        self.row(body, row, table, names)
        if not table.fields:
            self.wrong.append("filter: no measurement has such a field")
        return table

    def named(self, node, row, names):
        """Fields that a condition names."""
        if node[0] == "binary" and node[2] == ("member", ("name", row), "_field"):
            found = self.value(node[3], names) if node[3][0] != "regex" else None
            return {found} if node[1] == "==" else set()
        return set().union(*(self.named(part, row, names) for part in node[1:] if isinstance(part, tuple)))

    def narrowed(self, table, measurements):
        """Only these measurements are left: and only their tags and fields."""
        known = self.reference
        every, now = (frozenset().union(*(known.tags[one] for one in some)) for some in (table.measurements, measurements))
        fields = frozenset().union(*(known.fields[one] for one in measurements))
        gone = every - now
        return replace(table, measurements=measurements, fields=table.fields & fields, columns=table.columns - gone, group=table.group - gone)

    # --- functions that change columns --------------------------------------------------------------------------------------------

    def pass_on(self, callee, table, given):
        if callee in GATHERING:
            column = given.get("column", "_value")
            self.has(table, [column], callee)
            return replace(table, columns=table.group | {column})
        if callee not in KEEPING:
            raise Wrong(f"{callee} is not known as a function of tables")
        wanted = given.get("columns", [given.get("column", "_value")])
        if callee in ("derivative", "difference", "increase"):
            wanted = [*wanted, "_time"]
        if callee not in ("range", "limit", "yield", "fill", "window"):
            self.has(table, wanted, callee)
        if callee in ("top", "bottom"):
            return replace(table, group=frozenset())
        return table

    def do_aggregateWindow(self, table, given):
        self.has(table, ["_time", "_value"], "aggregateWindow")
        return replace(table, columns=(table.columns & table.group) | {"_time", "_value"})

    def do_group(self, table, given):
        columns = frozenset(given.get("columns", ()))
        self.has(table, columns, "group")
        return replace(table, group=columns)

    def do_keep(self, table, given):
        columns = frozenset(given["columns"])
        self.has(table, columns, "keep")
        return replace(table, columns=columns, group=table.group & columns)

    def do_drop(self, table, given):
        columns = frozenset(given["columns"])
        self.has(table, columns, "drop")
        return replace(table, columns=table.columns - columns, group=table.group - columns)

    def do_rename(self, table, given):
        new = given["columns"]
        self.has(table, new, "rename")
        changed = [frozenset(new.get(name, name) for name in some) for some in (table.columns, table.group)]
        return replace(table, columns=changed[0], group=changed[1])

    def do_set(self, table, given):
        pair = (given["key"], given["value"])
        return replace(table, columns=table.columns | {pair[0]}, constants=(*table.constants, pair))

    def do_map(self, table, given):
        _, (row, *_), _, body, names = given["fn"]
        if body[0] != "record":
            raise Wrong("map makes no record")
        for one in body[2].values():
            self.row(one, row, table, names)
        made = frozenset(body[2])
        return replace(table, columns=table.columns | made if body[1] else made, group=table.group if body[1] else table.group & made)

    def do_pivot(self, table, given):
        keys = frozenset(given["rowKey"])
        by = given["columnKey"]
        self.has(table, [*keys, *by, given["valueColumn"]], "pivot")
        made = table.fields if by == ["_field"] else frozenset(value for column, value in table.constants if [column] == by)
        if not made:
            raise Wrong(f"pivot by {by}: into which columns?")
        left = (table.group & table.columns) - frozenset(by)
        return replace(table, columns=keys | left | made, group=left)

    def do_union(self, _, given):
        tables = given["tables"]
        return Table(
            *(frozenset().union(*(getattr(one, name) for one in tables)) for name in ("measurements", "fields", "columns", "group")),
            constants=sum((one.constants for one in tables), ()),
        )

    def do_join(self, _, given):
        on = frozenset(given["on"])
        columns = set(on)
        (left, a), (right, b) = given["tables"].items()
        for name, one, other in ((left, a, b), (right, b, a)):
            self.has(one, on, "join")
            columns |= {f"{column}_{name}" if column in other.columns else column for column in one.columns - on}
        return Table(a.measurements | b.measurements, a.fields | b.fields, frozenset(columns), a.group & on)

    def do_to(self, table, _):
        self.has(table, ["_time", "_measurement", "_field", "_value"], "to")
        return table

    def do_findColumn(self, table, given):
        self.has(table, [given["column"]], "findColumn")

    def do_schema_tagValues(self, _, given):
        table = self.do_filter(self.everything(), {"fn": given["predicate"]})
        self.column(given["tag"], table)

"""Reads PromQL far enough to say which metrics a text names and with which labels, and what labels its answer can have. It
knows the whole grammar: what it does not understand is an error, so that no name gets past it."""

import re
from dataclasses import dataclass

from tokens import Tokens, Wrong

TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)
    |(?P<duration>(?:\d+(?:ms|[smhdwy]))+)
    |(?P<number>0x[0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)
    |(?P<word>[a-zA-Z_][\w:]*)
    |(?P<sign>==|!=|=~|!~|<=|>=|[-+*/%^<>=(){}\[\],:@])""",
    re.X,
)
RANKS = ({"or"}, {"and", "unless"}, {"==", "!=", "<=", ">=", "<", ">"}, {"+", "-"}, {"*", "/", "%", "atan2"}, {"^"})
PRECEDENCE = {sign: rank for rank, signs in enumerate(RANKS, 1) for sign in signs}
AGGREGATIONS = {"sum", "avg", "min", "max", "count", "group", "stddev", "stdvar", "topk", "bottomk", "quantile", "count_values"}
SELECTING = {"topk", "bottomk"}
# Functions that make sense of a counter, and those that do not care what a value is.
OF_COUNTERS = {"rate", "irate", "increase", "resets", "changes"}
OF_ANY = {"absent", "absent_over_time", "count_over_time", "present_over_time", "timestamp", "changes"}
OF_GAUGES = {
    "abs", "avg_over_time", "ceil", "clamp", "clamp_max", "clamp_min", "delta", "deriv", "exp", "floor", "histogram_quantile", "idelta",
    "label_join", "label_replace", "last_over_time", "ln", "log10", "log2", "max_over_time", "min_over_time", "predict_linear",
    "quantile_over_time", "round", "scalar", "sgn", "sort", "sort_desc", "sqrt", "stddev_over_time", "stdvar_over_time", "sum_over_time",
    "time", "vector", "hour", "minute", "day_of_week", "day_of_month", "days_in_month", "month", "year", "pi",
}


def is_lacking_on_purpose(name, label):
    """Boards match a label that a series has not got: .* allows that, a name does not. So they tell whether all targets are
    chosen (mean_of_recorded in grafana/generator/query.py)."""
    return label == "all_targets" or (label == "target" and name.startswith("agent_probe:"))


@dataclass(frozen=True)
class Answer:
    """What an expression gives: a scalar has no labels at all."""

    labels: frozenset = frozenset()
    is_scalar: bool = False
    counter: str = ""  # the name of the counter whose raw values these are
    texts: tuple = ()  # of a string


SCALAR = Answer(is_scalar=True)


def plain(text):
    """PromQL with Grafana's durations filled in. Other variables stand in strings only."""
    for name, value in (("$__rate_interval", "5m"), ("$__interval", "1m"), ("$__range", "1h")):
        text = text.replace(name, value)
    return text


class Reader(Tokens):
    """metrics: name -> (kind, labels). After read(): names (of metrics), wrong (sentences about what does not fit)."""

    def __init__(self, metrics):
        super().__init__()
        self.metrics = metrics
        self.names = set()
        self.wrong = []

    # --- tokens ------------------------------------------------------------------------------------------------------

    def cut(self, text):
        at = 0
        while at < len(text):
            found = TOKEN.match(text, at)
            if not found:
                raise Wrong(f"not PromQL from here on: {text[at:at + 40]}")
            at = found.end()
            if found.lastgroup != "space":
                yield found.lastgroup, found[0]
        yield "end", ""

    # --- the grammar -------------------------------------------------------------------------------------------------

    def read(self, text):
        self.tokens, self.place = list(self.cut(plain(text))), 0
        answer = self.expression(0)
        if self.peek()[0] != "end":
            raise Wrong(f"nobody expects {self.peek()[1]}")
        self.shown(answer)
        return answer

    def expression(self, least):
        left = self.operand()
        while (rank := PRECEDENCE.get(self.peek()[1], 0)) > least and self.peek()[0] != "string":
            sign = self.take()
            self.take("bool")
            match = self.take("on", "ignoring")
            matched = self.names_in_brackets() if match else None
            group = self.take("group_left", "group_right")
            included = self.names_in_brackets() if group and self.peek()[1] == "(" else []
            right = self.expression(rank - 1 if sign == "^" else rank)
            left = self.join(sign, left, right, match, matched, group, included)
        return left

    def operand(self):
        if self.take("-", "+"):
            return self.shown(self.expression(PRECEDENCE["*"]))
        kind, text = self.peek()
        if kind in ("number", "duration"):
            self.take()
            return SCALAR
        if kind == "string":
            self.take()
            return Answer(is_scalar=True, texts=(text[1:-1],))
        if self.take("("):
            inner = self.expression(0)
            self.need(")")
        elif kind == "word" and text.lower() in ("inf", "nan"):
            self.take()
            return SCALAR
        elif kind == "word" and text in AGGREGATIONS and self.peek(1)[1] in ("(", "by", "without"):
            inner = self.aggregation(self.take())
        elif kind == "word" and self.peek(1)[1] == "(":
            inner = self.function(self.take())
        elif kind == "word" or text == "{":
            inner = self.selector()
        else:
            raise Wrong(f"nobody expects {text or 'the end'}")
        return self.modified(inner)

    def modified(self, inner):
        while True:
            if self.take("["):
                self.of_kind("duration")
                if self.take(":") and self.peek()[0] == "duration":
                    self.take()
                self.need("]")
            elif self.take("offset"):
                self.take("-")
                self.of_kind("duration")
            elif self.take("@"):
                if self.peek()[0] == "number":
                    self.take()
                else:
                    self.of_kind("word")
                    self.need("(")
                    self.need(")")
            else:
                return inner

    def names_in_brackets(self):
        found = []
        self.need("(")
        while not self.take(")"):
            found.append(self.of_kind("word"))
            if self.peek()[1] != ")":
                self.need(",")
        return found

    def arguments(self):
        found = []
        self.need("(")
        while not self.take(")"):
            found.append(self.expression(0))
            if self.peek()[1] != ")":
                self.need(",")
        return found

    def selector(self):
        name = self.of_kind("word") if self.peek()[0] == "word" else ""
        matched = []
        if self.take("{"):
            while not self.take("}"):
                matched.append(self.of_kind("word"))
                if self.take("=", "!=", "=~", "!~") is None:
                    raise Wrong(f"{matched[-1]} is not compared")
                self.of_kind("string")
                if self.peek()[1] != "}":
                    self.need(",")
        if not name or "__name__" in matched:
            raise Wrong("a metric without a name")
        self.names.add(name)
        if name not in self.metrics:
            self.wrong.append(f"there is no metric {name}")
            return Answer(frozenset(matched))
        kind, labels = self.metrics[name]
        self.has(labels, [label for label in matched if not is_lacking_on_purpose(name, label)], name)
        return Answer(labels, counter=name if kind == "counter" else "")

    # --- what it means -----------------------------------------------------------------------------------------------

    def has(self, labels, wanted, what):
        self.wrong += [f"{what} has no label {label}" for label in wanted if label not in labels]

    def shown(self, answer):
        if answer.counter:
            self.wrong.append(f"{answer.counter} is a counter: its value says nothing without rate or increase")
        return answer

    def aggregation(self, name):
        how, by = self.take("by", "without"), None
        if how:
            by = self.names_in_brackets()
        arguments = self.arguments()
        if not how and (how := self.take("by", "without")):
            by = self.names_in_brackets()
        inner = arguments[-1]
        if name not in ("count", "group"):
            self.shown(inner)
        if how:
            self.has(inner.labels, by, f"what {name} is made of")
        if name in SELECTING:
            return Answer(inner.labels)
        labels = frozenset(by) if how == "by" else inner.labels - frozenset(by) if how else frozenset()
        return Answer(labels | frozenset(arguments[0].texts if name == "count_values" else ()))

    def function(self, name):
        if name not in OF_COUNTERS | OF_ANY | OF_GAUGES:
            raise Wrong(f"{name} is not known as a function")
        arguments = self.arguments()
        texts = [text for one in arguments for text in one.texts]
        inner = next((one for one in arguments if not one.is_scalar), SCALAR)
        if name in OF_COUNTERS - OF_ANY and not inner.counter:
            self.wrong.append(f"{name} of what is no counter")
        if name in OF_GAUGES:
            self.shown(inner)
        if name in ("time", "scalar", "pi"):
            return SCALAR
        if name == "vector" or inner.is_scalar:
            return Answer()
        labels = inner.labels
        if name == "label_replace":
            self.has(labels, [texts[2]] if texts[2] else [], name)
            labels |= {texts[0]}
        elif name == "label_join":
            self.has(labels, texts[2:], name)
            labels |= {texts[0]}
        elif name == "histogram_quantile":
            self.has(labels, ["le"], name)
            labels -= {"le"}
        return Answer(labels)

    def join(self, sign, left, right, match, matched, group, included):
        """The answer of `left sign right`."""
        if sign not in ("and", "unless", "or"):
            self.shown(left)
            self.shown(right)
        if left.is_scalar or right.is_scalar:
            return Answer(left.labels | right.labels, is_scalar=left.is_scalar and right.is_scalar)
        if match == "on":
            self.has(left.labels, matched, f"the left of {sign}")
            self.has(right.labels, matched, f"the right of {sign}")
        elif match == "ignoring":
            self.has(left.labels | right.labels, matched, f"neither side of {sign}")
        if match != "on" and sign != "or":
            alone = (left.labels ^ right.labels) - frozenset(matched or ())
            self.wrong += [f"the sides of {sign} do not match: only one has the label {label}" for label in sorted(alone)]
        if sign == "or":
            return Answer(left.labels | right.labels)
        if sign in ("and", "unless"):
            return Answer(left.labels, counter=left.counter)
        many, one = (right, left) if group == "group_right" else (left, right)
        self.has(one.labels, included, "the other side")
        if group:
            return Answer(many.labels | frozenset(included))
        return Answer(frozenset(matched) if match == "on" else left.labels - frozenset(matched or ()))

"""Rows with a ratio and a goal beside each, printed as one table."""

import statistics


def middle(values):
    """The median; None when there is nothing."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def percentile(sorted_values, share):
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]


def number(value, digits=3):
    """Counts whole, else three digits that count, without exponents: 12,345 or 0.0123."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if isinstance(value, int) or value == 0:
        return f"{value:,.0f}"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    places = digits
    while places > 0 and abs(value) >= 10 ** (digits - places):
        places -= 1
    return f"{value:.{max(places, 0) if abs(value) >= 0.1 else places + 1}f}"


class Goal:
    """A bound and which side of it is good."""

    def __init__(self, bound, at_least=False, unit=""):
        self.bound, self.at_least, self.unit = bound, at_least, unit

    def text(self):
        return f"{'>=' if self.at_least else '<='} {number(self.bound)}{self.unit}"

    def is_met(self, value):
        return value >= self.bound if self.at_least else value <= self.bound

    def verdict(self, value):
        """met; or missed, and how many times the value would have to be better."""
        if value is None:
            return "not measured"
        if self.is_met(value):
            return "met"
        worse, better = (self.bound, value) if self.at_least else (value, self.bound)
        return f"MISSED by {worse / better:.2f} x" if better > 0 else f"MISSED by {number(abs(worse - better))}"


def at_least(bound, unit=""):
    return Goal(bound, True, unit)


def at_most(bound, unit=""):
    return Goal(bound, False, unit)


class Table:
    """Lines of cells; headings of parts; notes below."""

    def __init__(self, title, columns):
        self.title, self.columns = title, columns
        self.rows, self.notes = [], []

    def part(self, text):
        self.rows.append(text)

    def row(self, *cells):
        filled = list(cells) + [""] * (len(self.columns) - len(cells))
        self.rows.append([number(cell) for cell in filled])

    def goal(self, what, value, goal, *more):
        """A row of the last four columns: a figure, the goal beside it and whether it is met."""
        self.row(what, value, goal.text(), goal.verdict(value), *more)

    def note(self, text):
        if text not in self.notes:
            self.notes.append(text)

    def print(self):
        """Everything, unless there is nothing."""
        if not self.rows and not self.notes:
            return
        lines = [self.columns] + [row for row in self.rows if isinstance(row, list)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]
        print(f"\n{self.title}\n")
        print(layout(self.columns, widths))
        print("  ".join("-" * width for width in widths))
        for row in self.rows:
            print(layout(row, widths) if isinstance(row, list) else f"\n{row}")
        for note in self.notes:
            print(f"\n* {note}" if note is self.notes[0] else f"* {note}")
        print(flush=True)


def layout(cells, widths):
    """The first column to the left, the others to the right unless they are words."""
    texts = [cells[0].ljust(widths[0])]
    texts += [cell.rjust(width) if is_figure(cell) else cell.ljust(width) for cell, width in zip(cells[1:], widths[1:])]
    return "  ".join(texts).rstrip()


def is_figure(cell):
    return bool(cell) and (cell[0].isdigit() or cell[0] in "-+." or cell == "-") and "MISSED" not in cell

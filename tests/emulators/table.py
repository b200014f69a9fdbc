"""Reads the table of known differences (`differences.md`), and compares it with the differences that were found.

A row names a service (by its heading), steps and members, one in each line, and the response of each account. `*` matches
anything, and `=` means the same as ours. Every difference must have a row, and each part of a row must occur.
"""

import re
from typing import NamedTuple

COLUMNS = ["step", "member", "ours", "moto", "ministack", "why"]
EMULATORS = ["moto", "ministack"]
SAME = "="
NEXT_LINE = "<br>"


class Row(NamedTuple):
    line: int
    service: str
    cells: dict

    def patterns(self, column):
        return [_unquoted(pattern) for pattern in self.cells[column].split(NEXT_LINE)]

    def explains(self, found):
        theirs = self.cells[found.emulator]
        return (
            self.service == found.service
            and theirs != SAME
            and any(_fits(step, found.step) for step in self.patterns("step"))
            and any(_fits(member, found.member) for member in self.patterns("member"))
            and _fits(self.cells["ours"], found.ours)
            and _fits(theirs, found.theirs)
        )

    def stale(self, differences):
        """Returns the steps, members and emulators of this row that occur in no difference."""
        explained = [found for found in differences if self.explains(found)]
        steps = [it for it in self.patterns("step") if not any(_fits(it, found.step) for found in explained)]
        members = [it for it in self.patterns("member") if not any(_fits(it, found.member) for found in explained)]
        emulators = [
            it for it in EMULATORS if self.cells[it] != SAME and all(found.emulator != it for found in explained)
        ]
        return steps + members + emulators


class BadTable(Exception):
    """The table is invalid; the text names the line."""


def read(text):
    """Returns the rows of all tables, each under the heading `## service`."""
    rows, service = [], None
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("## "):
            service = line[3:].strip()
        if not line.startswith("|"):
            continue
        cells = [cell if NEXT_LINE in cell else _unquoted(cell) for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells == COLUMNS or all(set(cell) <= {"-"} for cell in cells):
            continue
        if len(cells) != len(COLUMNS) or not all(cells) or service is None:
            raise BadTable(f"line {number}: a row has the columns {', '.join(COLUMNS)}, none of them empty: {line}")
        rows.append(Row(number, service, dict(zip(COLUMNS, cells))))
    return rows


def judge(rows, differences):
    """Returns the differences that no row explains, and (row, what) for each part of a row that does not occur."""
    unexplained = [found for found in differences if not any(row.explains(found) for row in rows)]
    stale = [(row, what) for row in rows for what in row.stale(differences)]
    return sorted(unexplained), stale


def as_rows(differences):
    """Returns the differences as rows for the table, without their reasons."""
    places = {}
    for found in differences:
        places.setdefault((found.service, found.step, found.member, found.ours), {})[found.emulator] = found.theirs
    lines, heading = [], None
    for (service, step, member, ours), theirs in places.items():
        if service != heading:
            lines += ["", f"## {service}", ""]
            heading = service
        cells = [step, member, ours, *(theirs.get(emulator, SAME) for emulator in EMULATORS)]
        lines.append("| " + " | ".join(_quoted(cell) for cell in cells) + " | ? |")
    return "\n".join(lines)


def _fits(pattern, text):
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text, re.DOTALL) is not None


def _quoted(cell):
    return cell if cell == SAME else "`" + cell.replace("|", "\\|").replace("\n", " ") + "`"


def _unquoted(cell):
    return cell.strip().strip("`").replace("\\|", "|")

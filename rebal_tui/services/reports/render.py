"""Reports as one HTML page, as Markdown, and as rows for CSV and xlsx."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from importlib import resources
from typing import TYPE_CHECKING

from rebal_tui.domain.text import count_text
from rebal_tui.services.maintenance.export import csv_text
from rebal_tui.services.reports.terms import RULE, TERMS
from rebal_tui.services.reports.texts import day_text, minute_text, time_text

if TYPE_CHECKING:
    from rebal_tui.services.reports.model import Report, Table

COLUMNS = ("day", "time", "account_number", "client", "who", "what", "audit_entry", "table", "figures")
RESULT = "result of the day"
"""The table of the CSV rows that sum up a day."""
_MARKDOWN = re.compile(r"([\\`*_\[\]<>#|~&])")


def html(report: Report) -> str:
    """The report as one self-contained page that prints well: no script, and no font or picture from elsewhere."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(day=day_text, time=time_text, minute=minute_text)
    source = resources.files("rebal_tui.services.reports").joinpath("templates/report.html.jinja")
    template = environment.from_string(source.read_text(encoding="utf-8"))
    return template.render(
        report=report, period=period(report), facts=facts(report), audit=audit_text(report), terms=terms(report)
    )


def markdown(report: Report) -> str:
    """The report as Markdown, with markup characters in names and texts escaped."""
    lines = [f"# {_plain(report.title)}: {_plain(report.subject)}", ""]
    lines += [f"- {_plain(label)}: {_plain(value)}" for label, value in facts(report)]
    for section in report.sections:
        lines += ["", f"## {_plain(section.client)} · {_plain(section.number)}", ""]
        lines += [f"Follows now: {_plain(section.portfolio)} · account {_plain(section.account_id)}"]
        if not section.days:
            lines += ["", "Nothing happened in this period."]
        for day in section.days:
            lines += ["", f"### {day_text(day.day)}"]
            lines += [line for result in day.results for line in ("", f"**{_plain(result)}**")]
            for entry in day.entries:
                number = f" (audit entry {entry.audit})" if entry.audit is not None else ""
                lines += ["", f"{time_text(entry.at)} {_plain(entry.who)}: {_plain(entry.sentence)}{number}"]
                lines += [line for note in entry.notes for line in ("", _plain(note))]
                for table in entry.tables:
                    lines += _markdown_table(table)
    lines += ["", "## How to read this report", ""]
    lines += [f"- {_plain(term)}: {_plain(meaning)}" for term, meaning in terms(report)]
    return "\n".join([*lines, "", _plain(audit_text(report)), ""])


def csv(report: Report) -> str:
    """The report as CSV, one row per entry and per table row, safe to open in a spreadsheet."""
    return csv_text(COLUMNS, (dict(zip(COLUMNS, row, strict=True)) for row in flat_rows(report)))


def flat_rows(report: Report) -> Iterator[tuple[str, ...]]:
    """A report as rows of the cells of `COLUMNS`: the results of each day, every entry, and the rows of its tables."""
    for section in report.sections:
        for day in section.days:
            for result in day.results:
                yield (day.day.isoformat(), "", section.number, section.client, "", result, "", RESULT, "")
            for entry in day.entries:
                number = "" if entry.audit is None else str(entry.audit)
                start = (day.day.isoformat(), time_text(entry.at), section.number, section.client, entry.who)
                yield (*start, entry.sentence, number, "", "")
                for note in entry.notes:
                    yield (*start, note, "", "", "")
                for table in entry.tables:
                    for row in table.rows:
                        cells = "; ".join(f"{name} {cell}" for name, cell in zip(table.columns, row, strict=True))
                        yield (*start, "", "", table.title, cells)


def period(report: Report) -> str:
    """The period of a report as text: `… to …`, the only day, or `whole history`."""
    if report.first is None and report.last is None:
        return "whole history"
    if report.first is not None and report.first == report.last:
        return day_text(report.first)
    return f"{_bound(report.first, 'the beginning')} to {_bound(report.last, 'now')}"


def facts(report: Report) -> list[tuple[str, str]]:
    """The facts at the top of a report, as (label, text)."""
    return [
        ("Content", report.content),
        ("Period", period(report)),
        ("Accounts", count_text(len(report.sections), "account")),
        ("Made", f"{minute_text(report.made_at)} New York time, by the clock of the book"),
        ("Broker", report.broker),
        ("Times", "New York"),
        *([("Not complete", report.lacking)] if report.lacking else []),
    ]


def terms(report: Report) -> tuple[tuple[str, str], ...]:
    """The terms that a report explains; that of rule numbers only if the report has one."""
    entries = (entry for section in report.sections for day in section.days for entry in day.entries)
    numbered = any(_has_rules(table) for entry in entries for table in entry.tables)
    return TERMS if numbered else tuple(one for one in TERMS if one[0] != RULE)


def _has_rules(table: Table) -> bool:
    return RULE in table.columns and any(row[table.columns.index(RULE)] for row in table.rows)


def audit_text(report: Report) -> str:
    """The text at the end of a report: length, last hash and state of the audit trail."""
    foot = report.audit
    state = f"The chain has a fault: {foot.fault}." if foot.fault else "The chain was verified from its first entry."
    return f"Audit trail: {foot.seq:,} entries, the last with hash {foot.hash}. {state}"


def _bound(day: date | None, otherwise: str) -> str:
    return otherwise if day is None else day_text(day)


def _plain(text: str) -> str:
    return _MARKDOWN.sub(r"\\\1", text).replace("\n", " ")


def _markdown_table(table: Table) -> list[str]:
    rules = ["---:" if at in table.numeric else "---" for at in range(len(table.columns))]
    head = [f"| {' | '.join(_plain(name) for name in table.columns)} |", f"| {' | '.join(rules)} |"]
    rows = [f"| {' | '.join(_plain(cell) for cell in row)} |" for row in table.rows]
    return ["", f"{_plain(table.title)}", "", *head, *rows]

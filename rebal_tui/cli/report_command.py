"""`rebal-tui report`: what happened to an account and why, for an auditor."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from rebal_tui.cli.parameters import FILE, Day, command, db_option, existing_book_path, write, write_file
from rebal_tui.services.view_models.report_subject import REPORT_FORMATS, XLSX, ReportKind, ReportSubject


@command("report")
@db_option
@click.option("--account", metavar="ACCOUNT", help="One account, by id, number or words of the client's name.")
@click.option("--run", "run_id", metavar="ID", help="One run with the decision that made it.")
@click.option("--portfolio", metavar="NAME", help="All accounts that follow this portfolio, by name or id.")
@click.option("--book", "whole", is_flag=True, help="All accounts.")
@click.option("--from", "first", type=Day(), help="First day. Default: the first of the book.")
@click.option("--to", "last", type=Day(), help="Last day. Default: today.")
@click.option(
    "--format", "fmt", type=click.Choice(REPORT_FORMATS), default="html",
    help="Default: html. xlsx needs the extra: pip install 'rebal-tui[xlsx]'.",
)  # fmt: skip
@click.option(
    "--output", "-o", type=FILE, metavar="FILE", help="Write to this file, readable only by you, instead of stdout (-)."
)
@click.option("--force", is_flag=True, help="Replace the output file if it exists.")
@click.pass_context
def entry(
    ctx: click.Context, db: Path | None, account: str | None, run_id: str | None, portfolio: str | None, whole: bool,
    first: date | None, last: date | None, fmt: str, output: Path | None, force: bool,
) -> int:  # fmt: skip
    """Report what happened to an account day by day, and why.

    Every evaluation with its checks and the prices that it used, every run with its plan, orders and fills, who
    approved it and with which note, cash in and out, and the numbers of the audit entries. A report ends
    with the length of the audit trail and the hash of its last entry. HTML is one file that needs nothing else and
    prints well. Works while the book is open in another process.

    \b
    Examples:
      rebal-tui report --account "Moreau, Vera" -o moreau.html
      rebal-tui report --account 519821512 --from 2026-11-01 --to 2026-11-30 \\
        --format md
      rebal-tui report --portfolio "Balanced 60/40" -o balanced.html
    """
    chosen = [one for one in (account, run_id, portfolio) if one is not None]
    if len(chosen) + whole != 1:
        raise click.UsageError("expected one of --account, --run, --portfolio and --book", ctx)
    if run_id is not None and (first or last):
        raise click.UsageError("--run has no --from and --to: it shows the whole run", ctx)
    if first and last and first > last:
        raise click.UsageError(f"--from {first} is after --to {last}", ctx)
    from rebal_tui import reporting

    if fmt == XLSX and output is None:
        raise click.UsageError("xlsx is no text; expected --output FILE", ctx)
    path = existing_book_path(ctx, db)
    content = reporting.report_file(path, _subject(account, run_id, portfolio, first, last), fmt)
    if output is None:
        write(content.decode())
    else:
        write_file(output, content, force=force)
    return 0


def _subject(
    account: str | None, run_id: str | None, portfolio: str | None, first: date | None, last: date | None
) -> ReportSubject:
    if run_id is not None:
        return ReportSubject(ReportKind.RUN, run_id)
    if account is not None:
        return ReportSubject(ReportKind.ACCOUNT, account, first, last)
    if portfolio is not None:
        return ReportSubject(ReportKind.PORTFOLIO, portfolio, first, last)
    return ReportSubject(ReportKind.BOOK, "", first, last)

"""`rebal-tui approve`: approve the runs of a files book that wait for review."""

from __future__ import annotations

from pathlib import Path

import click

from rebal_tui.cli.files_books import opened
from rebal_tui.cli.parameters import command, db_option, existing_book_path, write
from rebal_tui.cli.tables import plain_table
from rebal_tui.domain.text import count_text


@command("approve")
@click.argument("runs", nargs=-1, metavar="RUN…")
@db_option
@click.option("--all", "every", is_flag=True, help="Approve every run that waits.")
@click.option("--note", default="", help="A note for the audit trail.")
@click.pass_context
def entry(ctx: click.Context, runs: tuple[str, ...], db: Path | None, every: bool, note: str) -> int:
    """Approve runs of a files book that wait for review; without --all or RUN, list them.

    \b
    Examples:
      rebal-tui approve                list the runs that wait
      rebal-tui approve --all
    """
    from rebal_tui.services.evaluation.history import plan_of
    from rebal_tui.services.runs.manual import approve_run

    with opened(existing_book_path(ctx, db)) as book:
        waiting = [run for run in book.open_runs.values() if run.awaits_approval]
        if not every and not runs:
            rows = [(run.id, run.type.value, book.accounts[run.account_id].account_number) for run in waiting]
            write(plain_table(("RUN", "TYPE", "ACCOUNT"), rows) + "\n")
            return 0
        chosen = [run for run in waiting if every or run.id in runs]
        orders = 0
        for run in chosen:
            plan = plan_of(book.database, run)
            if plan is not None:
                approve_run(book, run.id, plan, note)
                orders += len(book.broker.open_orders(run.account_id))
    write(f"{count_text(len(chosen), 'run')} approved, {count_text(orders, 'order')} for the next trade list.\n")
    return 0

"""`rebal-tui trades`: write the approved orders of a files book as a trade list."""

from __future__ import annotations

from pathlib import Path

import click

from rebal_tui.cli.files_books import opened
from rebal_tui.cli.parameters import FILE, command, db_option, existing_book_path, reporter, write, write_file
from rebal_tui.cli.tables import plain_table
from rebal_tui.domain.text import count_text

_FORMATS = ("generic", "blocks", "ibkr", "ibkr-allocations", "wealthscape")


@command("trades")
@click.argument("output", type=FILE, metavar="LIST.csv", required=False)
@db_option
@click.option("--format", "form", type=click.Choice(_FORMATS), default="generic", show_default=True)
@click.option("--list", "number", type=int, metavar="N", help="Write list N again, marked as a copy.")
@click.option("--columns", metavar="A,B,…", help="Columns of the generic format.")
@click.option("--codes", metavar="BUY,SELL,MARKET,DAY", help="Codes of Fidelity's Wealthscape template.")
@click.option("--close", "closed", type=int, metavar="N", help="End the open lines of list N; what was filled stands.")
@click.option("--force", is_flag=True, help="Replace an existing file.")
@click.pass_context
def entry(
    ctx: click.Context, output: Path | None, db: Path | None, form: str, number: int | None, columns: str | None,
    codes: str | None, closed: int | None, force: bool,
) -> int:  # fmt: skip
    """Write the approved orders of a files book as a trade list, or show the lists.

    Approved orders that are on no list yet are put on a new numbered list, sells and buys together. Nothing is sent:
    upload the file at the custodian, and report the fills with the next positions file or 'rebal-tui fills'.

    \b
    Examples:
      rebal-tui trades list.csv                  by account
      rebal-tui trades list.csv --format blocks  blocks with their allocations
      rebal-tui trades --close 3                 list 3 gets no more fills
    """
    from rebal_tui.broker.files.trade_formats import CODES, FORMATS, GENERIC_COLUMNS, WriteOptions
    from rebal_tui.broker.files.trade_lines import masked_lines
    from rebal_tui.services.book.files_settings import written_pairs
    from rebal_tui.services.files_book import trade_list as lists
    from rebal_tui.services.runs.processing import process_runs

    with opened(existing_book_path(ctx, db)) as book:
        if closed is not None:
            ended = lists.close_list(book, closed)
            process_runs(book)
            write(f"{count_text(ended, 'line')} of list {closed} ended.\n")
            return 0
        if output is None:
            rows = [(str(s.number), str(s.lines), str(s.filled), str(s.open)) for s in lists.list_states(book)]
            write(plain_table(("LIST", "LINES", "FILLED", "OPEN"), rows) + "\n")
            return 0
        options = WriteOptions(
            tuple(columns.split(",")) if columns else GENERIC_COLUMNS,
            written_pairs(book.database),
            codes=dict(zip(CODES, (codes or "").split(","), strict=False)) if codes else {},
        )
        with book.write():
            used = lists.make_list(book) if number is None else number
            made = lists.trade_list(book, used)
            copy = lists.note_written(book, used, form, output.name)
            write_file(output, FORMATS[form].write(made, options), force=force)
    report = reporter(output)
    text = f"List {used} with {count_text(len(made.lines), 'line')} written to {output}"
    report(text + (f", copy {copy}.\n" if copy else ".\n"))
    if masked := masked_lines(made.lines):
        report(f"{count_text(masked, 'line')} have a label for an account number, which an upload does not know.\n")
    if FORMATS[form].unproven:
        report("This format is unproven: compare the file with the custodian's own template before you use it.\n")
    return 0

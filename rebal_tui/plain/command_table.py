"""The commands of the linear mode by topic: names, arguments and summaries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from rebal_tui.plain import (
    acting,
    answering,
    assets,
    book_settings,
    cash,
    exporting,
    log,
    market,
    portfolio_editing,
    portfolios,
    reading,
    restrictions,
    subscribing,
)
from rebal_tui.plain.session import Session


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the linear mode: its name, arguments (`usage`), summary and other names; `run` carries it out.

    `asks`: whether it asks for confirmation.
    """

    name: str
    usage: str
    summary: str
    run: Callable[[Session, str], Awaitable[None]]
    others: tuple[str, ...] = ()
    asks: bool = False

    @property
    def line(self) -> str:
        """The command's line in the help: name, usage and summary."""
        summary = f"{self.summary[:-1]} (confirms first)." if self.asks else self.summary
        return f"{' '.join(filter(None, (self.name, self.usage)))}: {summary}"


TOPICS: Mapping[str, tuple[Command, ...]] = {
    "Firm and accounts": (
        Command("status", "", "Read the state of the book, the firm and its accounts.", reading.status),
        Command("desk", "FILTER", "List the subscribed accounts, such as: desk needs you, desk drift>5.", reading.desk),
        Command(
            "accounts", "FILTER", "List the accounts, such as: accounts moreau, accounts cash<0.", reading.accounts,
        ),
        Command("account", "NAME", "Read an account: figures, why it trades or not, holdings, runs.", reading.account),
        Command("why", "NAME", "Read every check of the decision for an account.", reading.why),
        Command("decisions", "NAME", "Read the stored decisions for an account.", reading.decisions),
        Command("preview", "NAME", "Read the run that would be made now. Nothing is sent.", reading.preview),
    ),
    "What needs you": (
        Command(
            "exceptions", "NUMBER", "List the exceptions and alerts, or read one.", reading.exceptions,
            ("exception", "alerts", "alert"),
        ),
        Command("answer", "NUMBER", "Do what the exception of this number asks for.", answering.answer, asks=True),
        Command("acknowledge", "NUMBER OR ALL", "Acknowledge an alert.", answering.acknowledge),
        Command("review", "", "List the runs that await review.", reading.review),
        Command("approve", "NUMBER OR ID, OR ALL", "Approve a run that awaits review.", acting.approve, asks=True),
        Command("reject", "NUMBER OR ID", "Reject a run that awaits review, with a note.", acting.reject, asks=True),
        Command(
            "override", "NUMBER OR ID", "Let a run that awaits review override restrictions, with a note.",
            acting.override, asks=True,
        ),
        Command("news", "", "Read what happened since the last request.", reading.news),
        Command("announce", "ON OR OFF", "Announce news before the prompt, or not.", reading.announce),
    ),
    "Trading": (
        Command("runs", "FILTER", "List the newest runs, or those of a client.", reading.runs),
        Command("run", "NUMBER OR ID", "Read a run: orders, weights, timeline, plan.", reading.run),
        Command("trade", "NAME", "Make the manual run that preview shows.", acting.trade, asks=True),
        Command("invest", "NAME", "Make a manual run that invests cash.", acting.invest, asks=True),
        Command("raise cash", "NAME", "Sell to raise and reserve an amount of cash.", cash.raise_cash, asks=True),
        Command("cancel", "NUMBER OR ID", "Cancel a run.", acting.cancel, ("cancel run",), asks=True),
        Command("evaluate", "", "Evaluate every account now.", acting.evaluate, asks=True),
        Command(
            "kill switch", "ON OR OFF", "Stop every new order, or release the stop.",
            market.kill_switch_on_or_off, asks=True,
        ),
    ),
    "Subscriptions": (
        Command(
            "subscribe", "NAME OR list, to PORTFOLIO", "Let an account, or all of the last list, follow a portfolio.",
            subscribing.subscribe, asks=True,
        ),
        Command(
            "move", "NAME OR list, to PORTFOLIO", "Move an account, or all of the last list.",
            subscribing.move, asks=True,
        ),
        Command(
            "unsubscribe", "NAME OR list", "End the subscription of an account, or of all of the last list.",
            subscribing.unsubscribe, asks=True,
        ),
        Command(
            "undo", "", "Undo the last subscription, move, unsubscription or edit of a portfolio.", acting.undo_last,
        ),
    ),
    "Making portfolios": (
        Command("portfolios", "", "List the portfolios.", reading.portfolios),
        Command("portfolio", "NAME", "Read a portfolio.", reading.portfolio),
        Command("new portfolio", "", "Make a portfolio.", portfolio_editing.new, ("new",), asks=True),
        Command("edit", "PORTFOLIO", "Change a portfolio.", portfolio_editing.edit, ("edit portfolio",), asks=True),
        Command(
            "duplicate", "PORTFOLIO", "Copy a portfolio under another name.", portfolios.duplicate,
            ("duplicate portfolio",), asks=True,
        ),
        Command(
            "import portfolio", "FILE", "Make a portfolio from a JSON file in the format of the API.",
            portfolios.import_file, asks=True,
        ),
        Command("impact", "PORTFOLIO", "Read the runs that its subscribers would make now.", portfolios.impact),
        Command(
            "deactivate", "PORTFOLIO", "Take a portfolio without subscribers out of use.", portfolios.deactivate,
            ("deactivate portfolio",), asks=True,
        ),
        Command(
            "activate", "PORTFOLIO", "Reactivate a portfolio if every asset can be bought.", portfolios.activate,
            ("activate portfolio", "reactivate"), asks=True,
        ),
        Command("versions", "PORTFOLIO", "Read what each version of a portfolio changed.", portfolios.versions),
        Command("go back", "PORTFOLIO to NUMBER", "Go back to a version.", portfolios.go_back, asks=True),
    ),
    "Restrictions and settings": (
        Command(
            "restrictions", "NAME, OR portfolio NAME", "List the restrictions of an account or a portfolio.",
            restrictions.restrictions,
        ),
        Command(
            "restrict",
            "NAME, list, OR portfolio NAME", "Add a restriction to an account, all of the last list, or a portfolio.",
            restrictions.restrict, asks=True,
        ),
        Command(
            "leave out", "SYMBOL of NAME", "Leave a line out of the run that preview shows, for its session.",
            restrictions.leave_out, asks=True,
        ),
        Command("lift", "NUMBER", "End a restriction of the last list.", restrictions.lift, asks=True),
        Command(
            "book settings", "", "Read the settings of the book, and change some.", book_settings.book_settings,
            asks=True,
        ),
        Command(
            "settings", "NAME", "Change whole shares, minimum trade, cooldown and review of an account.",
            restrictions.settings, asks=True,
        ),
    ),
    "Cash": (
        Command("withdrawals", "", "List the withdrawals.", reading.withdrawals),
        Command("withdraw", "AMOUNT OR EVERYTHING, NAME", "Request a withdrawal.", acting.withdraw, asks=True),
        Command("cancel withdrawal", "NUMBER", "Cancel a withdrawal.", acting.cancel_withdrawal, asks=True),
        Command(
            "retry withdrawal", "NUMBER", "Retry a stopped withdrawal.", cash.retry, ("retry",), asks=True,
        ),
        Command(
            "journal in", "AMOUNT NAME", "Move cash from the firm account to a client.", cash.journal_in, asks=True,
        ),
        Command(
            "journal out", "AMOUNT NAME", "Move cash from a client to the firm account.", cash.journal_out, asks=True,
        ),
        Command("release cash", "NAME", "Release the reserved cash of an account.", cash.release, asks=True),
        Command("deposit", "AMOUNT NAME", "Deposit cash in a simulated account.", acting.deposit, asks=True),
    ),
    "Files": (
        Command(
            "report", "account NAME, portfolio NAME, run NUMBER, OR book",
            "Write what happened and why to a file, for an auditor.", exporting.report,
        ),
        Command(
            "export", "WHAT", "Write records of the whole book, or the last list, to a CSV or JSON file.",
            exporting.export,
        ),
    ),
    "Market and simulation": (
        Command(
            "assets", "TEXT", "List the assets with their prices, or those with a text in their name.", assets.assets,
        ),
        Command("asset", "SYMBOL", "Read an asset: price, state, portfolios and holders.", assets.asset),
        Command("pause", "", "Pause the simulated market.", market.pause),
        Command("resume", "", "Resume the simulated market.", market.resume),
        Command("speed", "NUMBER", "Simulated seconds per real second.", market.speed),
        Command("step", "", "Advance to the next session.", market.step, asks=True),
    ),
    "Log": (
        Command("jobs", "", "List the jobs of the scheduler.", log.jobs),
        Command("run job", "NUMBER", "Run a job of the last list now.", log.run_job, asks=True),
        Command("pause scheduler", "", "Pause the scheduler: no job starts.", log.pause, asks=True),
        Command("resume scheduler", "", "Resume the scheduler.", log.resume),
        Command("audit", "TEXT", "Read the newest audit entries, or those that contain a text.", log.audit),
        Command(
            "archive", "YEAR", "Read the archive of past years, or move the years up to one into it.", log.archive,
            asks=True,
        ),
        Command("verify", "", "Verify the audit trail from its first entry.", log.verify),
    ),
}  # fmt: skip

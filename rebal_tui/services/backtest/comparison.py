"""Data of the Lab section: policies of a portfolio compared over a history."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rebal_tui.domain.errors import Invalid, Refusal
from rebal_tui.domain.portfolios import Portfolio, Weights
from rebal_tui.domain.text import fold
from rebal_tui.lab.backtest import Backtest, Outcome, run_backtest
from rebal_tui.lab.cheaper import cheaper_sentence
from rebal_tui.lab.dominance import dominated
from rebal_tui.lab.luck import Luck, luck_of
from rebal_tui.lab.policies import Policy, default_grid
from rebal_tui.lab.progress import Cancelled, Progress
from rebal_tui.market.closes import Closes
from rebal_tui.market.closes_file import read_closes
from rebal_tui.services.backtest import histories
from rebal_tui.services.backtest.histories import SAMPLE_PORTFOLIO, Source
from rebal_tui.services.backtest.subjects import policy_of
from rebal_tui.services.book.book import Book

MIN_SESSIONS = 250
"""A shorter history of the book's own prices is replaced by the sample."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the book has for a backtest: a portfolio and closes of its assets; None where it has none."""

    portfolio: Portfolio | None = None
    closes: Closes | None = None


@dataclass(frozen=True, slots=True)
class Subject:
    """A portfolio and the history that it is tested on."""

    name: str
    weights: Weights
    policy: Policy
    source: Source
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A policy in the table. Fractions as in `Figures`; `low` and `high` bound 95 % of its return less your policy's.

    `worse` is whether another policy is better in every respect, or rebalances on the same days and comes first.
    """

    number: int
    label: str
    own: bool
    worse: bool
    rebalances: float
    turnover: float
    rms: float
    worst: float
    outside: float
    annual_return: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """A finished backtest with its rows, the portfolio's own policy first."""

    subject: Subject
    backtest: Backtest
    luck: Luck
    rows: tuple[PolicyRow, ...]

    @property
    def cheaper(self) -> str:
        """Which policy costs less than the portfolio's own, in a sentence."""
        return cheaper_sentence([outcome.figures for outcome in self.backtest.outcomes])

    def outcome(self, number: int) -> Outcome:
        """The outcome of a row."""
        return self.backtest.outcomes[number]


def portfolio_names(book: Book) -> tuple[tuple[str, str], ...]:
    """Id and name of every portfolio that has an asset, by name."""
    found = [(p.id, p.name) for p in book.portfolios.values() if p.weights.assets]
    return tuple(sorted(found, key=lambda item: (fold(item[1]), item[0])))


def choose(book: Book, portfolio_id: str | None) -> Choice:
    """A portfolio of the book with the book's own prices; without portfolio when it has none of that id."""
    portfolio = book.portfolios.get(portfolio_id or "")
    if portfolio is None:
        return Choice()
    try:
        return Choice(portfolio, histories.book_closes(book.database, portfolio.weights.symbols))
    except Invalid:
        return Choice(portfolio)


def subject(choice: Choice, closes: Path | None = None) -> Subject:
    """What to test: the chosen portfolio over the closes of a file, or without one over the book's prices in `choice`.

    Without a portfolio, or with prices of fewer than `MIN_SESSIONS` sessions, it is the sample with its own portfolio.
    Raises `Refusal`, which names the file, when it cannot be used.
    """
    portfolio, own = choice.portfolio, choice.closes
    if portfolio is None:
        return _sample("the book has no portfolio to test")
    if closes is not None:
        try:
            return _of(portfolio, histories.closes_source(closes.name, read_closes(closes), portfolio.weights.symbols))
        except Refusal as refusal:
            raise Invalid(f"{closes.name}: {refusal}") from refusal
    length = 0
    if own is not None:
        with suppress(Invalid):
            source = histories.book_source(own)
            length = source.history.length
            if length >= MIN_SESSIONS:
                return _of(portfolio, source)
    return _sample(f"{portfolio.name}: the book has prices of {length} sessions, too few; o opens a file of closes")


def compare(chosen: Subject, progress: Progress | None = None, canceled: Cancelled | None = None) -> Comparison:
    """Backtest the default grid. Does not use the book; raises `Canceled`."""
    backtest = run_backtest(
        chosen.name, chosen.weights, chosen.source.history, default_grid(chosen.policy), progress=progress,
        canceled=canceled,
    )  # fmt: skip
    luck = luck_of(backtest, canceled=canceled)
    worse = dominated([outcome.figures for outcome in backtest.outcomes])
    seen: set[tuple[object, ...]] = set()
    rows = []
    for number, outcome in enumerate(backtest.outcomes):
        figures = outcome.figures
        rows.append(
            PolicyRow(
                number, outcome.policy.label, number == 0, worse[number] or outcome.days in seen,
                figures.rebalances / backtest.history.years, figures.turnover, figures.rms, figures.worst,
                figures.outside, figures.annual_return, float(luck.annual_return.low[number]),
                float(luck.annual_return.high[number]),
            )
        )  # fmt: skip
        seen.add(outcome.days)
    return Comparison(chosen, backtest, luck, tuple(rows))


def _of(portfolio: Portfolio, source: Source) -> Subject:
    return Subject(portfolio.name, portfolio.weights, policy_of(portfolio), source)


def _sample(why: str) -> Subject:
    body = SAMPLE_PORTFOLIO
    return Subject(body.name, body.weights, policy_of(body), histories.sample_source(), (why,))

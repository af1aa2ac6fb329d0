"""Data of the Lab section: policies of a portfolio compared over a history."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from rebal_tui.domain.errors import Invalid, Refusal
from rebal_tui.domain.portfolios import Portfolio, Weights
from rebal_tui.domain.text import count_text, fold
from rebal_tui.lab.backtest import Backtest, Outcome, run_backtest
from rebal_tui.lab.cheaper import cheaper, cheaper_figures, cheaper_sentence, none_cheaper
from rebal_tui.lab.dominance import redundant
from rebal_tui.lab.fan import Fan, calendar_days, start_days
from rebal_tui.lab.figures import Figures
from rebal_tui.lab.luck import LEAST_SESSIONS, Luck, luck_of, sessions_of_months
from rebal_tui.lab.neighbors import Neighborhood, neighborhoods
from rebal_tui.lab.policies import Policy, default_grid
from rebal_tui.lab.progress import Cancelled, Progress
from rebal_tui.market.closes import Closes
from rebal_tui.market.closes_file import read_closes
from rebal_tui.services.backtest import histories
from rebal_tui.services.backtest.histories import SAMPLE_PORTFOLIO, Source
from rebal_tui.services.backtest.subjects import policy_of
from rebal_tui.services.book.book import Book

MAX_NEIGHBORED = 500
"""Policies of a grid whose neighbors are backtested too."""
SHORT_YEARS = 2.0
"""A shorter history is called short: policies with a calendar of a year hardly rebalance in it."""
MIN_SESSIONS = 250
"""A shorter history of the book's own prices is replaced by the sample."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The portfolio of a book that is chosen for a backtest, and the closes of its assets.

    `portfolio` is None for an unknown one, `closes` is None if the book has too few prices.
    """

    portfolio: Portfolio | None = None
    closes: Closes | None = None


class NamedPortfolio(NamedTuple):
    """A portfolio that can be chosen for a backtest, and the symbols whose prices the backtest needs."""

    id: str
    name: str
    symbols: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """A portfolio and the history that it is tested on.

    `policy` is the portfolio's own policy, `source` the history with its origin, and `notes` are sentences for the
    user. `portfolio_id` is None for a portfolio that is not in the book.
    """

    name: str
    weights: Weights
    policy: Policy
    source: Source
    notes: tuple[str, ...] = ()
    portfolio_id: str | None = None
    """The portfolio in the book; None for the sample's."""
    sample: bool = False
    """Whether it is the sample portfolio that ships with the program."""
    untested: str = ""
    """The name of the portfolio of the book that is not tested, so that the sample is; empty if there is none."""

    @property
    def own(self) -> str:
        """What sentences call the policy of the tested portfolio: `yours`, or `the sample's`."""
        return "the sample's" if self.sample else "yours"


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A policy in the table of a backtest.

    `number` is the index of the policy among all policies of the backtest, `own` marks the portfolio's own policy.
    `rebalances` is the number of rebalances a year. `turnover` is a fraction of average equity per year. `rms` and
    `worst` (drift) are fractions of equity: 0.01 is one percentage point. `outside` is the fraction of sessions with an
    asset outside its band. `annual_return` is per year; 0.01 is 1 %. `low` and `high` bound the 95 % interval of the
    policy's return minus that of the portfolio's own policy; None until computed. `worse`: another policy has no higher
    turnover, rms and worst drift, so that the table can leave this one out; never true of the cheaper one. `edge`: the
    policy's return differs from those of all its neighbors by more than 10 bp a year. `cheaper`: the one policy
    suggested because it costs less than the portfolio's own.
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
    low: float | None = None
    high: float | None = None
    edge: bool = False
    cheaper: bool = False


@dataclass(frozen=True, slots=True)
class Fans:
    """How much one policy's return depends on its start day and on its calendar day.

    `starts` has the return for each start day, None where the history is too short. `days` has the return for each day
    on which the policy's calendar could fire, None where the policy has no calendar.
    """

    starts: Fan | None = None
    days: Fan | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A finished backtest with its rows, the portfolio's own policy first.

    `with_luck` computes `luck` (how far the policies differ in resampled histories) and `fans` (of the portfolio's own
    policy). `around` has, by policy, the ranges of return and turnover of its neighbors, None for a policy without
    neighbors; it is empty with more than `MAX_NEIGHBORED` policies.
    """

    subject: Subject
    backtest: Backtest
    rows: tuple[PolicyRow, ...]
    luck: Luck | None = None
    around: tuple[Neighborhood | None, ...] = ()
    fans: Fans = Fans()

    @property
    def sentence(self) -> str:
        """A sentence on whether the policies differ in return, turnover and tracking by more than luck explains.

        Empty until `with_luck` has computed `luck`, except for a history that is too short for it.
        """
        length = self.backtest.history.length
        if length < LEAST_SESSIONS:
            return f"The history is too short to test luck: {length} sessions, at least {LEAST_SESSIONS} are needed."
        return "" if self.luck is None else self.luck.sentence

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes for the user about the portfolio and its prices."""
        notes = (*self.subject.notes, *self.subject.source.notes)
        history = self.backtest.history
        if history.years >= SHORT_YEARS:
            return notes
        never = sum(row.rebalances == 0 for row in self.rows)
        return (
            *notes,
            f"short history of {history.years:.1f} years: {never} of {len(self.rows)} policies never rebalance in it",
        )

    @property
    def cheaper(self) -> str:
        """Which policy costs less than the portfolio's own, in a sentence."""
        return cheaper_sentence(self._figures, self.subject.own, self.around)

    @property
    def cheaper_parts(self) -> tuple[str, str, str]:
        """Which policy costs less than the portfolio's own, as three texts: the policy, how it tracks, its figures.

        Without a cheaper policy: a text to that effect and two empty texts.
        """
        found = cheaper(self._figures, self.around)
        if found is None:
            return none_cheaper(self.subject.own), "", ""
        tracks = "among those that track about as well or better"
        if not found.as_well:
            tracks = "but it tracks worse, as do all that cost less"
        near = self.around[found.number] if self.around else None
        return self.rows[found.number].label, tracks, cheaper_figures(self._figures, found, near)

    @property
    def _figures(self) -> list[Figures]:
        return [outcome.figures for outcome in self.backtest.outcomes]

    @property
    def edges(self) -> int:
        """The number of policies that stand on an edge, as `PolicyRow.edge` has it."""
        return sum(row.edge for row in self.rows)

    def outcome(self, number: int) -> Outcome:
        """The outcome of the policy with this `PolicyRow.number`."""
        return self.backtest.outcomes[number]


def portfolio_names(book: Book) -> tuple[NamedPortfolio, ...]:
    """Every portfolio that has an asset, sorted by name."""
    found = [NamedPortfolio(p.id, p.name, p.weights.symbols) for p in book.portfolios.values() if p.weights.assets]
    return tuple(sorted(found, key=lambda item: (fold(item.name), item.id)))


def first_covered(named: Sequence[NamedPortfolio], closes: Path, chosen: int) -> int:
    """The index of the first portfolio, cyclically from `chosen`, whose assets all have a column in the file `closes`.

    Returns `chosen` when there is none, or when the file cannot be read.
    """
    try:
        known = set(read_closes(closes).symbols)
    except Refusal:
        return chosen
    order = (*range(chosen, len(named)), *range(chosen))
    return next((n for n in order if known.issuperset(named[n].symbols)), chosen)


def choose(book: Book, portfolio_id: str | None) -> Choice:
    """The portfolio with this id, with prices from the book's own evaluations; an empty `Choice` for an unknown id."""
    portfolio = book.portfolios.get(portfolio_id or "")
    if portfolio is None:
        return Choice()
    try:
        return Choice(portfolio, histories.book_closes(book.database, portfolio.weights.symbols))
    except Invalid:
        return Choice(portfolio)


def subject(choice: Choice, closes: Path | None = None) -> Subject:
    """What to test: the portfolio of `choice` over a file of closes, or without a file over the book's own prices.

    Without a portfolio in `choice`, or if the book's prices cover fewer than 250 sessions (`MIN_SESSIONS`), the result
    is the sample portfolio with the sample history. Raises `Invalid`, which names the file, when the file cannot be
    used.
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
    return _sample(
        f"the book has prices of {count_text(length, 'session')}, {MIN_SESSIONS} are needed; o opens a file",
        portfolio.name,
    )


def compare(
    chosen: Subject,
    progress: Progress | None = None,
    canceled: Cancelled | None = None,
    *,
    policies: Sequence[Policy] = (),
    cost_bps: float = 0.0,
    fill_delay: int = 0,
) -> Comparison:
    """Backtest the portfolio's own policy and `policies`, by default those of `default_grid`. Does not use the book.

    `cost_bps` is the cost of trading in basis points of each dollar traded; `fill_delay` is 1 when orders fill one
    session later. `progress` is called with the number of policies done. Raises `Canceled`.
    """
    grid = tuple(dict.fromkeys((chosen.policy, *policies))) if policies else default_grid(chosen.policy)
    backtest = run_backtest(
        chosen.name, chosen.weights, chosen.source.history, grid, cost_bps=cost_bps, fill_delay=fill_delay,
        progress=progress, canceled=canceled,
    )  # fmt: skip
    figures_of_all = [outcome.figures for outcome in backtest.outcomes]
    around = neighborhoods(backtest, canceled) if len(grid) <= MAX_NEIGHBORED else ()
    rows = []
    for number, (outcome, worse) in enumerate(zip(backtest.outcomes, redundant(backtest.outcomes), strict=True)):
        figures = outcome.figures
        rows.append(
            PolicyRow(
                number, outcome.policy.label, number == 0, worse,
                figures.rebalances / backtest.history.years, figures.turnover, figures.rms, figures.worst,
                figures.outside, figures.annual_return,
                edge=bool(around) and (near := around[number]) is not None and near.is_edge(figures),
            )
        )  # fmt: skip
    cheapest = cheaper(figures_of_all, around)
    if cheapest is not None:
        rows[cheapest.number] = replace(rows[cheapest.number], cheaper=True, worse=False)
    return Comparison(chosen, backtest, tuple(rows), around=around)


def with_luck(
    found: Comparison, resamples: int, progress: Progress | None = None, canceled: Cancelled | None = None,
    *, months: int | None = None, seed: int = 1,
) -> Comparison:  # fmt: skip
    """The comparison with its fields `luck` and `fans` filled; unchanged when the history is too short.

    `luck` is computed from `resamples` resampled histories, `fans` for the portfolio's own policy. `months` is the mean
    length of the resampled blocks of sessions. `progress` is called with the number of histories done. Raises
    `Canceled`.
    """
    backtest = found.backtest
    if backtest.history.length < LEAST_SESSIONS:
        return found
    block = None if months is None else sessions_of_months(backtest.history, months)
    luck = luck_of(backtest, resamples=resamples, block=block, seed=seed, progress=progress, canceled=canceled)
    low, high = luck.annual_return.low.tolist(), luck.annual_return.high.tolist()
    rows = tuple(replace(row, low=low[n], high=high[n]) for n, row in enumerate(found.rows))
    own = found.fans if found.luck is not None else fans(found, 0, None, canceled)
    return replace(found, rows=rows, luck=luck, fans=own)


def fans(
    found: Comparison, number: int, progress: Progress | None = None, canceled: Cancelled | None = None
) -> Fans:  # fmt: skip
    """How much the return of a policy depends on its start day and calendar day; `number` is `PolicyRow.number`.

    `progress` is called with the number of sessions done. Raises `Canceled`.
    """
    policy = found.outcome(number).policy
    starts = start_days(found.backtest, policy, progress, canceled)
    return Fans(starts, calendar_days(found.backtest, policy, (), progress, canceled))


def _of(portfolio: Portfolio, source: Source) -> Subject:
    return Subject(portfolio.name, portfolio.weights, policy_of(portfolio), source, portfolio_id=portfolio.id)


def _sample(why: str, untested: str = "") -> Subject:
    body = SAMPLE_PORTFOLIO
    source = histories.sample_source()
    return Subject(body.name, body.weights, policy_of(body), source, (why,), sample=True, untested=untested)

"""Rebalancing policies: when to trade, and where to stop."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from rebal_tui.domain.portfolios import (
    BandType,
    CalendarCondition,
    CalendarType,
    Condition,
    Destination,
    DriftBand,
    RebalanceScope,
)
from rebal_tui.domain.quantities import Percent, percent_text
from rebal_tui.engine.trace_text import calendar_text, ordinal


@dataclass(frozen=True, slots=True)
class Policy:
    """When a portfolio is rebalanced and how far.

    `absolute` is a band in hundredths of a percentage point, `relative` one in hundredths of a percent of the target. A
    band fires when drift exceeds it (R-15), so 0 means any drift at all; None is no band. `cooldown_days` are calendar
    days (R-17). Bands are checked in every `look`-th session, starting with session number `phase`; the first session
    has number 0. The calendar condition (R-16) is checked in every session. `destination` is where a rebalance stops
    that a band makes, `scope` which assets it trades (R-62, R-63); a rebalance that the calendar condition makes goes
    to the targets.
    """

    absolute: Percent | None = None
    relative: Percent | None = None
    calendar: CalendarCondition | None = None
    cooldown_days: int = 0
    look: int = 1
    destination: Destination = Destination.TARGET
    scope: RebalanceScope = RebalanceScope.WHOLE
    phase: int = 0

    @property
    def renews(self) -> bool:
        """Whether every rebalance goes to the targets, so that sessions after a rebalance do
        not depend on those before it.
        """
        return not self.bands or (self.destination is Destination.TARGET and self.scope is RebalanceScope.WHOLE)

    @property
    def bands(self) -> tuple[DriftBand, ...]:
        """The drift bands, the absolute one first."""
        kinds = ((BandType.ABSOLUTE, self.absolute), (BandType.RELATIVE, self.relative))
        return tuple(DriftBand(kind, percent) for kind, percent in kinds if percent is not None)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The rebalance conditions of a portfolio with this policy (R-5)."""
        return (*self.bands, *((self.calendar,) if self.calendar else ()))

    @property
    def label(self) -> str:
        """The policy in short words, such as `±5/20 % 7 d`, `quarterly 31st` or `±5 pp→halfway every 5 sessions`."""
        bands = "/".join(
            f"{percent_text(percent)}{unit}"
            for percent, unit in ((self.absolute, ""), (self.relative, " %"))
            if percent is not None
        )
        parts = [f"±{bands}" if bands else ""]
        if self.absolute is not None and self.relative is None:
            parts[0] += " pp"
        if self.calendar:
            parts.append(calendar_label(self.calendar))
        if not self.bands and not self.calendar:
            parts.append("never")
        if self.destination is not Destination.TARGET:
            parts[-1] += "→halfway" if self.destination is Destination.MIDDLE else f"→{self.destination}"
        if self.scope is RebalanceScope.BREACHED:
            parts.append("breached")
        if self.cooldown_days:
            parts.append(f"{self.cooldown_days} d")
        if self.look > 1:
            parts.append(f"every {self.look} sessions" + (f" from {self.phase}" if self.phase else ""))
        return " ".join(part for part in parts if part)

    @property
    def description(self) -> str:
        """The policy as a sentence, for a reader who does not know the abbreviations of `label`."""
        causes = []
        if self.absolute is not None:
            causes.append(f"an asset is more than {percent_text(self.absolute)} points from its target")
        if self.relative is not None:
            causes.append(f"an asset is off by more than {percent_text(self.relative)} % of its target")
        if self.calendar is not None:
            causes.append(f"its day comes ({calendar_text(self.calendar)})")
        if not causes:
            return "Never rebalances."
        parts = [f"Rebalances when {' or '.join(causes)}"]
        if self.cooldown_days:
            parts.append(f"{self.cooldown_days} days after the last time at the earliest")
        if self.look > 1:
            parts.append(f"the bands are checked every {self.look} sessions")
        if self.bands:
            scope = "assets outside their band trade" if self.scope is RebalanceScope.BREACHED else "all assets trade"
            aims = {Destination.TARGET: "to the target", Destination.MIDDLE: "halfway from edge to target"}
            parts.append(f"{scope}, {aims.get(self.destination, 'to the edge of the band')}")
        return f"{'; '.join(parts)}."

    @property
    def summary(self) -> str:
        """The sentence of `description`, but without the words for the default, that all assets trade to the target."""
        return self.description.replace("; all assets trade, to the target", "")


def calendar_label(condition: CalendarCondition) -> str:
    """A calendar condition in short words, such as `monthly 15th`, `weekly Friday` or `annually 12-31`."""
    return f"{condition.sub_type} {ordinal(int(condition.day)) if condition.day.isdigit() else condition.day}"


def own_policy(
    conditions: Iterable[Condition], cooldown_days: int, destination: Destination = Destination.TARGET,
    scope: RebalanceScope = RebalanceScope.WHOLE,
) -> Policy:  # fmt: skip
    """The policy with a portfolio's settings. Of several bands of one type, it has the narrowest (R-5)."""
    conditions = tuple(conditions)
    bands = [condition for condition in conditions if isinstance(condition, DriftBand)]

    def tightest(kind: BandType) -> Percent | None:
        return min((band.percent for band in bands if band.sub_type is kind), default=None)

    calendar = next((c for c in conditions if isinstance(c, CalendarCondition)), None)
    return Policy(
        tightest(BandType.ABSOLUTE), tightest(BandType.RELATIVE), calendar, cooldown_days, 1, destination, scope
    )  # fmt: skip


_ABSOLUTE = (100, 200, 300, 400, 500, 750, 1000)
_RELATIVE = (1000, 1500, 2000, 2500, 3000, 5000)
_PAIRS = ((200, 1000), (300, 1500), (500, 2000), (500, 2500), (750, 2500), (1000, 5000))
_COOLDOWNS = (0, 7, 31)
_CALENDARS = (
    CalendarCondition(CalendarType.WEEKLY, "Friday"),
    CalendarCondition(CalendarType.MONTHLY, "1"),
    CalendarCondition(CalendarType.MONTHLY, "15"),
    CalendarCondition(CalendarType.MONTHLY, "31"),
    CalendarCondition(CalendarType.QUARTERLY, "15"),
    CalendarCondition(CalendarType.QUARTERLY, "31"),
    CalendarCondition(CalendarType.ANNUALLY, "06-30"),
    CalendarCondition(CalendarType.ANNUALLY, "12-31"),
)


def default_grid(own: Policy) -> tuple[Policy, ...]:
    """About 100 policies: `own` first, then no rebalancing, calendar conditions, bands, and variants of these.

    The variants have cooldowns, bands checked in every 5th to 63rd session, and other destinations.
    """
    policies = [own, Policy(), *(Policy(calendar=calendar) for calendar in _CALENDARS)]
    for days in _COOLDOWNS:
        policies += [Policy(absolute=Percent(band), cooldown_days=days) for band in _ABSOLUTE]
        policies += [Policy(relative=Percent(band), cooldown_days=days) for band in _RELATIVE]
        policies += [Policy(Percent(absolute), Percent(relative), None, days) for absolute, relative in _PAIRS]
    for look in (5, 10, 21, 63):
        policies += [Policy(absolute=Percent(500), look=look), Policy(relative=Percent(2000), look=look)]
    for calendar in (_CALENDARS[5], _CALENDARS[7]):
        policies += [Policy(Percent(absolute), None, calendar, 7) for absolute in (500, 1000)]
        policies.append(Policy(Percent(500), Percent(2000), calendar, 7))
    policies += [replace(own, cooldown_days=days) for days in (0, 7, 31, 91)]
    for destination in (Destination.MIDDLE, Destination.EDGE):
        stopping = [Policy(absolute=Percent(500)), Policy(relative=Percent(2000)), *([own] if own.bands else [])]
        policies += [replace(policy, destination=destination) for policy in stopping]
    return tuple(dict.fromkeys(policies))

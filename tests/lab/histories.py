"""Small histories, and an independent simulation of one policy in fractions."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction

from rebal_tui.domain.portfolios import AssetWeight, Weights
from rebal_tui.domain.quantities import NANO, Percent, Price
from rebal_tui.lab.history import History
from rebal_tui.lab.policies import Policy

START = date(2020, 1, 6)


def weekdays(count: int, start: date = START) -> list[date]:
    days = (start + timedelta(days=n) for n in range(2 * count))
    return [day for day in days if day.weekday() < 5][: count + 1]


def history(rows: Sequence[Sequence[float | str]], start: date = START) -> History:
    """A history on weekdays; prices in dollars, exact where given as text."""
    days = weekdays(len(rows), start)
    prices = tuple(tuple(Price(int(Fraction(str(cell)) * NANO)) for cell in row) for row in rows)
    symbols = tuple(f"A{number}" for number in range(len(rows[0])))
    return History(symbols, tuple(days[:-1]), tuple(days[1:]), prices)


def random_history(seed: int, sessions: int = 120, assets: int = 3) -> History:
    """A random walk in cents."""
    draw = random.Random(seed)
    cents = [draw.randrange(2_000, 20_000) for _ in range(assets)]
    rows = []
    for _ in range(sessions):
        rows.append([f"{c // 100}.{c % 100:02}" for c in cents])
        cents = [max(100, c * (10_000 + draw.randint(-300, 305)) // 10_000) for c in cents]
    return history(rows)


def weights(*percents: int, cash: int = 0) -> Weights:
    """Weights in hundredths of a percent."""
    return Weights(tuple(AssetWeight(f"A{n}", Percent(p)) for n, p in enumerate(percents)), Percent(cash))


def simulated(history: History, target: Weights, policy: Policy, cost: Fraction = Fraction(0)) -> list[int]:
    """The sessions of a policy's rebalances to the targets, in fractions of a share."""
    shares = [Fraction(w.percent, 10_000) / price for w, price in zip(target.assets, history.rows[0], strict=True)]
    cash, last, events = Fraction(target.cash, 10_000), 0, []
    for session in range(1, history.length):
        prices = history.rows[session]
        values = [held * price for held, price in zip(shares, prices, strict=True)]
        equity = sum(values, cash)
        if (history.days[session] - history.days[last]).days < policy.cooldown_days:
            continue
        drifts = [(value / equity, Fraction(w.percent, 10_000)) for value, w in zip(values, target.assets, strict=True)]
        breached = session % policy.look == policy.phase and any(
            (policy.absolute is not None and abs(part - aim) > Fraction(policy.absolute, 10_000))
            or (policy.relative is not None and abs(part - aim) / aim > Fraction(policy.relative, 10_000))
            for part, aim in drifts
        )
        due = policy.calendar is not None and any(
            policy.calendar.day == str((history.days[session] + timedelta(days=n)).day)
            for n in range((history.following[session] - history.days[session]).days)
        )
        if breached or due:
            equity -= cost * sum(abs(part - aim) for part, aim in drifts) * equity
            shares = [aim * equity / price for (_, aim), price in zip(drifts, prices, strict=True)]
            cash, last = Fraction(target.cash, 10_000) * equity, session
            events.append(session)
    return events

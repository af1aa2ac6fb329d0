"""Confirmations of changes of a portfolio, and why a change is refused.

Used by the screens and by the linear mode (`--plain`, without screens).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rebal_tui.domain.portfolios import Portfolio, PortfolioStatus
from rebal_tui.domain.text import count_text
from rebal_tui.services.view_models.accounts import AccountRow
from rebal_tui.services.view_models.portfolio_versions import Difference, VersionView
from rebal_tui.services.view_models.portfolios import Impact, PortfolioRow, PortfolioView
from rebal_tui.tui.host import Asks
from rebal_tui.tui.questions import Question
from rebal_tui.tui.screens.portfolios.impact import affected_items, item_titles
from rebal_tui.tui.screens.portfolios.lines import NO_CONDITION, impact_text, names_text
from rebal_tui.tui.screens.portfolios.version_lines import change_text

if TYPE_CHECKING:
    from rebal_tui.services.parsing.portfolio_body import PortfolioBody

CHANGES_NAMED = 6
"""How many changes a confirmation names at most, so that its accounts stay on the screen."""


def changes_text(changes: Sequence[Difference]) -> str:
    """The changes of an edit as text, `SPY 60 % → 50 %, TLT 35 % → 45 %.`, followed by a blank line; empty without
    changes.
    """
    named = list(map(change_text, changes[:CHANGES_NAMED]))
    if len(changes) > CHANGES_NAMED:
        named.append(f"{len(changes) - CHANGES_NAMED} more")
    return f"{', '.join(named)}.\n\n" if named else ""


def _follow_text(impact: Impact) -> str:
    return "; runs and orders may follow then." if impact.conditioned else f". {NO_CONDITION}"


def save_question(portfolio: Portfolio, body: PortfolioBody, impact: Impact, host: Asks) -> Question:
    """Build the confirmation before the edit of a portfolio with subscribers is saved; `body` is the portfolio after
    the edit.

    The edit can be undone unless it makes the portfolio active (R-13), which the question then says.
    """
    text = (
        f"{changes_text(impact.changes)}{impact_text(impact)}\n\n"
        f"The next evaluation of its subscribers uses the saved portfolio{_follow_text(impact)} "
        "Saving itself sends nothing."
    )
    verb, undoable = "Save", portfolio.status is PortfolioStatus.ACTIVE
    if not undoable and (portfolio.fault or body.weights != portfolio.weights):
        verb = "Save and reactivate"
        text += " The portfolio is active from then on, which cannot be undone."
    items, titles = affected_items(impact, host), item_titles(impact)
    return Question(f"{verb} {body.name}?", verb, text, items=items, item_titles=titles, sends=True, undoable=undoable)


def deactivate_question(row: PortfolioRow, how_back: str) -> Question:
    """Build the confirmation before a portfolio is deactivated; `how_back` is the key or command that reactivates
    it.
    """
    text = f"Accounts can no longer subscribe to {row.name}. {how_back} reactivates it."
    return Question("Deactivate this portfolio?", "Deactivate", text)


def deactivate_refusal(row: PortfolioRow, followers: Sequence[AccountRow]) -> str:
    """Return why a portfolio cannot be deactivated; empty if it can. `followers` are its subscribers."""
    if row.status == PortfolioStatus.INACTIVE:
        return f"{row.name} is already inactive."
    if not followers:
        return ""
    names = names_text([follower.client for follower in followers[:3]], len(followers))
    return f"{row.name} has {count_text(len(followers), 'subscriber')}: {names}. Move or unsubscribe them first."


def reactivate_question(row: PortfolioRow, followers: Sequence[AccountRow]) -> Question:
    """Build the confirmation before a portfolio with subscribers (`followers`) is reactivated."""
    count = count_text(len(followers), "subscriber")
    text = f"The next evaluation includes {count} of {row.name}; runs and orders may follow."
    return Question("Reactivate this portfolio?", "Reactivate", text, sends=True)


def reactivate_refusal(row: PortfolioRow, view: PortfolioView) -> str:
    """Return why a portfolio cannot be reactivated; empty if it can."""
    if row.status == PortfolioStatus.ACTIVE:
        return f"{row.name} is already active."
    if not view.culprits:
        return ""
    adjusting = row.status == PortfolioStatus.NEEDS_ADJUSTMENT
    still = f"{row.name} still needs adjustment" if adjusting else f"{row.name} is still inactive"
    return f"{still}: {'; '.join(view.culprits)}."


def duplicate_text(row: PortfolioRow) -> str:
    """Return what a copy of a portfolio contains, as text above the field for its name."""
    return f"The same weights, conditions and cooldown as {row.name}, without its subscribers, under the name:"


def go_back_question(row: PortfolioRow, view: VersionView, impact: Impact) -> Question:
    """Build the confirmation before a portfolio gets the content of an earlier version again.

    The change can be undone unless it makes the portfolio active.
    """
    text = "Its content becomes a new version."
    if impact.subscribers:
        text += (
            f"\n\n{impact_text(impact)}\n\nThe next evaluation of its subscribers uses this version"
            f"{_follow_text(impact)}"
        )
    title = f"Go back to version {view.number} of {row.name}?"
    return Question(title, "Go back", text, sends=True, undoable=row.status == PortfolioStatus.ACTIVE)


def same_name_question(name: str) -> Question:
    """Build the confirmation before a second portfolio with this name is created."""
    return Question(f"Create another portfolio named {name}?", "Create", "The other one is not changed.", no="Not now")

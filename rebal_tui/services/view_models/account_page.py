"""The page of one account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rebal_tui.services.view_models.accounts import AccountDetail
from rebal_tui.services.view_models.desk import AccountView


@dataclass(frozen=True, slots=True)
class AccountPageView:
    """Everything that the page shows but audit entries, of one version of the book.

    `view` has holdings, decisions and history as the detail of the Desk has them; `detail` the tables of Accounts.
    """

    version: int
    view: AccountView
    detail: AccountDetail


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """One audit entry: its number, time, actor, and what happened as a sentence."""

    seq: int
    at: datetime
    actor: str
    text: str

"""The page of one account."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rebal_tui.services.view_models.accounts import AccountDetail
from rebal_tui.services.view_models.desk import AccountView


@dataclass(frozen=True, slots=True)
class AccountPageView:
    """Everything that an account's page shows except audit entries, from one version of the book.

    `view` is what the Desk shows of the account: holdings, decisions and history; `detail` has the tables of the
    Accounts screen.
    """

    version: int
    view: AccountView
    detail: AccountDetail


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """One audit entry: `seq` is its number, `text` what happened, as a sentence."""

    seq: int
    at: datetime
    actor: str
    text: str

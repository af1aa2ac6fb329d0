"""Guesses which account is the firm's own when its id is unknown, so that it is not treated as a client's (R-52).

A wrong guess only leaves out a client's account until the id is known. Without a guess, the firm's money could be
traded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from rebal_tui.broker.alpaca.json_values import Json

_CLIENT_TYPES = frozenset(
    {
        "", "trading", "custodial", "donor_advised", "ira", "trust", "joint", "hsa", "omnibus_sub",
        "omnibus_non_disclosed",
    }
)  # fmt: skip
_REMEDY = "connect again with --firm-account"
_COUNTERPARTIES = 2
"""A journal is between a client and the firm, so an account with journals of this many accounts is the firm's."""


def has_person(data: Json) -> bool:
    """Whether an account, as the API reports it, names a person or a contact, as a client's does."""
    return any(isinstance(data.get(part), dict) and data[part] for part in ("identity", "contact"))


def firm_reason(data: Json, *, others_have_person: bool) -> str:
    """Why an account, as the API reports it, may be the firm's own; empty when nothing indicates this.

    `others_have_person` is whether other accounts name a person.
    """
    kind = data.get("account_type")
    if isinstance(kind, str) and kind.lower() not in _CLIENT_TYPES:
        return f"it may be the firm's own account: its type is {kind[:30]}; {_REMEDY}"
    if others_have_person and not has_person(data):
        return f"it may be the firm's own account: it names no person, unlike the others; {_REMEDY}"
    return ""


def firm_candidates(rows: Mapping[str, Json], journals: Iterable[Json]) -> dict[str, str]:
    """For each account that may be the firm's own, the reason, by account id. `rows` has all accounts by id.

    Reasons are an account type that no client has, no name of a person, or journals with two or more other accounts.
    """
    known = any(map(has_person, rows.values()))
    found = {one: why for one, data in rows.items() if (why := firm_reason(data, others_have_person=known))}
    partners: defaultdict[object, set[object]] = defaultdict(set)
    for journal in journals:
        source, target = journal.get("from_account"), journal.get("to_account")
        if isinstance(source, str) and isinstance(target, str) and source != target:
            partners[source].add(target)
            partners[target].add(source)
    for account_id in rows:
        count = len(partners[account_id])
        if count >= _COUNTERPARTIES:
            found[account_id] = f"it may be the firm's own account: {count} accounts have journals with it; {_REMEDY}"
    return found

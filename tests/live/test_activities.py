"""Activities and announced corporate actions of the broker, read into what they change (R-54)."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from rebal_tui.broker.alpaca.activities import activity, cash_kind
from rebal_tui.broker.alpaca.announcements import announcement
from rebal_tui.broker.alpaca.json_values import Malformed
from rebal_tui.domain.activities import Activity
from rebal_tui.domain.cash import CashKind
from rebal_tui.domain.corporate_actions import ActionKind
from rebal_tui.domain.quantities import Money, parse_money, qty_text

CA = "7a3c1c0e-0000-4000-8000-000000000001"


def read(kind: str, subtype: str = "", details: dict[str, Any] | None = None, **changes: Any) -> Activity | None:
    """The activity of an event with these fields."""
    return activity(
        {"activity_type": kind, "activity_subtype": subtype, "ref_id": "r-1", "status": "executed",
         "details": details or {}, **changes}
    )  # fmt: skip


def changes_of(found: Activity | None) -> dict[str, str]:
    assert found is not None
    return {change.symbol: qty_text(change.qty) for change in found.shares}


SPLIT = {"ca_id": CA, "symbol": "SPY", "ex_date": "2026-11-23", "old_rate": "1", "new_rate": "10", "old_qty": "7.5",
         "new_qty": "75"}  # fmt: skip
CASES: list[tuple[str, str, dict[str, Any], dict[str, str], ActionKind | None]] = [
    ("SPLIT", "FSPLIT", SPLIT, {"SPY": "67.5"}, ActionKind.SPLIT),
    ("SPLIT", "RSPLIT", SPLIT | {"old_rate": "10", "new_rate": "1", "new_qty": "0.75"}, {"SPY": "-6.75"},
     ActionKind.SPLIT),
    ("SPLIT", "RSPLIT", SPLIT | {"old_rate": "10", "new_rate": "1", "new_qty": "0.75", "new_symbol": "SPYD"},
     {"SPY": "-7.5", "SPYD": "0.75"}, ActionKind.SPLIT),
    ("SPLIT", "USPLIT", {"ca_id": CA, "old_symbol": "UNIT.U", "new_symbol": "UNIT", "alternate_symbol": "UNIT.W",
     "old_qty": "4", "new_qty": "4", "alternate_qty": "2", "effective_date": "2026-11-23"},
     {"UNIT.U": "-4", "UNIT": "4", "UNIT.W": "2"}, None),
    ("DIV", "CDIV", {"ca_id": CA, "symbol": "KO", "rate": "0.485", "entitled_qty": "10", "ex_date": "2026-11-23"}, {},
     ActionKind.CASH_DIVIDEND),
    ("DIV", "SDIV", {"ca_id": CA, "symbol": "KO", "rate": "0.05", "entitled_qty": "10", "new_qty": "10.5",
     "paid_qty": "0.5", "ex_date": "2026-11-23"}, {"KO": "0.5"}, ActionKind.STOCK_DIVIDEND),
    ("SPIN", "", {"ca_id": CA, "source_symbol": "GE", "new_symbol": "GEV", "source_rate": "4", "new_rate": "1",
     "new_price": "120", "source_qty": "8", "new_qty": "2", "ex_date": "2026-11-23"}, {"GEV": "2"},
     ActionKind.SPIN_OFF),
    ("MA", "CMA", {"ca_id": CA, "acquiree_symbol": "TWTR", "acquiree_qty": "3", "cash_rate": "54.2",
     "effective_date": "2026-11-23"}, {"TWTR": "-3"}, ActionKind.CASH_MERGER),
    ("MA", "SMA", {"ca_id": CA, "acquiree_symbol": "XLNX", "acquiree_qty": "2", "acquiree_rate": "1",
     "acquirer_symbol": "AMD", "acquirer_rate": "1.7234", "acquirer_qty": "3.4468", "effective_date": "2026-11-23"},
     {"XLNX": "-2", "AMD": "3.4468"}, ActionKind.STOCK_MERGER),
    ("NC", "SNC", {"ca_id": CA, "old_symbol": "FB", "new_symbol": "META", "position_qty": "9",
     "system_date": "2026-11-23"}, {}, ActionKind.SYMBOL_CHANGE),
    ("REORG", "WRM", {"ca_id": CA, "symbol": "SIVBQ", "removed_qty": "12", "system_date": "2026-11-23"},
     {"SIVBQ": "-12"}, ActionKind.DELISTING),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "subtype", "details", "shares", "action"), CASES)
def test_an_activity_of_a_corporate_action_has_its_shares_and_terms(
    kind: str, subtype: str, details: dict[str, Any], shares: dict[str, str], action: ActionKind | None
) -> None:
    found = read(kind, subtype, details)
    assert changes_of(found) == shares
    assert found is not None
    assert found.part is not None
    assert (found.part.id, found.part.day) == (CA, date(2026, 11, 23))
    assert (found.part.action.kind if found.part.action else None) is action
    assert found.covered


def test_the_ratio_of_a_split_is_new_to_old() -> None:
    found = read("SPLIT", "FSPLIT", SPLIT)
    assert found is not None
    assert found.part is not None
    assert found.part.action is not None
    assert found.part.action.text == "SPY 10 for 1"


def test_shares_that_are_transferred_or_journaled_keep_their_sign() -> None:
    assert changes_of(read("JNLS", details={"symbol": "SPY"}, qty="2.5")) == {"SPY": "2.5"}
    assert changes_of(read("ACATS", details={"symbol": "SPY"}, qty="-3")) == {"SPY": "-3"}


def test_only_executed_activities_are_booked() -> None:
    assert read("CSD", net_amount="5", status="pending") is None
    assert read("CSD", net_amount="5", status="teleported") is None
    canceled = read("CSD", net_amount="5", status="canceled", previous_id="r-0")
    assert canceled is not None
    assert (canceled.executed, canceled.replaces) == (False, "r-0")
    corrected = read("CSD", net_amount="6", status="correct", previous_id="r-0")
    assert corrected is not None
    assert (corrected.executed, corrected.cash) == (True, parse_money("6"))


@pytest.mark.parametrize(
    ("kind", "details"), [("VOF", {"symbol": "SPY"}), ("OPCA", {}), ("NEWKIND", {}), ("SPLIT", {"symbol": "SPY"})]
)
def test_a_kind_that_no_rule_covers_or_that_lacks_fields_keeps_its_cash_and_says_so(
    kind: str, details: dict[str, Any]
) -> None:
    found = read(kind, "FSPLIT" if kind == "SPLIT" else "", details, net_amount="-2.5")
    assert found is not None
    assert (found.covered, found.cash, found.shares) == (False, parse_money("-2.5"), ())


def test_cash_is_named_by_what_it_was_paid_for() -> None:
    named = {name: cash_kind(name, Money(1)) for name in ("CSD", "CSR", "JNLC", "DIV CDIV", "CGD", "ROC", "CIL", "FEE")}
    assert named == {
        "CSD": CashKind.DEPOSIT, "CSR": CashKind.ACH_RETURN, "JNLC": CashKind.JOURNAL_IN, "DIV CDIV": CashKind.DIVIDEND,
        "CGD": CashKind.DIVIDEND, "ROC": CashKind.DIVIDEND, "CIL": CashKind.CORPORATE_ACTION, "FEE": CashKind.OTHER,
    }  # fmt: skip
    assert cash_kind("JNLC", Money(-1)) is CashKind.JOURNAL_OUT


def announced(kind: str, action: str = "insert", **details: str) -> dict[str, Any]:
    """An event of the stream of corporate actions."""
    return {
        "event_id": "01K2", "at": "2026-11-20T12:00:00Z", "action": action, "region": "us",
        "event_type": f"{kind}_corporateaction_event",
        "ca": {"id": CA, "process_date": "2026-11-24", **details},
    }  # fmt: skip


def test_an_announced_split_takes_effect_on_its_ex_date() -> None:
    found = announcement(
        announced("reverse_split", symbol="SPY", old_rate="8", new_rate="1", ex_date="2026-11-23")
    )  # fmt: skip
    assert found is not None
    assert found.action is not None
    assert (found.id, found.symbol, found.day, found.withdrawn) == (CA, "SPY", date(2026, 11, 23), False)
    assert found.action.rate == Fraction(1, 8)


def test_an_announcement_can_be_withdrawn_and_may_lack_terms() -> None:
    found = announcement(announced("redemption", "delete", symbol="SPY"))
    assert found is not None
    assert (found.withdrawn, found.action, found.day) == (True, None, date(2026, 11, 24))
    assert announcement({"event_type": "redemption_corporateaction_event", "ca": {"id": CA}}) is None


def test_a_split_without_a_ratio_cannot_be_read() -> None:
    with pytest.raises(Malformed):
        announcement(announced("forward_split", symbol="SPY", ex_date="2026-11-23"))

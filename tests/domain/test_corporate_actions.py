"""Corporate actions: the fields of each kind, ratios, and splits recognized by a change in shares (R-53, R-54)."""

from __future__ import annotations

from fractions import Fraction

import pytest

from rebal_tui.domain.corporate_actions import ActionKind, CorporateAction, field_faults, parse_ratio, ratio_text
from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.quantities import Qty, parse_price, parse_qty
from rebal_tui.domain.split_ratios import split_like

COMPLETE: dict[str, dict[str, object]] = {
    "split": {"ratio": Fraction(2)},
    "cash_dividend": {"amount": parse_price("0.485")},
    "stock_dividend": {"ratio": Fraction(1, 20)},
    "spin_off": {"ratio": Fraction(1, 4), "new_symbol": "NEW", "price": parse_price("142.5")},
    "symbol_change": {"new_symbol": "NEW"},
    "cash_merger": {"amount": parse_price("54.2")},
    "stock_merger": {"ratio": Fraction(3, 2), "new_symbol": "NEW"},
    "delisting": {},
}
"""The fields with which each kind is complete."""
OTHER: dict[str, object] = {
    "ratio": Fraction(3),
    "amount": parse_price("1"),
    "new_symbol": "NEW",
    "price": parse_price("1"),
}
"""A valid value of each field."""
ACCEPTED = {("stock_merger", "price"), ("delisting", "amount")}
"""What a kind accepts and does not need."""


def faults(kind: str, **given: object) -> list[tuple[str, str]]:
    return [(fault.location, fault.message) for fault in field_faults(ActionKind(kind), "OLD", given)]


def located(kind: str, **given: object) -> list[str]:
    return [location for location, _ in faults(kind, **given)]


@pytest.mark.parametrize("kind", COMPLETE)
def test_a_kind_with_the_fields_that_it_needs_is_complete(kind: str) -> None:
    assert faults(kind, **COMPLETE[kind]) == []
    CorporateAction(ActionKind(kind), "OLD", **COMPLETE[kind])  # type: ignore[arg-type]  # the fields of an action


@pytest.mark.parametrize(("kind", "missing"), [(kind, name) for kind, given in COMPLETE.items() for name in given])
def test_a_missing_field_is_named(kind: str, missing: str) -> None:
    given = {name: value for name, value in COMPLETE[kind].items() if name != missing}
    words = kind.replace("_", " ")
    assert faults(kind, **given) == [(missing, f"{missing} is required for a {words}")]
    assert located(kind, **given | {missing: None}) == [missing]


@pytest.mark.parametrize(("kind", "more"), [(k, name) for k in COMPLETE for name in OTHER if name not in COMPLETE[k]])
def test_a_field_that_a_kind_does_not_use_is_refused(kind: str, more: str) -> None:
    """Otherwise a delisting with a `price` would pay nothing, although it was meant to pay that price."""
    expected = [] if (kind, more) in ACCEPTED else [more]
    assert located(kind, **COMPLETE[kind], **{more: OTHER[more]}) == expected


@pytest.mark.parametrize(
    ("kind", "more", "fields"),
    [
        ("split", "price", "kind and symbol and ratio"),
        ("delisting", "ratio", "kind and symbol and amount"),
        ("stock_merger", "amount", "kind and symbol and ratio and new_symbol and price"),
    ],
)
def test_the_fault_of_an_unexpected_field_names_those_of_the_kind(kind: str, more: str, fields: str) -> None:
    ((location, message),) = faults(kind, **COMPLETE[kind], **{more: OTHER[more]})
    assert location == more
    assert message == f"a {kind.replace('_', ' ')} has no {more}; expected {fields}"


@pytest.mark.parametrize(
    ("kind", "ratio", "accepted"),
    [
        ("split", Fraction(1_000_000), True),
        ("split", Fraction(1_000_001), False),
        ("split", Fraction(1, 1_000_000), True),
        ("split", Fraction(1, 1_000_001), False),
        ("split", Fraction(999_999, 1_000_000), True),
        ("split", Fraction(1), False),
        ("split", Fraction(0), False),
        ("split", Fraction(-2), False),
        ("stock_dividend", Fraction(1), True),
        ("stock_dividend", Fraction(1, 1_000_001), False),
        ("spin_off", Fraction(1), True),
        ("stock_merger", Fraction(1), True),
        ("stock_merger", Fraction(2_000_000), False),
    ],
)
def test_a_ratio_is_within_a_million_to_one_and_changes_something(kind: str, ratio: Fraction, accepted: bool) -> None:
    """A split of 1:1 changes nothing; a merger or a spin-off of one share for each does."""
    assert located(kind, **COMPLETE[kind] | {"ratio": ratio}) == ([] if accepted else ["ratio"])


def test_the_fault_of_a_ratio_says_which_limit_it_broke() -> None:
    assert faults("split", ratio=Fraction(2_000_000)) == [("ratio", "expected a ratio from 1:1000000 to 1000000:1")]
    ((location, message),) = faults("split", ratio=Fraction(1))
    assert (location, "1:1 for a split" in message) == ("ratio", True)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("cash_dividend", "amount"),
        ("cash_merger", "amount"),
        ("spin_off", "price"),
        ("stock_merger", "price"),
        ("delisting", "amount"),
    ],
)
@pytest.mark.parametrize(("billionths", "accepted"), [(-1, False), (0, False), (1, True)])
def test_dollars_of_an_action_are_above_zero(kind: str, name: str, billionths: int, accepted: bool) -> None:
    expected = [] if accepted else [(name, "expected dollars above 0")]
    assert faults(kind, **COMPLETE[kind] | {name: billionths}) == expected


@pytest.mark.parametrize("kind", ["spin_off", "symbol_change", "stock_merger"])
def test_the_new_symbol_is_another_one(kind: str) -> None:
    assert faults(kind, **COMPLETE[kind] | {"new_symbol": "OLD"}) == [
        ("new_symbol", "expected another symbol than OLD")
    ]
    assert located(kind, **COMPLETE[kind] | {"new_symbol": "OLDER"}) == []


def test_every_fault_is_reported_at_once() -> None:
    found = located("spin_off", amount=parse_price("3"), price=0, new_symbol="OLD")
    assert sorted(found) == ["amount", "new_symbol", "price", "ratio"]
    with pytest.raises(Invalid) as refusal:
        CorporateAction(ActionKind.SPLIT, "OLD", amount=parse_price("3"))
    assert [fault.location for fault in refusal.value.faults] == ["ratio", "amount"]


@pytest.mark.parametrize(
    ("text", "ratio"),
    [
        ("10", Fraction(10)),
        ("1.5", Fraction(3, 2)),
        ("3:2", Fraction(3, 2)),
        ("1:8", Fraction(1, 8)),
        ("4:6", Fraction(2, 3)),
        ("0.5:0.25", Fraction(2)),
        ("0.000000001", Fraction(1, 10**9)),
        ("1.7234", Fraction(8617, 5000)),
    ],
)
def test_a_ratio_is_read_exactly(text: str, ratio: Fraction) -> None:
    assert parse_ratio(text) == ratio


@pytest.mark.parametrize(
    "text",
    [
        *("", ":", "1:", ":2", "0", "0:1", "1:0", "0:0", "-2", "2:-1", "-2:-1"),
        *("1:2:3", "2:1:1:1", "1/2", "1e3", "1.0000000001", "2 : 1"),
    ],
)
def test_what_is_no_ratio_above_zero_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match=r'expected a ratio above 0 such as .*"3:2"'):
        parse_ratio(text)


@pytest.mark.parametrize(
    ("ratio", "text"), [(Fraction(10), "10"), (Fraction(3, 2), "3:2"), (Fraction(1, 8), "1:8"), (Fraction(1), "1")]
)
def test_a_ratio_is_written_new_to_old(ratio: Fraction, text: str) -> None:
    assert ratio_text(ratio) == text


@pytest.mark.parametrize(
    ("kind", "factor"), [("split", Fraction(2)), ("stock_dividend", Fraction(21, 20)), ("spin_off", Fraction(1))]
)
def test_the_shares_after_an_action_per_share_before(kind: str, factor: Fraction) -> None:
    action = CorporateAction(ActionKind(kind), "OLD", **COMPLETE[kind])  # type: ignore[arg-type]  # its fields
    assert action.shares_factor == factor


@pytest.mark.parametrize(
    ("before", "after", "split"),
    [
        ("100", "200", "2-for-1"),
        ("100", "50", "1-for-2"),
        ("100", "150", "3-for-2"),
        ("150", "100", "2-for-3"),
        ("100", "400", "4-for-1"),
        ("12.5", "250", "20-for-1"),
        ("250", "12.5", "1-for-20"),
        ("7", "133", "19-for-1"),
        ("0.000000001", "0.000000002", "2-for-1"),
        ("100", "100", ""),
        ("100", "200.000000001", ""),
        ("100", "2100", ""),
        ("2100", "100", ""),
        ("100", "125", ""),
        ("100", "250", ""),
        ("200", "500", ""),
        ("0", "0", ""),
        ("0", "200", ""),
        ("100", "0", ""),
        ("-100", "-200", ""),
        ("-100", "200", ""),
        ("100", "-200", ""),
    ],
)
def test_a_change_in_shares_is_that_of_a_common_split_or_of_none(before: str, after: str, split: str) -> None:
    assert split_like(parse_qty(before), parse_qty(after)) == split


def test_a_split_is_recognized_from_one_billionth_of_a_share() -> None:
    assert split_like(Qty(1), Qty(10)) == "10-for-1"
    assert split_like(Qty(10), Qty(1)) == "1-for-10"

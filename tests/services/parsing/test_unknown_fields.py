"""Unknown fields of a request body: misspelled and shortened names are refused, others are named."""

from __future__ import annotations

import pytest

from rebal_tui.domain.errors import Invalid
from rebal_tui.services.parsing.portfolio_requests import CreatePortfolio, UpdatePortfolio
from rebal_tui.services.parsing.requests import CreateOrder, CreateRun, CreateSubscription
from rebal_tui.services.parsing.shapes import Shape
from rebal_tui.services.parsing.unknown_fields import check_unknown

BODY = {"name": "Growth", "weights": []}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("conditions", "rebalance_conditions"),
        ("rebalanceConditions", "rebalance_conditions"),
        ("REBALANCE_CONDITIONS", "rebalance_conditions"),
        ("cooldown", "cooldown_days"),
        ("cool_down", "cooldown_days"),
        ("coolDownDays", "cooldown_days"),
        ("cooldown_period", "cooldown_days"),
        ("minimum", "minimum_trade"),
        ("scope", "rebalance_scope"),
        ("stagger", "stagger_sessions"),
        ("weigths", "weights"),
    ],
)
@pytest.mark.parametrize("shape", [CreatePortfolio, UpdatePortfolio])
def test_a_misspelled_or_shortened_name_is_refused(shape: type[Shape], name: str, meant: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_unknown(shape, {**BODY, name: 1})
    assert str(refused.value) == f'unknown field "{name}"; did you mean {meant}?'


@pytest.mark.parametrize(
    "name",
    ["color", "id", "created_at", "updated_at", "tags", "type", "", "__", "é", pytest.param("x" * 5_000, id="long")],
)
def test_another_name_is_only_named(name: str) -> None:
    (warning,) = check_unknown(CreatePortfolio, {**BODY, name: 1})
    assert warning.startswith("unknown field ")
    assert warning.endswith(" is ignored")


def test_a_part_of_a_name_that_is_given_is_only_named() -> None:
    body = {**BODY, "cooldown_days": 7, "cooldown": 7}
    assert check_unknown(CreatePortfolio, body) == ['unknown field "cooldown" is ignored']
    both = {"account_id": "a", "portfolio_id": "p", "account_number": "123", "portfolio_name": "Growth"}
    assert len(check_unknown(CreateSubscription, both)) == 2


@pytest.mark.parametrize("name", ["client_tag", "source", "subtag"])
@pytest.mark.parametrize("shape", [CreateRun, CreateOrder, CreateSubscription])
def test_fields_of_other_clients_stay_possible(shape: type[Shape], name: str) -> None:
    assert check_unknown(shape, {name: 1}, shape.ignored) == [f'unknown field "{name}" is ignored']


def test_what_is_no_object_has_no_unknown_fields() -> None:
    assert check_unknown(CreatePortfolio, [1]) == []

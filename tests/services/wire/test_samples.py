"""API, streams and exports write the recorded text, and the models declare it."""

from __future__ import annotations

import json
from typing import Any, get_type_hints

import pytest
from pydantic import TypeAdapter

from rebal_tui.services.wire.models import accounts, events, market, rebalancing
from tests.services.wire.samples import RECORDED, texts

RECORD: dict[str, str] = json.loads(RECORDED.read_text("utf-8"))
MODELS = {
    name: model
    for module in (rebalancing, accounts, market)
    for name, model in vars(module).items()
    if name in {sample.partition(" ")[0] for sample in RECORD}
}
LISTS: dict[str, Any] = {
    "Runs": list[rebalancing.Run],
    "Subscriptions": list[rebalancing.Subscription],
    "Events": list[tuple[int, str, events.Event]],
}


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    return texts()


@pytest.mark.slow
@pytest.mark.parametrize("name", RECORD)
def test_written_json_equals_the_recorded_sample(name: str, written: dict[str, str]) -> None:
    assert written[name] == RECORD[name]


def test_every_sample_is_recorded(written: dict[str, str]) -> None:
    assert set(written) == set(RECORD)


@pytest.mark.parametrize("name", [name for name in RECORD if not name.startswith(("Export", "Document"))])
def test_a_sample_is_what_its_model_declares(name: str) -> None:
    kind = name.partition(" ")[0]
    model = MODELS.get(kind) or LISTS[kind]
    TypeAdapter(model).validate_json(RECORD[name])
    if kind in MODELS and kind != "Snapshots":
        assert set(json.loads(RECORD[name])) == set(get_type_hints(model))

"""Published numbers compared with those of the lab."""

from __future__ import annotations

from pathlib import Path

import pytest

from rebal_tui.domain.errors import Invalid
from rebal_tui.lab.chains import run_chains
from rebal_tui.lab.literature import NOT_LISTED, NOT_REACHED, PUBLISHED_WEALTH
from rebal_tui.lab.peers import BAND, WEIGHTS, first_of_quarters, generated_history
from rebal_tui.services.backtest.literature import comparisons
from tests.cli.books import call

BT_BAND_DAYS = (
    "2014-04-25 2014-06-10 2014-09-25 2014-12-16 2015-05-27 2015-08-10 2015-12-17 2016-02-03 2016-04-13 2016-07-14 "
    "2016-09-14 2017-04-14 2017-06-02 2017-09-28 2018-01-03 2018-03-22 2018-07-09 2018-09-05 2019-02-08 2019-07-10 "
    "2019-10-25 2020-04-17 2020-09-02 2020-10-22 2020-12-30 2021-06-11 2021-07-26 2021-12-15 2022-06-14 2022-09-30 "
    "2023-02-08 2023-04-10 2023-08-16"
)
"""Days on which bt 1.4.1 (pandas 3.1.1, NumPy 2.4.6) traded after the first, printed by the code of `landscape.md` 2.2:
`Or([RunOnce(), RunIfOutOfBounds(.20)])` over `prices()` with seed 7."""


@pytest.mark.slow
def test_all_published_numbers_but_one_are_within_their_tolerance() -> None:
    rows = comparisons()

    assert len(rows) == 59
    assert [(row.what, row.published, round(row.ours, 1)) for row in rows if not row.reached] == [
        ("never: return %", 8.1, 9.0)
    ]
    assert next(row for row in rows if not row.reached).note


@pytest.mark.slow
def test_both_cases_of_bt_are_equal_to_the_cent_and_in_every_day() -> None:
    rows = {(row.source[:2], row.what): row for row in comparisons()}
    history = generated_history()
    events = run_chains(history, WEIGHTS, [BAND]).events

    assert f"{rows['bt', 'quarterly: final equity $'].ours:.2f}" == "1680229.07"
    assert f"{rows['bt', 'band of 20 %: final equity $'].ours:.2f}" == "1675261.85"
    assert events is not None
    assert [history.days[event].isoformat() for event in events[0]] == BT_BAND_DAYS.split()
    assert history.days[first_of_quarters(history)[-1]].isoformat() == "2023-07-03"


@pytest.mark.slow
def test_the_page_shows_what_is_not_reached() -> None:
    result = call("lab", "--literature")

    assert result.code == 0
    assert result.out.startswith("58 of 59 published numbers within their tolerance; ■ marks the others.\n")
    assert sum(line.startswith("■ ") for line in result.out.splitlines()) == 1
    assert all(sentence in result.out for sentence in (*NOT_LISTED, *NOT_REACHED))
    assert "12 numbers: computed with --data-sets only" in result.out
    assert call("lab", "--literature", "--json").json["reached"] == 58


@pytest.mark.slow
def test_data_sets_are_read_from_a_folder(tmp_path: Path) -> None:
    for name in PUBLISHED_WEALTH:
        (tmp_path / f"{name}.csv").write_text("A,B\n1.1,0.9\n1.2,0.95\n")
    rows = comparisons(tmp_path)[59:]
    assert len(rows) == 12
    assert rows[0].ours == pytest.approx((1.2 + 0.95) / 2)
    assert rows[1].ours == pytest.approx((1.2 / 1.1 + 0.95 / 0.9) / 2)

    (tmp_path / "msci.csv").write_text("A,B\n1.1,0\n")
    with pytest.raises(Invalid, match=r"msci.csv, line 2: expected 2 numbers above 0"):
        comparisons(tmp_path)
    with pytest.raises(Invalid, match=r"nyse_o.csv: the file cannot be read"):
        comparisons(tmp_path / "missing")


def test_literature_has_its_own_histories() -> None:
    assert call("lab", "--literature", "--sample").code == 2

"""Lists of weights as spreadsheets and people write them."""

from __future__ import annotations

import pytest

from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.services.parsing.weight_list import WeightList, read_weight_list

EXPECTED = WeightList((("VTI", "45.5"), ("VXUS", "20"), ("BND", "31.5")), "3", ())


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@pytest.mark.parametrize("separator", ["\t", " ", "   ", ",", ", ", ";", " ; ", "|"])
@pytest.mark.parametrize("sign", ["", "%", " %"])
def test_a_list_is_read_with_every_separator_and_line_end(separator: str, end: str, sign: str) -> None:
    lines = (("vti", "45.5"), ("VXUS", "20"), ("BND", "31.50"), ("cash", "3"))
    text = end.join(f"{symbol}{separator}{percent}{sign}" for symbol, percent in lines) + end
    read = read_weight_list(text)
    assert (read.lines[:2], read.lines[2][0], read.cash, read.faults) == (EXPECTED.lines[:2], "BND", "3", ())


@pytest.mark.parametrize(
    "text",
    [
        "Symbol\tTarget %\nVTI\t45.5\nVXUS\t20\nBND\t31.5\nCash\t3",
        "ticker;name;weight\nVTI;Total market;45,5 %\nVXUS;Abroad;20\n\nBND;Bonds;31,5\ncash;;3\nTotal;;100",
        "VTI 45,5\nVXUS 20\nBND 31,5\nCash 3",
        "VTI,Total market,45.5\nVXUS,Abroad,20\nBND,Bonds,31.5\nCASH,,3",
        '"VTI","45.5"\n"VXUS","20"\n"BND","31.5"\n"cash","3"',
        "Asset Percent\nVTI 45.5\nVXUS 20\nBND 31.5\nCASH 3",
        "VTI  Total market  45.5\nVXUS  Abroad  20\nBND  Bonds  31.5\nCASH  3",
    ],
)
def test_names_decimal_commas_and_totals_are_understood(text: str) -> None:
    assert read_weight_list(text) == EXPECTED


def test_a_line_that_is_not_understood_is_named_and_the_others_are_kept() -> None:
    read = read_weight_list("VTI\t60\nBND\tmost\n\nTLT\n")
    assert read.lines == (("VTI", "60"), ("BND", ""), ("TLT", ""))
    assert read.faults == (
        Fault("line 2", "expected a number such as 1234.56, got 'most'"),
        Fault("line 4", "expected a symbol and its percent"),
    )


def test_a_share_class_has_a_dot() -> None:
    assert read_weight_list("BRK/B 40\nVTI 60").lines == (("BRK.B", "40"), ("VTI", "60"))


@pytest.mark.parametrize("text", ["", "  \n", "hello", "Growth of 60 and more\nfor clients", '{"name": "x"}'])
def test_other_text_is_no_list(text: str) -> None:
    with pytest.raises(Invalid, match="expected a list of weights"):
        read_weight_list(text)


def test_two_decimal_marks_are_refused() -> None:
    with pytest.raises(Invalid, match=r"'45\.5' and '54,5' have different decimal marks"):
        read_weight_list("VTI\t45.5\nBND\t54,5")

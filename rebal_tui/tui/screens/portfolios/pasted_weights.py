"""Puts the weights of a pasted list into the portfolio form."""

from __future__ import annotations

from dataclasses import replace

from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.text import count_text
from rebal_tui.services.parsing.weight_list import NotAList, WeightList, read_weight_list
from rebal_tui.tui.screens.portfolios.form import MAX_WEIGHT_LINES, PortfolioForm, WeightText

_MAX_FAULTS = 3


def with_pasted(form: PortfolioForm, text: str, *, one_line: bool) -> tuple[PortfolioForm, str] | None:
    """Return the form with all its weights replaced by those of a pasted list, and a sentence about what was read.

    None if the text is no list; a single line is a list only with `one_line`. If some numbers have a decimal point and
    others a decimal comma, the form is returned unchanged, and the sentence gives the reason.
    """
    several = sum(1 for line in text.splitlines() if line.strip()) > 1
    if not (several or one_line):
        return None
    try:
        read = read_weight_list(text)
    except NotAList:
        return None
    except Invalid as error:
        return form, f"Nothing was pasted: {error}."
    return filled(form, read), f"Pasted {pasted_text(read)}."


def filled(form: PortfolioForm, read: WeightList) -> PortfolioForm:
    """Return the form with its weights and cash replaced by those of a list."""
    lines = tuple(WeightText(symbol, percent) for symbol, percent in read.lines[:MAX_WEIGHT_LINES])
    return replace(form, lines=lines or (WeightText(),), cash=read.cash)


def pasted_text(read: WeightList) -> str:
    """Return how many weights a list has, its cash, and its first faults."""
    parts = [count_text(len(read.lines), "weight") + (f" and cash {read.cash}" if read.cash else "")]
    parts += [str(fault) for fault in read.faults[:_MAX_FAULTS]]
    if len(read.faults) > _MAX_FAULTS:
        parts.append(f"and {count_text(len(read.faults) - _MAX_FAULTS, 'more error')}")
    if len(read.lines) > MAX_WEIGHT_LINES:
        parts.append(f"only the first {MAX_WEIGHT_LINES} fit")
    return "; ".join(parts)

"""Parsing of portfolio input, with every error and its location (R-3 to R-5).

The models are loaded at the first parse, because importing pydantic would delay the display of the first screen.
"""

from __future__ import annotations

import re

from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.portfolios import Portfolio, Weights
from rebal_tui.services.parsing.portfolio_body import PortfolioBody

_ITEM = re.compile(r"([a-z_]+)(?:\[([0-9]+)\])?")


def load_models() -> None:
    """Load the models in advance, so that the first key presses in a form do not wait for them."""
    import rebal_tui.services.parsing.portfolio_requests  # noqa: F401 - imported to be loaded


def parse_portfolio(raw: object) -> PortfolioBody:
    """Parse the body of an API request that creates a portfolio; unknown fields are ignored. Raises `Invalid`."""
    from rebal_tui.services.parsing.portfolio_requests import CreatePortfolio
    from rebal_tui.services.parsing.shapes import read

    return read(CreatePortfolio, raw).body()


def parse_pasted(raw: object) -> PortfolioBody:
    """Parse a portfolio as the API returns it; fields that only a stored one has are ignored. Raises `Invalid`."""
    from rebal_tui.services.parsing.portfolio_requests import PastedPortfolio
    from rebal_tui.services.parsing.shapes import read

    return read(PastedPortfolio, raw).body()


def parse_draft(raw: dict[str, object]) -> tuple[PortfolioBody, list[Fault]]:
    """Parse a portfolio that is being edited; returns its valid fields and conditions, and the errors of the rest."""
    try:
        return parse_portfolio(raw), []
    except Invalid as invalid:
        faults = list(invalid.faults)
    valid = dict(raw)
    invalid_fields = [match for fault in faults if (match := _ITEM.match(fault.location))]
    conditions = valid.get("rebalance_conditions")
    if isinstance(conditions, list):
        dropped = {int(match[2]) for match in invalid_fields if match[1] == "rebalance_conditions" and match[2]}
        valid["rebalance_conditions"] = [item for index, item in enumerate(conditions) if index not in dropped]
    for name in {match[1] for match in invalid_fields} - {"rebalance_conditions"}:
        valid.pop(name, None)
    empty = PortfolioBody("", "", Weights(()), 0, ())
    try:
        return _patched(empty, valid), faults
    except Invalid as invalid:
        # The fields are valid, but the sessions do not fit the calendar condition.
        del valid["stagger_sessions"]
        return _patched(empty, valid), [*faults, *(fault for fault in invalid.faults if fault not in faults)]


def portfolio_patch(before: Portfolio, raw: object) -> PortfolioBody:
    """A portfolio's content with the fields in `raw` changed; a field that is null or missing stays as it is.

    Raises `Invalid` with every error.
    """
    return _patched(PortfolioBody.of(before), raw)


def _patched(before: PortfolioBody, raw: object) -> PortfolioBody:
    from rebal_tui.services.parsing.portfolio_requests import UpdatePortfolio
    from rebal_tui.services.parsing.shapes import read

    return read(UpdatePortfolio, raw).over(before)

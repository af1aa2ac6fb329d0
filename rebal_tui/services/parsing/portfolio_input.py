"""Parsing of portfolio input, with every error and its location (R-3 to R-5).

The models are loaded at the first parse, because importing pydantic would delay the display of the first screen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from rebal_tui.domain.assets import Asset
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.portfolios import Portfolio, Weights
from rebal_tui.services.parsing.portfolio_body import PortfolioBody

_EXPORT_FIELDS = {"audit_head", "portfolios"}
"""Fields of an export of all portfolios."""
_ITEM = re.compile(r"([a-z_]+)(?:\[([0-9]+)\])?")


def load_models() -> None:
    """Load the models in advance, so that the first key presses in a form do not wait for them."""
    import rebal_tui.services.parsing.portfolio_requests  # noqa: F401 - imported to be loaded


def parse_portfolio(raw: object) -> PortfolioBody:
    """Parse the body of an API request that creates a portfolio; unknown fields are ignored. Raises `Invalid`."""
    from rebal_tui.services.parsing.portfolio_requests import CreatePortfolio
    from rebal_tui.services.parsing.shapes import read

    return read(CreatePortfolio, raw).body()


def parse_pasted(raw: object, assets: Mapping[str, Asset]) -> PortfolioBody:
    """Parse a portfolio as the API returns it or as it was exported; raises `Invalid`, also for any other field.

    Fields that only a stored portfolio has are ignored. `assets` are those of the book, by label: an asset id must be
    that of the asset with the weight's symbol. A list may contain only one portfolio.
    """
    from rebal_tui.services.parsing.portfolio_text import AssetReading, PastedPortfolio
    from rebal_tui.services.parsing.shapes import read

    return read(PastedPortfolio, only_portfolio(raw), AssetReading(assets)).body()


def parse_portfolio_file(raw: object, assets: Mapping[str, Asset]) -> PortfolioBody:
    """Parse a portfolio as `parse_pasted` does, but ignore every unknown field of it. Raises `Invalid`."""
    from rebal_tui.services.parsing.portfolio_text import AssetReading, PortfolioFile
    from rebal_tui.services.parsing.shapes import read

    return read(PortfolioFile, only_portfolio(raw), AssetReading(assets)).body()


def only_portfolio(raw: object) -> object:
    """The portfolio in a list of one, or in an export of all portfolios that has one; any other input as it is.

    Raises `Invalid` for several portfolios.
    """
    listed = raw
    if isinstance(raw, dict) and "portfolios" in raw and raw.keys() <= _EXPORT_FIELDS:
        listed = raw["portfolios"]
    if not isinstance(listed, list) or not listed or not all(map(_is_portfolio, listed)):
        return raw
    if len(listed) > 1:
        raise Invalid(
            f"expected one portfolio, found {len(listed):,}; paste only one of them, or keep only one in the file"
        )
    return listed[0]


def _is_portfolio(item: object) -> bool:
    """Whether an item of a list is a portfolio, even an invalid one, rather than a weight."""
    return isinstance(item, dict) and "weights" in item


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

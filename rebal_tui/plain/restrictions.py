"""Commands on restrictions of accounts and portfolios, and on settings of an account (R-60, R-64, R-65, R-67)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.text import count_text
from rebal_tui.domain.trading_rules import Concerned, RestrictionKind
from rebal_tui.plain.acting import carry_out, make
from rebal_tui.plain.asking import ask_form, ask_line
from rebal_tui.plain.reading import find_portfolio
from rebal_tui.plain.session import Session, chosen
from rebal_tui.plain.speech import sentence, spoken
from rebal_tui.plain.subscribing import find_accounts
from rebal_tui.plain.texts import preview_text
from rebal_tui.tui.book_services import desk_queries, restriction_queries, trade_settings
from rebal_tui.tui.book_services import restrictions as restriction_services
from rebal_tui.tui.questions import Question
from rebal_tui.tui.screens.restrictions.account_settings import account_settings_form
from rebal_tui.tui.screens.restrictions.screen import lift_effects, restriction_name
from rebal_tui.tui.screens.shared.leave_out import leave_out_form
from rebal_tui.tui.screens.shared.restriction_form import restriction_form

if TYPE_CHECKING:
    from rebal_tui.services.view_models.restrictions import RestrictionRow
    from rebal_tui.tui.screens.shared.form import Field, Values

PORTFOLIO = "portfolio "
OF_ACCOUNT = frozenset(kind.words for kind in RestrictionKind if kind.of_account)
HINTS = {
    "kind": f"one of {', '.join(kind.words for kind in RestrictionKind)}",
    "symbol": "its symbol",
    "min": "10 %, $5,000 or 20 shares; only enter without a lower bound",
    "max": "in the same unit; only enter without an upper bound",
    "until": "YYYY-MM-DD; only enter without an end",
    "reason": "required; kept in the audit trail",
}


async def _concerned(session: Session, text: str) -> tuple[str, Concerned]:
    """The name and identity of the accounts that a text names, or after the word `portfolio`, of the portfolio."""
    if text.casefold().startswith(PORTFOLIO):
        portfolio = await find_portfolio(session, text[len(PORTFOLIO) :])
        return f"portfolio {portfolio.name}", Concerned(portfolio_id=portfolio.id)
    chosen = await find_accounts(session, text)
    if len(chosen) > 1:
        return count_text(len(chosen), "account"), Concerned(chosen)
    account = await session.find_account(chosen[0])
    return account.client, Concerned(chosen)


async def restrictions(session: Session, text: str) -> None:
    """List the restrictions in force for the account or the portfolio that `text` names."""
    name, concerned = await _concerned(session, text)
    rows: Sequence[RestrictionRow] = await session.ask(
        restriction_queries.restriction_rows, concerned.account_ids, concerned.portfolio_id
    )
    session.restrictions = list(rows)
    head = f"{count_text(len(rows), 'restriction')} in force for {name}"
    session.write_list(head, len(rows), lambda at: f"{at + 1}. {_text(rows[at])}")


def _text(row: RestrictionRow) -> str:
    bounds = f" {row.bounds}" if row.bounds else ""
    until = f", through {row.until}" if row.until else ", without an end"
    return " ".join(
        (
            sentence(f"{restriction_name(row)}{bounds} for {spoken(row.concerns)}{until}"),
            sentence(f"Reason: {row.reason}"),
            sentence(f"Set by {row.made_by}"),
        )
    )


def _asked(field: Field, values: Values) -> bool:
    """Whether a kind of restriction has this field."""
    kind = " ".join(values["kind"].casefold().split())
    if field.key == "symbol":
        return kind not in OF_ACCOUNT
    return field.key not in ("min", "max") or kind == RestrictionKind.RANGE.words


async def restrict(session: Session, text: str) -> None:
    """Add a restriction to the account or the portfolio that `text` names, or to all accounts of the last list."""
    name, concerned = await _concerned(session, text)
    symbols = await session.ask(restriction_queries.symbols_held, concerned.account_ids, concerned.portfolio_id)
    session.say(f"New restriction for {name}")
    await carry_out(session, await ask_form(session, restriction_form(name, concerned, symbols), HINTS, _asked))


async def leave_out(session: Session, text: str) -> None:
    """Leave one asset out of the run that `preview` shows, by a lock restriction that ends with the session of the run.

    `text` is the symbol of the asset and the name of the account.
    """
    symbol, _, name = text.partition(" ")
    if not symbol:
        raise Invalid("Type an asset and an account, such as: leave out SPY of moreau")
    row = await session.find_account(name.removeprefix("of ").strip())
    view = await session.ask(desk_queries.preview, row.account_id)
    traded = [line.symbol for line in view.plan.lines if line.side is not None]
    symbol = symbol.upper()
    if symbol not in traded:
        raise Invalid(f"This run of {view.client} trades {', '.join(traded) or 'nothing'}, not {symbol}")
    form = leave_out_form(view, symbol, await session.ask(restriction_queries.session_of_next_run))
    values = {field.key: field.value for field in form.fields}
    reason = await ask_line(session, f"Reason, kept in the audit trail; only enter for {values['reason']}")
    values["reason"] = reason or values["reason"]
    proposal = await session.ask(form.propose, values)

    async def do() -> str:
        return await session.ask(proposal.act)

    if await make(session, Question(proposal.title, proposal.yes, proposal.text), do, proposal.done):
        session.write(preview_text(await session.ask(desk_queries.preview, row.account_id)))


async def lift(session: Session, text: str) -> None:
    """End the restriction whose number in the last list of restrictions is `text`."""
    usage = "Type restrictions and an account first, then lift and a number of that list"
    row = chosen(session.restrictions, text, usage)

    async def do() -> str:
        await session.ask(restriction_services.lift_restrictions, [row.id])
        return f"{restriction_name(row)} for {row.concerns}"

    question = Question("Lift the restriction?", "Lift", effects=lift_effects(row), sends=True)
    await make(session, question, do, "Lifted")


async def settings(session: Session, text: str) -> None:
    """Change settings of the account that `text` names: whole shares, minimum trade, cooldown, review."""
    row = await session.find_account(text)
    given = await session.ask(trade_settings.settings_of, row.account_id)
    session.say(f"Settings of {row.client}")
    await carry_out(session, await ask_form(session, account_settings_form(row.account_id, row.client, given)))

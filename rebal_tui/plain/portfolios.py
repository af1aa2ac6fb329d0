"""Commands on portfolios other than editing: impact, copy, activation, versions, and import from a file."""

from __future__ import annotations

import asyncio

from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.text import count_text, minute_text, name_text
from rebal_tui.plain.acting import make
from rebal_tui.plain.asking import ask_checked
from rebal_tui.plain.reading import find_portfolio
from rebal_tui.plain.session import PAGE, Session
from rebal_tui.plain.speech import label, spoken
from rebal_tui.plain.texts import weights_text
from rebal_tui.tui.book_services import portfolio_queries, portfolio_versions, undo
from rebal_tui.tui.book_services import portfolios as portfolio_services
from rebal_tui.tui.questions import Question
from rebal_tui.tui.screens.portfolios import questions
from rebal_tui.tui.screens.portfolios.columns import shares_of
from rebal_tui.tui.screens.portfolios.impact import affected_items
from rebal_tui.tui.screens.portfolios.lines import NO_CONDITION, impact_facts
from rebal_tui.tui.screens.portfolios.paste import create_from
from rebal_tui.tui.screens.portfolios.portfolio_file import read_portfolio_file
from rebal_tui.tui.screens.portfolios.screen import impact_as_it_is
from rebal_tui.tui.screens.portfolios.version_lines import summary
from rebal_tui.typed_paths import read_path, require_input_file


async def impact(session: Session, text: str) -> None:
    """Write what the subscribers of the portfolio that `text` names would trade if they were evaluated now."""
    row = await find_portfolio(session, text)
    if not row.subscribers:
        raise Invalid(f"{row.name} has no subscribers, so there is no impact")
    found = await session.ask(impact_as_it_is, row.id)
    session.write([label("Portfolio", row.name)])
    session.write(label(name.capitalize(), figure) for name, figure in impact_facts(found, changed=False))
    if not found.conditioned:
        session.write([NO_CONDITION])
    items = affected_items(found, session.backend)

    def line_of(at: int) -> str:
        item = items[at]
        turnover = f"turnover ${item.amount}" if item.amount else ""
        return label(spoken(item.name), ", ".join(filter(None, (item.text, turnover))))

    session.write_list(f"{count_text(len(items), 'account')} concerned. Nothing is sent", len(items), line_of)


async def duplicate(session: Session, text: str) -> None:
    """Copy the portfolio that `text` names under another name."""
    row = await find_portfolio(session, text)
    session.say(questions.duplicate_text(row).rstrip(":"))
    name = await ask_checked(session, "Name", "", f"{row.name} copy", _name_fault)
    stored = await session.ask(portfolio_services.duplicate_portfolio, row.id, name_text(name))
    session.done(f"Created {spoken(stored.name)}")


def _name_fault(text: str) -> str:
    try:
        name_text(text)
    except ValueError as error:
        return str(error)
    return ""


async def deactivate(session: Session, text: str) -> None:
    """Deactivate the portfolio that `text` names; it must have no subscribers."""
    row = await find_portfolio(session, text)
    view = await session.ask(portfolio_queries.portfolio_view, row.id)
    if refusal := questions.deactivate_refusal(row, view.subscribers):
        raise Invalid(refusal)

    async def do() -> str:
        return (await session.ask(portfolio_services.inactivate_portfolio, row.id)).name

    await make(session, questions.deactivate_question(row, "The command activate"), do, "Inactive")


async def activate(session: Session, text: str) -> None:
    """Reactivate the portfolio that `text` names if every asset of it can be bought."""
    row = await find_portfolio(session, text)
    view = await session.ask(portfolio_queries.portfolio_view, row.id)
    if refusal := questions.reactivate_refusal(row, view):
        raise Invalid(refusal)

    async def do() -> str:
        return (await session.ask(portfolio_services.reactivate_portfolio, row.id)).name

    await make(session, questions.reactivate_question(row, view.subscribers), do, "Active")


async def versions(session: Session, text: str) -> None:
    """Write what each version of the portfolio that `text` names changed, newest first."""
    row = await find_portfolio(session, text)
    found = await session.ask(portfolio_versions.version_views, row.id)

    def line_of(at: int) -> str:
        view = found[at]
        by = f" by {view.actor}" if view.actor else ""
        return label(f"Version {view.number}, {minute_text(view.at)}{by}", summary(view))

    session.write_list(f"{count_text(len(found), 'version')} of {row.name}", len(found), line_of)


async def go_back(session: Session, text: str) -> None:
    """Restore an earlier version of a portfolio; `text` is its name, `to` and the number of the version."""
    name, _, number = f" {text}".rpartition(" to ")
    if not number.isdecimal() or len(number) > 9:
        raise Invalid("Type a portfolio and a number of its versions, such as: go back balanced to 2")
    row = await find_portfolio(session, name.strip())
    found = await session.ask(portfolio_versions.version_views, row.id)
    impact = await session.ask(portfolio_versions.impact_of_version, row.id, int(number))
    view = next(view for view in found if view.number == int(number))
    session.write(label(one.field, f"{one.before or 'none'} to {one.after or 'none'}") for one in view.to_return[:PAGE])
    if await session.confirm(questions.go_back_question(row, view, impact)) is None:
        return
    stored, change = await session.ask(undo.go_back, row.id, view.number)
    session.done(f"{spoken(stored.name)} is as in version {number}", (change, f"the return to version {number}"))


async def import_file(session: Session, text: str) -> None:
    """Create a portfolio from the JSON file at the path `text`, in the format of the API."""
    if not text:
        raise Invalid("Type the path of a file, such as: import portfolio ~/balanced.json")
    path = read_path(text)
    require_input_file(path)
    content = await asyncio.to_thread(read_portfolio_file, path)
    body = await session.ask(portfolio_queries.pasted_portfolio, content)
    taken = await session.ask(portfolio_queries.has_name, body.name)
    session.write(weights_text(shares_of(body.weights)))
    plain = Question(f"Create {body.name}?", "Create", "It has no subscribers yet; nothing is sent.")
    if await session.confirm(questions.same_name_question(body.name) if taken else plain) is not None:
        session.done(f"Created {spoken((await session.ask(create_from, content)).name)}")

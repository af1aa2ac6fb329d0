"""Command palette providers: actions, accounts, portfolios, assets and runs by name, and the glossary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider

from rebal_tui.domain.errors import Refusal
from rebal_tui.domain.text import searchable
from rebal_tui.services.queries.names import Names
from rebal_tui.tui import formats
from rebal_tui.tui.action import Action
from rebal_tui.tui.action_table import ACTIONS
from rebal_tui.tui.actions import applies, offered
from rebal_tui.tui.book_services import name_queries, run_queries
from rebal_tui.tui.host import Host, host_of
from rebal_tui.tui.keymap import key_text
from rebal_tui.tui.sections import EVERYWHERE, LISTS, section_label
from rebal_tui.tui.text import printable, ui_text

if TYPE_CHECKING:
    from rebal_tui.services.view_models.runs import RunRow

NO_NAMES = Names((), frozenset(), (), ())
MAX_DATA_HITS = 30
"""How many objects of the book are listed for each of the scores below."""
ACTION_BONUS = 50.0
"""Added to the score of an action, so that it comes before objects of the book that match equally well."""
NAME_SCORE, HELP_SCORE, WITHIN_SCORE = 200.0, 120.0, 20.0
"""Scores by where all words of the query are found.

In this order: at the start of words of the name; at the start of words of the name or explanation; inside a word.
"""


def title(action: Action) -> str:
    """Return section and label of an action: `Desk: Preview run`; the label alone if it is in several sections."""
    return action.label if action.scope in (EVERYWHERE, LISTS) else f"{section_label(action.scope)}: {action.label}"


class _Provider(Provider):
    @property
    def host(self) -> Host:
        return host_of(self)


class ActionProvider(_Provider):
    """Actions available from the current section; choosing an action of another section switches to that section
    first.
    """

    def _actions(self) -> Iterator[Action]:
        section = self.app.current_mode
        for action in ACTIONS:
            elsewhere = action.scope == LISTS and not applies(action, section)
            if action.id != "app.palette" and not elsewhere and offered(action, self.host.mode_shown):
                yield action

    async def discover(self) -> Hits:
        for action in self._actions():
            yield DiscoveryHit(
                ui_text(title(action)),
                partial(self.host.perform, action),
                help=_help(action, self.host.settings_file.settings.keys),
            )

    async def search(self, query: str) -> Hits:
        for action in self._actions():
            score = score_of(query, title(action), action.help)
            if score > 0:
                yield Hit(
                    score + ACTION_BONUS,
                    ui_text(title(action)),
                    partial(self.host.perform, action),
                    help=_help(action, self.host.settings_file.settings.keys),
                )


def score_of(query: str, name: str, text: str = "") -> float:
    """Score a search result by its name and explanation (`text`); higher is better, 0 if a word of the query is in
    neither.

    Beginnings of words count more than letters within them, so `plan` finds an action called Plan before Kaplan.
    """
    words = searchable(query).split()
    if all(f" {word}" in f" {searchable(name)}" for word in words):
        return NAME_SCORE
    if all(f" {word}" in f" {searchable(f'{name} {text}')}" for word in words):
        return HELP_SCORE
    return WITHIN_SCORE if all(word in searchable(f"{name} {text}") for word in words) else 0


def _help(action: Action, keymap: Mapping[str, str]) -> str:
    return f"{key_text(keymap.get(action.id, action.keys))}  {action.help}"


class GlossaryProvider(_Provider):
    """Offers the glossary, which no key opens."""

    NAME = "Glossary"
    HELP = "Explain the words and the marks of the screens."

    async def discover(self) -> Hits:
        yield DiscoveryHit(self.NAME, self._show, help=self.HELP)

    async def search(self, query: str) -> Hits:
        score = score_of(query, self.NAME, self.HELP)
        if score > 0:
            yield Hit(score + ACTION_BONUS, self.NAME, self._show, help=self.HELP)

    def _show(self) -> None:
        from rebal_tui.tui.screens.shared.dialog import ReadScreen
        from rebal_tui.tui.screens.shared.glossary import glossary_lines

        self.app.push_screen(ReadScreen(self.NAME, glossary_lines()))


class DataProvider(_Provider):
    """Accounts, portfolios, assets and runs by name. Names are plain text, never patterns or markup."""

    _names = NO_NAMES
    _runs: Sequence[RunRow] = ()

    async def startup(self) -> None:
        """Load the names of accounts, portfolios and assets, and the newest runs with their present statuses."""
        try:
            self._names = await self.host.ask(name_queries.names_of)
            self._runs = (await self.host.ask(run_queries.runs_snapshot)).rows
        except Refusal:
            self._names, self._runs = NO_NAMES, ()

    async def search(self, query: str) -> Hits:
        found: Counter[float] = Counter()
        for text, command in self._things():
            score = score_of(query, text)
            if score > 0 and found[score] < MAX_DATA_HITS:
                yield Hit(score, ui_text(text), command, text=printable(text))
                found[score] += 1
                if found[NAME_SCORE] >= MAX_DATA_HITS:
                    return

    def _things(self) -> Iterator[tuple[str, Callable[[], None]]]:
        host = self.host
        names = self._names
        for account_id, client, number in names.accounts:
            name = f"Account {client} · {number}"
            if account_id in names.subscribed:
                shown = f"{name} · {formats.short_id(account_id)}"
                yield shown, partial(host.navigation.show_account, account_id)
            else:
                yield f"{name} · not subscribed", partial(host.navigation.show_in_accounts, account_id)
        for portfolio_id, name in names.portfolios:
            yield f"Portfolio {name}", partial(host.navigation.show_portfolio, portfolio_id)
            yield f"Portfolio {name} · its accounts", partial(host.navigation.show_desk_filtered, name)
        for symbol in names.symbols:
            yield f"Asset {symbol}", partial(host.navigation.show_asset, symbol)
        if self._runs:
            from rebal_tui.tui.screens.shared.run_lines import status_words

            for run in self._runs:
                state = "to review" if run.awaiting_approval else status_words(run.status).removeprefix("completed ")
                made = f"{formats.short_timestamp(run.created_at)} · {state}"
                text = f"Run {formats.short_id(run.id)} · {formats.words(run.type)} · {run.client} · {made}"
                yield text, partial(host.navigation.show_run, run.id)

"""The form that lets one run override restrictions, with a required note (R-61)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.runs import RunType
from rebal_tui.domain.text import fold
from rebal_tui.services.book.book import Book
from rebal_tui.services.view_models.desk import PreviewView
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import restriction_queries, run_override_queries, run_overrides
from rebal_tui.tui.questions import Effect
from rebal_tui.tui.screens.shared.form import Field, FormScreen, Proposal, Values
from rebal_tui.tui.screens.shared.list_screen import ListScreen
from rebal_tui.tui.screens.shared.plan_effects import plan_effects
from rebal_tui.tui.screens.shared.plan_lines import preview_lines, unsent_lines

ALL = "all"
"""The text to type to override every restriction of the account."""
Preview = Callable[[Book, Sequence[str], str], PreviewView]
Act = Callable[[Book, Sequence[str], str], str]


def manual_override(view: PreviewView) -> FormScreen:
    """Create the form that asks for restrictions and a note, and then creates the previewed
    run without these restrictions.
    """
    account_id, kind = view.account_id, RunType(view.plan.type)

    def preview(book: Book, ids: Sequence[str], note: str) -> PreviewView:
        return run_override_queries.preview_manual_override(book, account_id, kind, ids, note)

    def act(book: Book, ids: Sequence[str], note: str) -> str:
        run = run_override_queries.run_overriding(book, account_id, kind, ids, note)
        return f"{formats.short_id(run.id)} is {formats.words(run.status)}"

    title = f"Override restrictions in one {formats.words(kind)} · {view.client}"
    return _form(title, dict(view.overridable), preview, act, "Run")


NO_RESTRICTION = "No restriction of yours concerns this run; what the broker blocks stays blocked."


async def ask_for_queued_override(screen: ListScreen, run_id: str, account_id: str, client: str) -> None:
    """Ask for restrictions and a note for a run that awaits approval.

    The run then ignores these restrictions, and still awaits approval.
    """
    known: Mapping[str, str] = await screen.host.ask(restriction_queries.overridable, account_id)
    if not known:
        screen.host.say(NO_RESTRICTION, "warning")
    elif screen.is_current:
        screen.app.push_screen(queued_override(run_id, client, known))


def queued_override(run_id: str, client: str, known: Mapping[str, str]) -> FormScreen:
    """Create the form that lets a run that awaits approval ignore restrictions.

    `known` has the text of each restriction that can be overridden, by its id.
    """

    def preview(book: Book, ids: Sequence[str], note: str) -> PreviewView:
        return run_override_queries.preview_queued_override(book, run_id, ids, note)

    def act(book: Book, ids: Sequence[str], note: str) -> str:
        run_overrides.override_queued_run(book, run_id, ids, note)
        return f"run {formats.short_id(run_id)} of {client} awaits approval of its new plan"

    return _form(f"Override restrictions in this run · {client}", known, preview, act, "Override")


def _form(title: str, known: Mapping[str, str], preview: Preview, act: Act, yes: str) -> FormScreen:
    def propose(book: Book, values: Values) -> Proposal:
        ids, note = read_restrictions(values["restrictions"], known), values["note"]
        view = preview(book, ids, note)
        named = "; ".join(known[one] for one in ids)
        effects = (
            Effect(f"Ignored by this run only: {named}"),
            *plan_effects([view]),
            Effect("The note is kept with the run and in the audit trail.", style="muted"),
        )
        title = "Override the restriction?" if len(ids) == 1 else f"Override {len(ids)} restrictions?"
        lines = unsent_lines(preview_lines(view))
        return Proposal(lines, title, "", yes, lambda book: act(book, ids, note), "Overridden", effects)

    texts = tuple(known.values())
    choices = texts if len(texts) == 1 else (*texts, ALL)
    first = texts[0] if len(texts) == 1 else ""
    fields = [
        Field("restrictions", "Restriction", first, "right completes; all for every one", choices),
        Field("note", "Note", hint="required; why this run may do it"),
    ]
    return FormScreen(title, fields, propose, blame="restrictions")


def read_restrictions(text: str, known: Mapping[str, str]) -> tuple[str, ...]:
    """Return the ids of the restrictions that a text names: all for `all`, else the one whose description begins with
    it.

    `known` has the descriptions by id. If several begin with the text, those that equal it are returned. Raises
    `Invalid` if none begins with the text, or if several do and none equals it.
    """
    typed = fold(" ".join(text.split()))
    if typed == ALL:
        return tuple(known)
    found = [one for one, named in known.items() if typed and fold(named).startswith(typed)]
    exact = [one for one in found if fold(known[one]) == typed]
    if len(found) == 1 or exact:
        return tuple(exact or found)
    expected = f"{len(found)} begin so; type more of one" if found else f"expected {ALL}, or the beginning of one"
    raise Invalid([Fault("restrictions", expected)])

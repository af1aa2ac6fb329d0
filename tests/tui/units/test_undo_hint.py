"""The end of a message about a change: how it is undone, or why it cannot be."""

from __future__ import annotations

from textual.app import App

from rebal_tui.services.advisory.undo import Undo
from rebal_tui.tui.undo import UndoOffer


class Untimed(App[None]):
    """An app that offers an undo for as long as a test asks for it."""

    def set_timer(self, *_args: object, **_options: object) -> None:  # type: ignore[override]  # the offer only stops it
        return None


def test_a_change_names_its_undo_or_why_there_is_none() -> None:
    offer = UndoOffer(Untimed(), lambda: None)
    assert offer.hint == ""
    offer.offer(Undo((0, 0)), "the edit of Core")
    assert offer.hint == " u undoes it."
    offer.offer(Undo((0, 0), refusal="the edit made Core active, so it cannot be undone"), "the edit of Core")
    assert offer.hint == " The edit made Core active, so it cannot be undone."

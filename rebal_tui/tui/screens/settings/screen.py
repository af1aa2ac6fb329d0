"""Settings form. Settings of the screens are saved to a file, those of the book in the book; both apply at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Button, Input, Label, Select, Static

from rebal_tui.domain.portfolios import MinimumTrade
from rebal_tui.domain.text import count_text
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.guard_options import Guards
from rebal_tui.services.book.policy_options import BookPolicy
from rebal_tui.tui import themes
from rebal_tui.tui.book_services import guards as guard_services
from rebal_tui.tui.book_services import policy as policy_services
from rebal_tui.tui.book_services import trade_settings
from rebal_tui.tui.host import Host
from rebal_tui.tui.screens.settings import guards as guard_fields
from rebal_tui.tui.screens.settings.keys import KeysScreen
from rebal_tui.tui.screens.settings.policy_fields import REVIEW_WORDS, REVIEWS, TYPED, policy_text
from rebal_tui.tui.screens.shared.dialog import Dialog
from rebal_tui.tui.screens.shared.minimum_fields import MINIMUMS, minimum_of, minimum_texts
from rebal_tui.tui.settings import Density, Notify, Settings, save_settings
from rebal_tui.tui.text import ui_text
from rebal_tui.tui.widgets.form_scroll import FormScroll
from rebal_tui.tui.widgets.key_bar import KeyBar
from rebal_tui.tui.widgets.key_button import KeyButton

TITLE = "Settings · ↑ ↓ or tab moves between fields · enter opens a choice"
NOTIFY_WORDS = (("off", Notify.OFF), ("new alerts, by the terminal or bell", Notify.ALERTS))
"""Labels and values of the choices for notifications of the terminal."""


class ChoiceField(Select[str], inherit_bindings=False):
    """A choice that opens with enter or space. While it is closed, up and down move to the other fields of the form."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "show_overlay", "Open", show=False)]


class SettingsScreen(Dialog[None]):
    """The settings form. Faults are shown next to their fields and prevent saving."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel"),
        Binding("ctrl+s", "save", "Save", priority=True),
        Binding("f2", "keys", "Keys"),
        Binding("down", "app.focus_next", show=False),
        Binding("up", "app.focus_previous", show=False),
    ]
    DEFAULT_CSS = """
    SettingsScreen { background: $background; }
    SettingsScreen #settings-title { dock: top; height: 1; background: $panel; text-style: bold; padding: 0 1; }
    SettingsScreen FormScroll { padding: 0 2; }
    SettingsScreen .section { text-style: bold; color: $text-primary; margin-top: 1; }
    SettingsScreen .line { height: auto; }
    SettingsScreen Label { width: 18; color: $foreground 70%; }
    SettingsScreen Select { width: 44; }
    SettingsScreen Select > SelectOverlay, SettingsScreen Select > SelectOverlay:focus {
        border: round $primary !important; background: $panel;
    }
    SettingsScreen Input { width: 22; }
    SettingsScreen .hint { width: 1fr; height: auto; padding-left: 2; color: $foreground 60%; }
    SettingsScreen .hint.-fault { color: $text-error; text-style: bold; }
    SettingsScreen Button { margin-right: 2; min-width: 10; }
    SettingsScreen #settings-buttons { height: auto; margin-top: 1; }
    SettingsScreen #settings-note { color: $foreground 60%; margin-top: 1; height: auto; }
    """

    def __init__(
        self, settings: Settings, policy: BookPolicy, minimum: MinimumTrade | None, guards: Guards, note: str
    ) -> None:
        super().__init__()
        self._settings = settings
        self._policy = policy
        self._minimum = minimum
        self._guards = guards
        self._keys = dict(settings.keys)
        self._note = note
        self._given: dict[str, str] = {}
        self._edited: set[str] = set()
        """Names of the fields that were edited; other fields show no fault before the user tries to save."""

    @classmethod
    async def filled(cls, host: Host, theme: str) -> SettingsScreen:
        """Create the form with the chosen theme, the settings from the settings file, and the policy and guards of the
        book.
        """
        policy = await host.ask(policy_services.policy_of)
        minimum = await host.ask(trade_settings.book_minimum)
        guards = await host.ask(guards_of)
        file = host.settings_file
        where = (
            f"Screen settings are saved in {file.path}, the others in the book."
            if file.path
            else "Screen settings last until you quit, as there is no file for them; the others are saved in the book."
        )
        faults = "".join(f"\n■ {fault}" for fault in file.faults)
        return cls(replace(file.settings, theme=theme), policy, minimum, guards, where + faults)

    def compose(self) -> ComposeResult:
        policy = self._policy
        review = next(name for name, value in REVIEWS.items() if value is policy.review)
        yield Static(ui_text(TITLE), id="settings-title", markup=False)
        with FormScroll():
            yield Static(ui_text("Screens · for you, on this computer, in every book"), classes="section", markup=False)
            yield from self._choice("theme", "Theme", [(name, name) for name in themes.CYCLE], self._settings.theme)
            yield from self._choice("density", "Density", [(d, d) for d in Density], self._settings.density)
            yield from self._choice("notify", "Notifications", list(NOTIFY_WORDS), self._settings.notify)
            with Horizontal(classes="line"):
                yield Label("Keys", markup=False)
                yield KeyButton("Change keys…", "f2", id="keys")
                yield Static("", id="keys-hint", classes="hint", markup=False)
            yield Static(ui_text("This book · for everyone who opens it"), classes="section", markup=False)
            words = [(REVIEW_WORDS[name], name) for name in REVIEWS]
            yield from self._choice("review", "Review", words, review)
            for name, (label, hint, _) in TYPED.items():
                yield from self._field(name, label, hint, policy_text(getattr(policy, name)))
            texts = minimum_texts(self._minimum)
            for name, (label, hint, _) in MINIMUMS.items():
                yield from self._field(name, label, hint, texts[name])
            yield Static(ui_text("Guards · of this book, for everyone who opens it"), classes="section", markup=False)
            for switch, label in guard_fields.SWITCHES.items():
                on = "on" if getattr(self._guards, switch) else "off"
                yield from self._choice(switch, label, list(guard_fields.SWITCH_WORDS), on)
                for name in guard_fields.LIMITS_OF[switch]:
                    label, hint, _ = guard_fields.LIMITS[name]
                    yield from self._field(name, label, hint, guard_fields.limit_text(self._guards, name))
            with Horizontal(id="settings-buttons"):
                yield KeyButton("Save", "ctrl+s", id="save")
                yield KeyButton("Cancel", "esc", id="cancel")
            yield Static(ui_text(self._note), id="settings-note", markup=False)
        yield KeyBar()

    def _choice(self, name: str, label: str, options: list[tuple[str, str]], value: str) -> ComposeResult:
        with Horizontal(classes="line"):
            yield Label(label, markup=False)
            yield ChoiceField(options, allow_blank=False, value=value, id=name, compact=True)
        self._given[name] = str(value)

    def _field(self, name: str, label: str, hint: str, value: str) -> ComposeResult:
        self._given[name] = value
        with Horizontal(classes="line"):
            yield Label(label, markup=False)
            yield Input(value, id=name, compact=True)
            yield Static(ui_text(hint), id=f"{name}-hint", classes="hint", markup=False)

    def on_mount(self) -> None:
        self._show_key_count()
        self.query_one("#theme").focus()

    def _show_key_count(self) -> None:
        count = len(self._keys)
        text = f"{count_text(count, 'action')} with a custom key" if count else "all keys are the defaults"
        if self._keys != dict(self._settings.keys):
            text += ", not saved yet"
        self.query_one("#keys-hint", Static).update(ui_text(text))

    @on(Input.Changed)
    def _typing(self, event: Input.Changed) -> None:
        name = event.input.id or ""
        if event.value != self._given.get(name):
            self._edited.add(name)
        self._rules()
        self._read(MINIMUMS)
        self._read_guards()

    def _rules(self) -> BookPolicy | None:
        """Parse the fields of the policy and show their faults; returns None while a field is invalid."""
        review = REVIEWS[str(self.query_one("#review", Select).value)]
        read = {"review": review, **self._read(TYPED)}
        return BookPolicy(**read) if len(read) == len(fields(BookPolicy)) else None

    def _read_guards(self) -> Guards | None:
        """Parse the fields of the guards and show their faults; returns None while a field is invalid."""
        switches = {name: self.query_one(f"#{name}", Select).value == "on" for name in guard_fields.SWITCHES}
        read = {**switches, **self._read(guard_fields.LIMITS)}
        return Guards(**read) if len(read) == len(fields(Guards)) else None

    def _read(self, typed: Mapping[str, tuple[str, str, Callable[[str], Any]]]) -> dict[str, Any]:
        """Return the values of the valid text fields by name. The fault of an invalid field is shown if the field was
        edited.
        """
        read: dict[str, Any] = {}
        for name, (_, hint, parse) in typed.items():
            fault = ""
            try:
                read[name] = parse(self.query_one(f"#{name}", Input).value)
            except ValueError as error:
                fault = str(error)
            line = self.query_one(f"#{name}-hint", Static)
            fault = fault if name in self._edited else ""
            line.update(ui_text(f"✗ {fault}" if fault else hint))
            line.set_class(bool(fault), "-fault")
        return read

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "save":
            self.action_save()
        elif event.button.id == "keys":
            self.action_keys()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        fields = [*self.query(Input), *self.query(Select)]
        now = {str(field.id): str(field.value) for field in fields}
        self.leave(changed=now != self._given or self._keys != dict(self._settings.keys))

    def action_keys(self) -> None:
        def changed(keys: dict[str, str] | None) -> None:
            if keys is not None:
                self._keys = keys
                self._show_key_count()

        self.app.push_screen(KeysScreen(self._keys), changed)

    def action_save(self) -> None:
        self._edited.update(self._given)
        policy, guards, minimum = self._rules(), self._read_guards(), self._read(MINIMUMS)
        if self.app.screen is not self:
            return
        if policy is None or guards is None or len(minimum) < len(MINIMUMS):
            self.host.say("Not saved: correct the marked fields first.", "warning")
            return
        settings = replace(
            self.host.settings_file.settings,
            theme=str(self.query_one("#theme", Select).value),
            density=Density(str(self.query_one("#density", Select).value)),
            notify=Notify(str(self.query_one("#notify", Select).value)),
            keys=dict(self._keys),
        )
        self.host.work(self._save(settings, policy, minimum_of(minimum), guards), name="settings")

    async def _save(self, settings: Settings, policy: BookPolicy, minimum: MinimumTrade | None, guards: Guards) -> None:
        host = self.host
        before = host.settings_file.settings
        messages = await host.ask(policy_services.apply_policy, policy)
        messages += await host.ask(trade_settings.set_book_minimum, minimum)
        messages += await host.ask(guard_services.apply_guards, guards)
        if not save_settings(host, settings):
            return
        host.use_settings(settings)
        own = settings != before or not messages
        where = f" to {host.settings_file.path}" if own and host.settings_file.path else ""
        parts = [f"Saved{where}."] if own else []
        parts += [f"Saved in the book: {'; '.join(messages)}."] if messages else []
        host.say(" ".join(parts))
        host.pull_soon()
        self.dismiss()


def guards_of(book: Book) -> Guards:
    """Return the guards of a book."""
    return book.settings.guards

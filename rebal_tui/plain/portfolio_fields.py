"""The fields of a portfolio as questions: their names, and how each is read from and written to the screens' form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from rebal_tui.domain.portfolios import CalendarType, Destination, RebalanceScope
from rebal_tui.plain.asking import read_choice
from rebal_tui.tui.screens.portfolios import form as forms
from rebal_tui.tui.screens.portfolios.form import PortfolioForm

YES, NO = "yes", "no"
DAY_HINTS = {
    CalendarType.WEEKLY: "Monday to Friday",
    CalendarType.MONTHLY: "1 to 31",
    CalendarType.QUARTERLY: "1 to 31",
    CalendarType.ANNUALLY: "month and day, such as 03-31",
}
BAND_HINTS = {"absolute": "percentage points from the target", "relative": "percent of the target"}
SCOPES = {"all": RebalanceScope.WHOLE, "outside": RebalanceScope.BREACHED}


@dataclass(frozen=True, slots=True)
class AskedField:
    """A field for which the user is asked: its label and hint, where its faults are located, how to read and write it.

    `read` returns the text of the field in a form, `put` returns the form with a new text in the field. With `choices`,
    the answer must be one of these, or the beginning of one. `required` fields cannot be made empty.
    """

    label: str
    hint: str
    location: str
    read: Callable[[PortfolioForm], str]
    put: Callable[[PortfolioForm, str], PortfolioForm]
    choices: tuple[str, ...] = ()
    required: bool = False

    def write(self, form: PortfolioForm, text: str) -> PortfolioForm:
        """The form with the answer `text` in this field. Raises `ValueError` when the answer is none of its choices."""
        if not self.choices:
            return self.put(form, text)
        chosen = read_choice(text, self.choices)
        if chosen not in self.choices:
            raise ValueError(f"expected one of {', '.join(self.choices)}")
        return self.put(form, chosen)


def _names(_form: PortfolioForm) -> Sequence[AskedField]:
    return (
        AskedField(
            "Name", "", forms.NAME, lambda form: form.name, lambda form, text: replace(form, name=text), required=True
        ),
    )


def _description(_form: PortfolioForm) -> Sequence[AskedField]:
    return (
        AskedField(
            "Description", "optional", forms.DESCRIPTION, lambda form: form.description,
            lambda form, text: replace(form, description=text),
        ),
    )  # fmt: skip


def _bands(form: PortfolioForm) -> Sequence[AskedField]:
    return [_band(index, kind) for index, (kind, _) in enumerate(form.bands)]


def _band(index: int, kind: str) -> AskedField:
    def put(form: PortfolioForm, text: str) -> PortfolioForm:
        bands = list(form.bands)
        bands[index] = (bands[index][0], text.removesuffix("%").strip())
        return replace(form, bands=tuple(bands))

    return AskedField(
        f"{kind.capitalize()} drift band", f"{BAND_HINTS[kind]}; only enter for no band", forms.band_location(index),
        lambda form: form.bands[index][1], put,
    )  # fmt: skip


def _calendar(form: PortfolioForm) -> Sequence[AskedField]:
    fields = [
        AskedField(
            "Calendar", f"one of {', '.join(forms.CALENDARS)}", "", lambda form: str(form.calendar), _put_calendar,
            tuple(map(str, forms.CALENDARS)),
        )
    ]  # fmt: skip
    if form.calendar in DAY_HINTS:
        fields.append(
            AskedField(
                "Day", DAY_HINTS[CalendarType(form.calendar)], forms.DAY, lambda form: form.day,
                lambda form, text: replace(form, day=text),
            )
        )  # fmt: skip
        fields.append(
            AskedField(
                "Calendar sessions", "over how many sessions accounts take turns; only enter for one", forms.STAGGER,
                lambda form: form.stagger, lambda form, text: replace(form, stagger=text),
            )
        )  # fmt: skip
    return fields


def _put_calendar(form: PortfolioForm, text: str) -> PortfolioForm:
    """The form with a calendar condition of type `text`. A new type makes its day empty, as days differ by type."""
    return replace(form, calendar=text, day=form.day if text == form.calendar else "")


def _update(_form: PortfolioForm) -> Sequence[AskedField]:
    return (
        _yes_or_no(
            "On update: rebalance when weights or conditions change", lambda form: form.on_update,
            lambda form, on: replace(form, on_update=on),
        ),
    )  # fmt: skip


def _cooldown(_form: PortfolioForm) -> Sequence[AskedField]:
    return (
        AskedField(
            "Cooldown", "days between two full rebalances", forms.COOLDOWN, lambda form: form.cooldown,
            lambda form, text: replace(form, cooldown=text), required=True,
        ),
    )  # fmt: skip


def _review(_form: PortfolioForm) -> Sequence[AskedField]:
    return (
        _yes_or_no(
            "Automatic runs wait for review", lambda form: form.review, lambda form, on: replace(form, review=on)
        ),
    )


def _size(_form: PortfolioForm) -> Sequence[AskedField]:
    return (
        AskedField(
            "Drift runs end at", "target, middle (halfway from the target to the edge of the band), or edge", "",
            lambda form: form.rebalance_to,
            lambda form, text: replace(form, rebalance_to=Destination(text)), tuple(map(str, Destination)),
        ),
        AskedField(
            "Drift runs trade", "all assets, or outside for only those outside a band", "",
            lambda form: next(text for text, one in SCOPES.items() if one is form.rebalance_scope),
            lambda form, text: replace(form, rebalance_scope=SCOPES[text]), tuple(SCOPES),
        ),
        AskedField(
            "Minimum trade", "dollars; smaller orders are left out", forms.LEAST, lambda form: form.least,
            lambda form, text: replace(form, least=text),
        ),
        AskedField(
            "Minimum trade in percent", "of equity; the larger of both counts", forms.LEAST_PERCENT,
            lambda form: form.least_percent, lambda form, text: replace(form, least_percent=text),
        ),
    )  # fmt: skip


def _yes_or_no(
    label: str, read: Callable[[PortfolioForm], bool], put: Callable[[PortfolioForm, bool], PortfolioForm]
) -> AskedField:
    return AskedField(
        label, "yes or no", "", lambda form: YES if read(form) else NO,
        lambda form, text: put(form, text == YES), (YES, NO),
    )  # fmt: skip


WEIGHTS = "weights"
GROUPS: Mapping[str, Callable[[PortfolioForm], Sequence[AskedField]]] = {
    "name": _names,
    "description": _description,
    WEIGHTS: lambda _form: (),
    "bands": _bands,
    "calendar": _calendar,
    "update": _update,
    "cooldown": _cooldown,
    "review": _review,
    "size": _size,
}
"""What can be changed, by the word that is typed for it, each with its fields; the weights are a list of their own."""

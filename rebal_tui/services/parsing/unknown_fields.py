"""Unknown names in a request: one that is close to a known name is refused, any other is named in a warning."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable

from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.services.parsing.fields import shown
from rebal_tui.services.parsing.shapes import Shape

_NEAR = 0.8
"""Similarity, from 0 to 1, from which an unknown field is taken for a typo of a known one."""
_MIN_PART = 5
"""Letters of a part of a name that identify it: `scope` and `cooldown` do, `id` and `type` do not."""
_MIN_SHARED = 7
"""Letters of a word by which a longer name is recognized: `cooldown_period` is, `client_tag` is not."""
_MAX_CHECKED = 20
_MAX_CHARS = 60
_NOT_LETTERS = re.compile(r"[\W_]+")
_WORD_END = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def check_unknown(shape: type[Shape], raw: object, also_known: Iterable[str] = ()) -> list[str]:
    """One warning sentence for each of the first 20 unknown fields of an object; empty without any.

    Raises `Invalid` for a field whose name is close to a known one, or is a part of the name of a known field that the
    object lacks, such as `cooldown` of `cooldown_days`. `also_known` are fields that the API checks elsewhere or
    ignores on purpose.
    """
    if not isinstance(raw, dict):
        return []
    return check_names("field", [*shape.model_fields, *also_known], raw)


def check_names(what: str, known: Collection[str], given: Collection[str]) -> list[str]:
    """One warning sentence for each of the first 20 names in `given` that are not in `known`.

    `what` is the noun for a name, such as `parameter`. Raises `Invalid` for a name that is close to a known one, as in
    `check_unknown`.
    """
    unknown = [name for name in given if name not in known][:_MAX_CHECKED]
    lacking = [name for name in known if name not in given]
    faults = []
    for name in unknown:
        meant = _meant(name[:_MAX_CHARS], known, lacking)
        if meant:
            faults.append(Fault("", f"unknown {what} {shown(name)}; did you mean {meant}?"))
    if faults:
        raise Invalid(faults)
    return [f"unknown {what} {shown(name)} is ignored" for name in unknown]


def _meant(name: str, known: Collection[str], lacking: Collection[str]) -> str:
    """The known name that an unknown one is taken for; empty if none.

    A known name that is close to it is taken first. Otherwise one that the object lacks (`lacking`) is taken if it is
    close in another notation, contains the unknown name, or is the only one with a long word in common.
    """
    near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=_NEAR)
    if near:
        return near[0]
    words = _words(name)
    joined, long_words = "".join(words), {word for word in words if len(word) >= _MIN_SHARED}
    by_letters = {"".join(_words(one)): one for one in lacking}
    found = difflib.get_close_matches(joined, by_letters, n=1, cutoff=_NEAR)
    if not found and len(joined) >= _MIN_PART:
        found = [letters for letters in by_letters if joined in letters]
    if found:
        return by_letters[found[0]]
    sharing = [one for one in lacking if long_words & {*_words(one)}]
    return sharing[0] if len(sharing) == 1 else ""


def _words(name: str) -> list[str]:
    """`coolDown_days` as `cool`, `down`, `days`."""
    return _NOT_LETTERS.sub(" ", _WORD_END.sub(" ", name)).lower().split()

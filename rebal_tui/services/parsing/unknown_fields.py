"""Unknown fields of a request: what looks like a typo is refused, the rest is named in a warning."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.services.parsing.fields import shown
from rebal_tui.services.parsing.shapes import Shape

_NEAR = 0.8
"""Similarity, from 0 to 1, from which an unknown field is taken for a typo of a known one."""
_MAX_CHECKED = 20
_MAX_CHARS = 60


def check_unknown(shape: type[Shape], raw: object, also_known: Iterable[str] = ()) -> list[str]:
    """One sentence for each of the first unknown fields of an object; empty without any.

    Raises `Invalid` for a field whose name is close to a known one. `also_known` are fields that the API knows and the
    shape checks itself or ignores on purpose.
    """
    if not isinstance(raw, dict):
        return []
    known = {*shape.model_fields, *also_known}
    unknown = [name for name in raw if name not in known][:_MAX_CHECKED]
    faults = []
    for name in unknown:
        near = difflib.get_close_matches(str(name)[:_MAX_CHARS].lower(), known, n=1, cutoff=_NEAR)
        if near:
            faults.append(Fault("", f"unknown field {shown(name)}; did you mean {near[0]}?"))
    if faults:
        raise Invalid(faults)
    return [f"unknown field {shown(name)} is ignored" for name in unknown]

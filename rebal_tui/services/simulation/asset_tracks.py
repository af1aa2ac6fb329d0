"""The assets of a replay with the symbols that they have over time, which corporate actions change (R-54)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from rebal_tui.domain.corporate_actions import ActionKind, DatedAction
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.text import count_text

_ENDS = (ActionKind.CASH_MERGER, ActionKind.STOCK_MERGER, ActionKind.DELISTING)
_CREATES = (ActionKind.SPIN_OFF, ActionKind.STOCK_MERGER)

Names = list[tuple[date, str]]
"""Symbols with the day from which each is borne, ascending."""


@dataclass(slots=True)
class AssetTrack:
    """An asset of a replay: its symbols over time in the book and in the market, and the days on which it exists.

    `labels` are the symbols in the book, `names` those in the market, each with its first day. They differ where the
    book has an asset under a symbol that the market gave it later. The asset exists from `since` up to, but not
    including, `until`.
    """

    labels: Names
    names: Names
    since: date = date.min
    until: date = date.max

    def label(self, day: date) -> str:
        """The asset's symbol in the book on a day."""
        return _at(self.labels, day)

    def columns(self, day: date) -> list[str]:
        """The asset's market symbols in order of preference for a day: the day's symbol, later ones, earlier ones."""
        index = sum(start <= day for start, _ in self.names[1:])
        symbols = [symbol for _, symbol in self.names]
        return [*symbols[index:], *reversed(symbols[:index])]


def _at(names: Names, day: date) -> str:
    return next(symbol for start, symbol in reversed(names) if start <= day)


@dataclass(frozen=True, slots=True)
class TrackedAssets:
    """The assets of a replay, and the corporate actions to apply.

    `actions` are by session, with the book's symbols; `notes` are sentences about actions that are not applied.
    """

    tracks: tuple[AssetTrack, ...]
    actions: Mapping[date, tuple[DatedAction, ...]]
    notes: tuple[str, ...]


def track_assets(
    symbols: Iterable[str], actions: Sequence[DatedAction] = (), sessions: Sequence[date] = ()
) -> TrackedAssets:
    """Follow the assets of a book, given by symbol, through corporate actions in the order of their days.

    Actions on or before the day of the first session, or after the last session, are not applied: holdings are as of
    the first session, after that day's actions. Actions of other assets are ignored. If the book already has an asset
    under the new symbol of a symbol change, the change only determines the symbol of the asset's closes before that
    day. Raises `Invalid` with the line and column of every action that falls on no session, or that renames an asset to
    the symbol of another.
    """
    follower = _Follower([AssetTrack([(date.min, s)], [(date.min, s)]) for s in symbols])
    follower.name_before_renames(actions)
    if sessions:
        for dated in actions:
            follower.follow(dated, sessions[0], sessions[-1], frozenset(sessions))
    if follower.faults:
        raise Invalid(follower.faults)
    carried_out = {day: tuple(found) for day, found in follower.actions.items()}
    return TrackedAssets(tuple(follower.tracks), carried_out, tuple(follower.notes()))


@dataclass(slots=True)
class _Follower:
    tracks: list[AssetTrack]
    actions: dict[date, list[DatedAction]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    outside: list[DatedAction] = field(default_factory=list)
    foreign: list[DatedAction] = field(default_factory=list)
    known_renames: set[int] = field(default_factory=set)

    def name_before_renames(self, actions: Sequence[DatedAction]) -> None:
        """Find the earlier symbols of assets that the book has under a later symbol."""
        in_book = {track.names[0][1] for track in self.tracks}
        for dated in reversed(actions):
            action = dated.action
            if action.kind is not ActionKind.SYMBOL_CHANGE or action.symbol in in_book:
                continue
            for track in self.tracks:
                if track.names[0][1] == action.new_symbol:
                    track.names[:1] = [(date.min, action.symbol), (dated.day, action.new)]
                    self.known_renames.add(dated.line)

    def follow(self, dated: DatedAction, first: date, last: date, sessions: frozenset[date]) -> None:
        """Apply an action to the symbols and days of the assets, and list it as applied, ignored or faulty."""
        if dated.line in self.known_renames:
            return
        action, track = dated.action, self._track(dated.action.symbol, dated.day)
        if track is None:
            self.foreign.append(dated)
            return
        inside = first < dated.day <= last
        if inside and dated.day not in sessions:
            self.faults.append(Fault(f"line {dated.line}, date", f"got {dated.day}, expected a trading session"))
            return
        if action.kind is ActionKind.SYMBOL_CHANGE:
            if inside and self._labelled(action.new, dated.day):
                self.faults.append(
                    Fault(f"line {dated.line}, new_symbol", f"got {action.new}, expected a symbol that no asset has")
                )
                return
            track.names.append((dated.day, action.new))
        if not inside:
            self.outside.append(dated)
            return
        labelled = replace(action, symbol=track.label(dated.day))
        if action.kind is ActionKind.SYMBOL_CHANGE:
            track.labels.append((dated.day, action.new))
        if action.kind in _CREATES:
            labelled = replace(labelled, new_symbol=self._received(action.new, dated.day))
        if action.kind in _ENDS:
            track.until = dated.day
        self.actions.setdefault(dated.day, []).append(replace(dated, action=labelled))

    def notes(self) -> list[str]:
        """Sentences about the actions that are not applied."""
        found = []
        for ignored, why in (
            (self.outside, "up to the first session, or after the last"),
            (self.foreign, "of symbols that are neither held nor targeted"),
        ):
            if ignored:
                first = f"first: line {ignored[0].line}, {ignored[0].action.symbol} on {ignored[0].day}"
                found.append(f"{count_text(len(ignored), 'corporate action')} ignored: {why} ({first})")
        return found

    def _received(self, symbol: str, day: date) -> str:
        """The book's symbol of an asset that an action pays out; if the replay has no such asset, one is added."""
        track = self._track(symbol, day)
        if track is None:
            self.tracks.append(AssetTrack([(date.min, symbol)], [(date.min, symbol)], since=day))
            return symbol
        return track.label(day)

    def _track(self, symbol: str, day: date) -> AssetTrack | None:
        """The asset that bears a symbol just before a day's open, in the book or else in the market."""
        named = [track for track in self._there(day) if _before(track.names, day) == symbol]
        return next(iter(self._labelled(symbol, day) or named), None)

    def _labelled(self, symbol: str, day: date) -> list[AssetTrack]:
        """The assets that bear a symbol in the book, after the symbol changes followed so far."""
        return [track for track in self._there(day) if track.labels[-1][1] == symbol]

    def _there(self, day: date) -> list[AssetTrack]:
        return [track for track in self.tracks if track.since <= day < track.until]


def _before(names: Names, day: date) -> str:
    """The symbol of an asset before the symbol changes at a day's open; `names` may have these changes already."""
    return next((symbol for start, symbol in reversed(names) if start < day), names[0][1])

"""Alerts about the connection to a real broker: clocks that differ, event streams that are down.

The broker's time and the state of the streams are taken from responses to other requests. The broker's time is
requested for itself only while the difference of the clocks stops all decisions.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from rebal_tui.broker.connection import StreamState
from rebal_tui.broker.failures import BrokerPending, ClocksDiffer
from rebal_tui.broker.protocol import LiveBroker
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.services.book.book import Book
from rebal_tui.store import jobs

CLOCK_ALERT, CLOCK_SUBJECT = "clock", "broker"
STREAM_ALERT = "stream"
CLOCK_SKEW_ALERT_MIN = timedelta(seconds=2)
CLOCK_SKEW_MAX = timedelta(seconds=30)
"""Largest difference from the broker's clock at which decisions are made; above it, stale prices would seem fresh."""
CLOCK_SKEW_STEP = timedelta(seconds=10)
"""Change of the difference after which the text of its alert is updated."""
CLOCK_RETRY_INTERVAL = timedelta(seconds=10)
"""How often the broker's clock is requested while the difference stops decisions."""
STREAM_ALERT_AFTER = timedelta(minutes=1)
"""How long a stream that the broker does not refuse may be down without an alert."""


def watch_connection(book: Book, broker: LiveBroker, now: datetime) -> None:
    """Raise and clear the alerts of the connection. Raises `ClocksDiffer` while the clocks differ too much."""
    state = broker.connection()
    _watch_streams(book, state.streams, now)
    skew = state.skew
    if skew is not None and abs(skew) > CLOCK_SKEW_MAX and _may_ask(book, now):
        with suppress(BrokerPending):
            broker.clock()
        skew = broker.connection().skew
    if skew is not None:
        compare_clocks(book, skew, now)


def compare_clocks(book: Book, skew: timedelta, now: datetime) -> None:
    """Raise or clear the alert that the broker's clock is `skew` ahead of this computer's (behind if negative).

    Raises `ClocksDiffer` above a difference of `CLOCK_SKEW_MAX`: nothing may be decided.
    """
    alerted = book.polling_state.clock_alerted
    if abs(skew) <= CLOCK_SKEW_ALERT_MIN:
        if alerted is None or alerted:
            _clear(book, CLOCK_ALERT, CLOCK_SUBJECT, now)
        book.polling_state.clock_alerted = timedelta(0)
        return
    if (
        not alerted
        or abs(alerted - skew) >= CLOCK_SKEW_STEP
        or (abs(alerted) > CLOCK_SKEW_MAX) != (abs(skew) > CLOCK_SKEW_MAX)
    ):
        with book.write() as tx:
            jobs.raise_alert(tx, now, CLOCK_ALERT, CLOCK_SUBJECT, _clock_text(skew))
        book.polling_state.clock_alerted = skew
    if abs(skew) > CLOCK_SKEW_MAX:
        raise ClocksDiffer(_clock_text(skew))


def _clear(book: Book, kind: str, subject: str, now: datetime) -> None:
    if jobs.is_open(book.database, kind, subject):
        with book.write() as tx:
            jobs.clear_alert(tx, kind, subject, now)


def _clock_text(skew: timedelta) -> str:
    seconds = abs(skew).total_seconds()
    relation = "behind" if skew > timedelta(0) else "ahead of"
    text = f"this computer's clock is {seconds:.0f} s {relation} the broker's"
    if abs(skew) > CLOCK_SKEW_MAX:
        return f"{text}: nothing is decided above {CLOCK_SKEW_MAX.total_seconds():.0f} s; set the clock"
    return text


def _may_ask(book: Book, now: datetime) -> bool:
    """Whether the broker's clock may be requested again; counts it as requested if so."""
    watched = book.polling_state
    if watched.clock_asked_at is not None and timedelta(0) <= now - watched.clock_asked_at < CLOCK_RETRY_INTERVAL:
        return False
    watched.clock_asked_at = now
    return True


def _watch_streams(book: Book, streams: tuple[StreamState, ...], now: datetime) -> None:
    if not streams:
        return
    alerted = book.polling_state.stream_alerts
    if alerted is None:
        alerted = {alert.subject: alert.text for alert in jobs.open_alerts(book.database) if alert.kind == STREAM_ALERT}
    down = {stream.name: text for stream in streams if (text := stream_fault(stream, now))}
    if down != alerted:
        with book.write() as tx:
            for name, text in down.items():
                if alerted.get(name) != text:
                    jobs.raise_alert(tx, now, STREAM_ALERT, name, text)
            for name in alerted.keys() - down.keys():
                jobs.clear_alert(tx, STREAM_ALERT, name, now)
    book.polling_state.stream_alerts = down


def stream_fault(stream: StreamState, now: datetime) -> str:
    """A text about an event stream that has been down long enough for an alert; empty otherwise."""
    down = stream.down_for(now)
    if stream.down_since is None or not down or not (stream.refused or down >= STREAM_ALERT_AFTER):
        return ""
    name = stream.name.replace("_", " ")
    since = f"{stream.down_since.astimezone(NEW_YORK):%H:%M}"
    what = "the broker refuses the event stream" if stream.refused else "no event stream"
    why = f": {stream.last_error}" if stream.last_error else ""
    return f"{what} of {name} since {since}{why}. The program asks for changes meanwhile, so they come later"

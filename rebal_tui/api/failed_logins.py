"""Failed log-ins: counted by IP address, for the log and for an alert."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

ALERT_FAILURES = 30
"""Failed log-ins of one report from which an alert is raised."""
_MAX_ADDRESSES = 1_000
_SHOWN = 5
_OTHERS = "other addresses"


@dataclass(frozen=True, slots=True)
class FailureReport:
    """The failed log-ins since the last report: their number, and a sentence with the IP addresses and the names of
    existing API keys.
    """

    count: int
    text: str


class FailedLogins:
    """Counts failed log-ins. `total` counts those since the start of the server.

    The key names and secrets that clients sent are never stored, because a client may have put the secret in the place
    of the name.
    """

    def __init__(self) -> None:
        self.total = 0
        self._by_address: Counter[str] = Counter()
        self._key_names: Counter[str] = Counter()

    def note(self, address: str, key_name: str) -> None:
        """Count a failed log-in from the IP address `address`.

        `key_name` is the name of the log-in's API key, if that key exists but has expired or the secret was wrong; else
        empty.
        """
        self.total += 1
        known = address in self._by_address or len(self._by_address) < _MAX_ADDRESSES
        self._by_address[address if known else _OTHERS] += 1
        if key_name:
            self._key_names[key_name] += 1

    def take_report(self) -> FailureReport | None:
        """The failed log-ins since the last call, None without any."""
        by_address, names = self._by_address, self._key_names
        if not by_address:
            return None
        self._by_address, self._key_names = Counter(), Counter()
        count = by_address.total()
        listed = by_address.most_common(_SHOWN)
        parts = [f"{number:,} from {address or 'an unknown address'}" for address, number in listed]
        rest = count - sum(number for _, number in listed)
        if rest:
            parts.append(f"{rest:,} from elsewhere")
        named = f"; with the id of {', '.join(name for name, _ in names.most_common(_SHOWN))}" if names else ""
        return FailureReport(count, f"failed log-ins of the API: {', '.join(parts)}{named}")

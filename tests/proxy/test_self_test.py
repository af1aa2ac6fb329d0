"""`connect --self-test` against the sandbox: every step, its faults, and a report without secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from rebal_tui.broker.alpaca.client import AlpacaClient, Endpoints
from rebal_tui.broker.alpaca.self_test.results import Redactor
from rebal_tui.cli import self_test as command
from rebal_tui.cli.program import run
from rebal_tui.credentials import KEY_VARIABLE, SECRET_VARIABLE, Keys
from rebal_tui.domain.quantities import parse_money
from tests.proxy.clock import WorldClock
from tests.proxy.faults import Fault, Faults
from tests.proxy.rewrites import NoStreams, OtherClock, PricesAt, Rewrite
from tests.proxy.sandbox import Sandbox
from tests.proxy.transport import Proxy
from tests.services.factories import new_york

OPEN, CLOSED = "2026-11-23 10:00", "2026-11-22 10:00"
URL = "http://127.0.0.1:1"
CLIENT = "Ottoline Quill"


class PaperAccount:
    """A sandbox with one client, and the self-test over a proxy to it."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, at: str = OPEN) -> None:
        self.clock = WorldClock(new_york(at))
        self.sandbox = Sandbox(folder / "sandbox.db", self.clock)
        self.proxy = Proxy(self.sandbox, self.clock, Faults(0))
        self.account = self.sandbox.post("/sandbox/accounts", {"name": CLIENT, "cash": "1000"})
        self.folder = folder
        self.report = folder / "report.txt"

        def client(endpoints: Endpoints, keys: Keys, now: object, *, sleep: object) -> AlpacaClient:
            return AlpacaClient(endpoints, keys, self.clock.now, sleep=self.sleep, transport=self.proxy)

        patch.setattr("rebal_tui.broker.alpaca.client.AlpacaClient", client)

    def sleep(self, seconds: float) -> None:
        self.clock.pass_time(seconds)
        self.sandbox.sync()
        self.proxy.deliver()

    def run(self, *rewrites: Rewrite, account: str = "") -> int:
        self.sandbox.sync()
        self.proxy.rewrites = list(rewrites)
        try:
            return command.run_self_test(
                Keys(self.sandbox.key, self.sandbox.secret),
                Endpoints(URL, URL, URL, live=False),
                account_id=account,
                firm_account=self.sandbox.firm_account,
                report=self.report,
                now=self.clock.now,
                elapsed=lambda: self.clock.true.timestamp(),
                sleep=self.sleep,
            )
        finally:
            self.proxy.close()

    def outcomes(self) -> dict[str, str]:
        """The outcome of each step in the report."""
        steps = self.report.read_text().split("\n\n")[1].splitlines()
        return {line[:11].strip(): line[12:20].strip() for line in steps if not line.startswith(" ")}

    def is_as_before(self) -> bool:
        """Whether the account has its cash, but for the rounding of two fills, and no shares."""
        held = self.sandbox.ask(lambda book: book.broker.account(self.account["id"]))
        return not held.positions and abs(held.cash - parse_money("1000")) <= 2


@pytest.fixture
def paper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PaperAccount]:
    made = PaperAccount(tmp_path, monkeypatch)
    yield made
    made.sandbox.close()


@pytest.mark.slow
def test_every_step_is_done_and_the_account_is_as_before(
    paper: PaperAccount, capsys: pytest.CaptureFixture[str]
) -> None:
    assert paper.run() == 0
    assert set(paper.outcomes().values()) == {"ok"}
    assert list(paper.outcomes())[-2:] == ["buy of $1", "sale"]
    assert paper.is_as_before()
    orders = [call for call in paper.proxy.calls.all() if call.is_order]
    assert [(call.body["side"], call.body.get("notional")) for call in orders] == [("buy", "1.00"), ("sell", None)]
    assert [call for call in paper.proxy.calls.all() if call.is_journal] == []
    assert "Every step is done." in capsys.readouterr().out


@pytest.mark.slow
def test_the_report_has_no_keys_and_no_client_data(paper: PaperAccount) -> None:
    paper.run()
    text = paper.report.read_text()
    secrets = (
        paper.sandbox.key, paper.sandbox.secret, CLIENT, "Quill", paper.account["id"], paper.account["account_number"],
        paper.sandbox.firm_account,
    )  # fmt: skip
    assert [secret for secret in secrets if secret in text] == []
    assert f"…{paper.account['account_number'][-3:]}" in text
    assert paper.report.stat().st_mode & 0o777 == 0o600


@pytest.mark.slow
def test_a_closed_market_is_named_and_nothing_is_traded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paper = PaperAccount(tmp_path, monkeypatch, CLOSED)
    assert paper.run() == 0
    assert {name for name, outcome in paper.outcomes().items() if outcome == "waits"} == {"prices", "buy of $1", "sale"}
    assert "it opens at 2026-11-23 09:30 New York time" in paper.report.read_text()
    assert [call for call in paper.proxy.calls.all() if call.is_write] == []
    paper.sandbox.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rewrite", "step", "words"),
    [
        (NoStreams(), "streams", "HTTP 404"),
        (OtherClock(timedelta(seconds=90)), "clock", "s apart"),
        (PricesAt(timedelta(minutes=15)), "prices", "900 s old"),
        (PricesAt(timedelta(minutes=-5)), "prices", "in the future"),
    ],
    ids=["no streams", "clock", "delayed", "future"],
)
def test_a_failed_step_says_what_was_found_and_what_to_do(
    paper: PaperAccount, rewrite: Rewrite, step: str, words: str
) -> None:
    assert paper.run(rewrite) == 1
    assert paper.outcomes()[step] == "FAILED"
    lines = paper.report.read_text().splitlines()
    at = next(index for index, line in enumerate(lines) if line.startswith(step))
    assert words in lines[at]
    assert lines[at + 1].strip().startswith("→ ")


@pytest.mark.slow
@pytest.mark.parametrize("fault", [Fault.LOST_AFTER, Fault.ERROR_AFTER])
def test_an_order_without_a_response_is_looked_up_and_sold(paper: PaperAccount, fault: Fault) -> None:
    paper.proxy.faults.of_next_writes(fault)
    assert paper.run() == 0
    assert paper.is_as_before()
    assert paper.proxy.calls.repeated_writes() == []


def test_a_refused_account_is_named_by_three_digits(paper: PaperAccount) -> None:
    assert paper.run(account="11111111-2222-4333-8444-555555555987") == 1
    text = paper.report.read_text()
    assert "no account …987" in text
    assert paper.outcomes()["buy of $1"] == "skipped"


def test_a_report_is_never_overwritten(paper: PaperAccount) -> None:
    paper.report.write_text("mine")
    with pytest.raises(Exception, match="already exists"):
        paper.run()
    assert paper.report.read_text() == "mine"
    assert paper.proxy.calls.all() == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--live", "--self-test", "--yes"], 2, "only for --paper"),
        (["--paper", "--self-test"], 1, "confirm with --yes"),
        (["--paper", "--report", "x.txt"], 2, "require --self-test"),
        (["--paper", "--self-test", "--account", "7"], 1, "expected an account id"),
    ],
)
def test_nothing_is_sent_without_consent_or_to_a_live_account(
    arguments: list[str], code: int, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "KEY")
    monkeypatch.setenv(SECRET_VARIABLE, "SECRET")
    assert run(["connect", *arguments]) == code
    assert words in capsys.readouterr().err


def test_client_data_is_removed_from_any_text() -> None:
    redactor = Redactor()
    redactor.add_names(["Ottoline Quill", "ottoline@example.com", "X"])
    account = "2ad28f83-796c-4c4d-895e-d360aeb95297"
    text = json.dumps({"who": "OTTOLINE QUILL", "mail": "ottoline@example.com", "id": account, "number": "927584925"})
    assert redactor.clean(text) == json.dumps(
        {"who": "(client)", "mail": "(client)", "id": "…297", "number": "…925"}, ensure_ascii=False
    )
    assert redactor.clean("key PKABCDEFGHIJKLMN at $585.200000001 on 2026-11-23") == (
        "key (key) at $585.200000001 on 2026-11-23"
    )

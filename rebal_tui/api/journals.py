"""Journals: cash between a client account and the firm account."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from rebal_tui.api.bodies import raw_body
from rebal_tui.api.openapi import body, responds_with, responds_with_list
from rebal_tui.api.responses import Timestamp, answer, book_client, no_content
from rebal_tui.domain.cash import JournalStatus
from rebal_tui.services.advisory import cash
from rebal_tui.services.parsing import requests
from rebal_tui.services.wire import journals
from rebal_tui.services.wire.account_shapes import journal_json
from rebal_tui.services.wire.models import accounts as models

router = APIRouter(prefix="/journals", tags=["journals"])

Id = Annotated[str | None, Query(max_length=64)]


@router.post("", **responds_with(models.Journal), **body(requests.CreateJournal))
async def create_journal(
    request: Request,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=128)] = None,
) -> Response:
    """Move cash between a client account and the firm account, up to cash_transferable.

    The same Idempotency-Key with the same content returns the existing journal. In a sandbox, a journal with
    `/fixtures/status=pending/fixtures/` in its description stays pending until the next day, and one with
    `/fixtures/status=rejected/fixtures/` is rejected.
    """
    given = requests.read_journal(await raw_body(request, requests.CreateJournal))
    made = await book_client(request).ask(lambda book: journals.make_journal(book, given, idempotency_key))
    return answer(request, journal_json(made))


@router.get("", **responds_with_list(models.Journal))
async def list_journals(
    request: Request,
    after: Timestamp | None = None,
    before: Timestamp | None = None,
    status: JournalStatus | None = None,
    entry_type: Literal["JNLC", "JNLS"] | None = None,
    to_account: Id = None,
    from_account: Id = None,
) -> Response:
    """List journals, newest first, at most 10,000."""
    if entry_type == "JNLS":
        return answer(request, [])
    found = await book_client(request).ask(
        lambda book: journals.list_journals(
            book, after=after, before=before, status=status, from_account=from_account, to_account=to_account
        )
    )
    return answer(request, [journal_json(journal) for journal in found])


@router.get("/{journal_id}", **responds_with(models.Journal))
async def get_journal(request: Request, journal_id: str) -> Response:
    """Get a journal."""
    return answer(
        request, journal_json(await book_client(request).ask(lambda book: journals.find_journal(book, journal_id)))
    )


@router.delete("/{journal_id}", **responds_with(None))
async def cancel_journal(request: Request, journal_id: str) -> Response:
    """Cancel a pending journal."""
    await book_client(request).ask(lambda book: cash.cancel_journal(book, journal_id))
    return no_content()

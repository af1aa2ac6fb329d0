"""Contract tests: every response to a request by the OpenAPI document matches the document, and is never a 500.

`API_EXAMPLES` is the number of random requests per operation; when it is set, every boundary value that the document
allows is tested as well.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.servers import Server

pytestmark = pytest.mark.slow

EXAMPLES = int(os.environ.get("API_EXAMPLES", "2"))
PHASES = [Phase.explicit, Phase.generate] if "API_EXAMPLES" in os.environ else [Phase.generate]
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def document(server: Server) -> Any:
    """The OpenAPI document of a server with data."""
    server.prices(SPY="400", TLT="100")
    account_id = server.account("1000")
    server.subscribe(account_id, server.portfolio())
    server.step(minutes=15)
    body = {"entry_type": "JNLC", "from_account": server.firm, "to_account": account_id, "amount": "5"}
    server.post("/v1/journals", body)
    return schemathesis.openapi.from_url(f"{server.url}/openapi.json")


# Streams do not end, and long steps are slow; both have their own tests.
schema = schemathesis.pytest.from_fixture("document").exclude(path_regex=r"/events/|/step$")


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    phases=PHASES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_the_document_describes(case: Any, server: Server) -> None:
    response = case.call(auth=(server.key, server.secret))
    case.validate_response(response, checks=CHECKS)

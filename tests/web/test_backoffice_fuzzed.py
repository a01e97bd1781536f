"""The back offices' API keeps what its OpenAPI document promises, whatever is sent."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from web.test_backoffice import UNIT, Office

#: Requests per operation; the machine is shared.
EXAMPLES = 12


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_no_request_breaks_the_promises_of_the_document(database_url: str, mode: str) -> None:
    office = Office(database_url)
    numbers = [office.dispatched() for _ in range(3)]
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", office.app)
    headers = {"Authorization": f"Bearer {office.key}"}
    kind = schemathesis.GenerationMode(mode)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert {operation.label for operation in operations} >= {"POST /tickets/{number}/resolve"}
    for operation in operations:

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,  # a submission is not to fail for what it did not touch
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=kind), data=st.data())
        def probe(case: Any, data: st.DataObject) -> None:
            # Half of the requests are about tickets that exist.
            if mode == "positive" and case.path_parameters and data.draw(st.booleans()):
                case.path_parameters["number"] = data.draw(st.sampled_from(numbers))
            case.call_and_validate(headers=headers)

        probe()
    assert UNIT

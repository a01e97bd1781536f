"""Open311 keeps what the text of GeoReport v2 promises, whatever is sent to it over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest
import requests
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from live_server import served
from schemathesis.specs.openapi.checks import (
    negative_data_rejection,
    positive_data_acceptance,
)
from web.test_open311 import City

#: The standard refuses much that a schema cannot say (spans of more than 90 days, services that
#: there are not), and ignores arguments that it does not know.
ALLOWED = [positive_data_acceptance, negative_data_rejection]
#: Requests per operation; the machine is shared.
EXAMPLES = 15
STANDARD = yaml.safe_load(Path(__file__).with_name("georeport_v2.yaml").read_text("utf-8"))


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_no_request_breaks_the_promises_of_the_standard(database_url: str, mode: str) -> None:
    city = City(database_url)
    numbers = [city.phoned(), city.phoned(category="tree.fallen", title="树木倒伏")]
    schema = schemathesis.openapi.from_dict(STANDARD)
    kind = schemathesis.GenerationMode(mode)
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == 7
    with served(city.app()) as url, requests.Session() as session:
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
                # A line break in an address is no address of the standard, nor of anything else.
                parts = map(str, (case.path_parameters or {}).values())
                assume(unquote("".join(parts)).isprintable())
                if mode == "positive":
                    if "number" in (case.path_parameters or {}) and data.draw(st.booleans()):
                        case.path_parameters["number"] = data.draw(st.sampled_from(numbers))
                    if isinstance(case.body, dict) and data.draw(st.booleans()):
                        case.body |= {"api_key": city.key, "service_code": "tree.fallen"}
                answer = case.call_and_validate(
                    base_url=f"{url}/open311/v2", session=session, excluded_checks=ALLOWED
                )
                if answer.headers["content-type"][0].startswith("text/xml"):
                    ET.fromstring(answer.content)

            probe()
    assert (len(city.store.newest()) > len(numbers)) is (mode == "positive")

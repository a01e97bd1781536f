"""Open311 GeoReport v2, as its clients and its text have it."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from georeport import GeoReport
from live_server import served

from bot.casework.api_keys import ApiKeys
from bot.casework.encryption import Keyring
from bot.casework.handling import Handling
from bot.casework.storage import open_engine
from bot.casework.tickets import TicketStore
from bot.web.georeport import Attribute, Service, write
from bot.web.open311 import Endpoint, open311_app

SCOPES = (("one", "一户"), ("all", "整栋"))
WATER = Service(
    "water.outage",
    "停水",
    "家里没有水",
    "公用事业",
    ("停水", "没水"),
    (
        Attribute("since", "从什么时候开始", 1, required=True),
        Attribute(
            "scope", "影响范围", 2, False, "singlevaluelist", (("one", "一户"), ("all", "整栋"))
        ),
    ),
    unit="市自来水集团",
)
TREE = Service("tree.fallen", "树木倒伏", group="园林绿化")
REPORT = {
    "service_code": "water.outage",
    "address_string": "望京西园三区",
    "description": "停水了，请打13800138000",
    "attribute[since]": "昨天",
}


class City:
    """A city's tickets behind an Open311 endpoint."""

    def __init__(self, url: str) -> None:
        engine = open_engine(url, Keyring({"k1": b"1" * 32}))
        self.now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        self.store = TicketStore(engine, clock=lambda: self.now)
        self.store.create_schema()
        self.keys = ApiKeys(engine)
        self.key = self.keys.make("open311", "city app")

    def app(self, **endpoint: Any) -> FastAPI:
        outer = FastAPI()
        one = open311_app(self.store, self.keys, lambda: (WATER, TREE), Endpoint(**endpoint))
        outer.mount("/open311/v2", one)
        return outer

    def client(self, **endpoint: Any) -> TestClient:
        return TestClient(self.app(**endpoint), base_url="http://city/open311/v2/")

    def phoned(self, **fields: Any) -> str:
        values = {"category": "water.outage", "title": "停水", "text": "我家停水", "place": "我家"}
        return self.store.file(call_id=str(uuid4()), caller="13900139000", **values | fields)


@pytest.fixture
def city(database_url: str) -> City:
    return City(database_url)


@pytest.fixture
def client(city: City) -> TestClient:
    return city.client()


@pytest.fixture
def live(city: City) -> Iterator[str]:
    with served(city.app()) as url:
        yield f"{url}/open311/v2"


def errors(response: Any) -> list[dict[str, Any]]:
    body: list[dict[str, Any]] = response.json()
    assert [one.keys() for one in body] == [{"code", "description"}]
    assert body[0]["code"] == response.status_code
    return body


# --- clients that know nothing of us -----------------------------------------------------------


@pytest.mark.parametrize("form", ["json", "xml"])
def test_the_public_client_georeport_reads_everything(city: City, live: str, form: str) -> None:
    numbers = [city.phoned(), city.phoned(category="tree.fallen", title="树木倒伏")]
    client = GeoReport(live, output_format=form)
    assert [one["service_code"] for one in client.get_service_list()] == [
        "water.outage",
        "tree.fallen",
    ]
    definition = client.get_service_definition("water.outage")
    attributes = definition["attributes"]
    attributes = attributes if form == "json" else attributes["attribute"]
    assert [one["code"] for one in attributes] == ["since", "scope"]
    found = client.get_service_requests(status="open")
    assert [one["service_request_id"] for one in found] == numbers[::-1]
    found = client.get_service_requests(service_request_id=",".join(numbers))
    assert len(found) == 2
    one = client.get_service_request(numbers[1])
    assert (one["service_code"], one["status"]) == ("tree.fallen", "open")


def test_the_public_client_three_reads_files_and_follows(
    city: City, live: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The client itself is unmodified; it was written for Python 2, whose itertools had this.
    monkeypatch.setattr(itertools, "ifilter", filter, raising=False)
    from three import Three

    client = Three(live, api_key=city.key, format="json")
    assert client.discovery()["endpoints"][0]["formats"] == ["text/xml", "application/json"]
    assert [one["service_code"] for one in client.services()] == ["water.outage", "tree.fallen"]
    assert client.services("water.outage")["service_code"] == "water.outage"
    (filed,) = client.post(
        "tree.fallen",
        address="朝阳公园南门",
        name="三 张",
        description="树倒了",
        phone="13800138000",
    )
    number = filed["service_request_id"]
    (one,) = client.request(number)
    assert (one["description"], one["address"]) == ("树倒了", "朝阳公园南门")
    assert [one["service_request_id"] for one in client.requests("tree.fallen")] == [number]
    # Its ``start`` and ``end`` are days, of which the last begins at midnight.
    day = dt.timedelta(days=1)
    between = (city.now.date() - day, city.now.date() + day)
    assert len(client.requests(between=between)) == 1
    ticket = city.store.get(number)
    assert ticket is not None
    assert (ticket.phone, ticket.details["first_name"]) == ("13800138000", "三")
    (again,) = client.token(ticket.call_id)
    assert again["service_request_id"] == number


# --- filing ----------------------------------------------------------------------------------


def test_a_report_becomes_a_ticket_of_its_own(city: City, client: TestClient) -> None:
    answer = client.post("requests.json", data=REPORT | {"api_key": city.key, "lat": "39.9"})
    assert answer.status_code == 201
    (one,) = answer.json()
    ticket = city.store.get(one["service_request_id"])
    assert ticket is not None
    assert (ticket.category, ticket.channel, ticket.unit) == (
        "water.outage",
        "open311",
        "市自来水集团",
    )
    assert ticket.details["attributes"] == {"since": "昨天"}
    assert ticket.details["client"] == "city app"


def test_xml_has_the_standards_elements(city: City, client: TestClient) -> None:
    answer = client.post("requests.xml", data=REPORT | {"api_key": city.key})
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert answer.content.startswith(b"<?xml version='1.0' encoding='utf-8'?>")
    root = ET.fromstring(answer.content)
    assert [root.tag, root[0].tag, root[0][0].tag] == [
        "service_requests",
        "request",
        "service_request_id",
    ]
    errors = ET.fromstring(client.post("requests.xml", data=REPORT).content)
    assert [errors.tag, errors[0].tag, *(one.tag for one in errors[0])] == [
        "errors",
        "error",
        "code",
        "description",
    ]


def test_an_endpoint_of_tokens_answers_with_one_and_tells_the_number_later(city: City) -> None:
    client = city.client(tokens=True)
    assert {one["type"] for one in client.get("services.json").json()} == {"batch"}
    (one,) = client.post("requests.json", data=REPORT | {"api_key": city.key}).json()
    assert "service_request_id" not in one
    (found,) = client.get(f"tokens/{one['token']}.json").json()
    assert found["token"] == one["token"]
    assert city.store.get(found["service_request_id"]) is not None


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"api_key": ""}, 403, "api_key was not provided"),
        ({"api_key": "wrong"}, 403, "api_key is not valid"),
        ({"service_code": ""}, 400, "service_code was not provided"),
        ({"service_code": "nothing"}, 404, "service_code nothing was not found"),
        ({"address_string": ""}, 400, "must be provided"),
        ({"attribute[since]": ""}, 400, r"attribute\[since\] was not provided"),
        ({"attribute[scope]": "two"}, 400, "none of its values"),
        ({"lat": "north", "long": "1"}, 400, "lat is not a number"),
        ({"lat": "nan", "long": "1"}, 400, "lat is out of range"),
        ({"jurisdiction_id": "elsewhere"}, 404, "jurisdiction_id elsewhere was not found"),
        ({"description": "长" * 4001}, 400, "description is too long"),
    ],
)
def test_a_report_that_lacks_something_is_refused_and_told_what(
    change: dict[str, str], status: int, says: str, tmp_path: Any
) -> None:
    city = City(f"sqlite:///{tmp_path / 'hotline.db'}")
    client = city.client(jurisdiction="beijing")
    answer = client.post("requests.json", data=REPORT | {"api_key": city.key} | change)
    assert answer.status_code == status
    (one,) = errors(answer)
    assert re.search(says, one["description"])
    assert city.store.newest() == []


def test_a_revoked_key_files_nothing(city: City, client: TestClient) -> None:
    city.keys.revoke(city.keys.all()[0].id)
    assert client.post("requests.json", data=REPORT | {"api_key": city.key}).status_code == 403


def test_a_file_is_refused_rather_than_lost(city: City, client: TestClient) -> None:
    answer = client.post(
        "requests.json", data=REPORT | {"api_key": city.key}, files={"media": b"picture"}
    )
    assert answer.status_code == 400
    assert "media_url" in errors(answer)[0]["description"]


# --- asking ----------------------------------------------------------------------------------


def test_what_was_said_on_the_phone_is_shown_to_nobody(city: City, client: TestClient) -> None:
    number = city.phoned(text="我叫张三", place="望京西园3号楼201")
    body = client.get(f"requests/{number}.json").text
    for private in ("张三", "201", "13900139000"):
        assert private not in body


def test_numbers_in_a_public_description_are_hidden(city: City, client: TestClient) -> None:
    client.post("requests.json", data=REPORT | {"api_key": city.key})
    (one,) = client.get("requests.json").json()
    assert "138****8000" in one["description"]


def test_requests_are_found_by_status_service_and_time(city: City, client: TestClient) -> None:
    day = dt.timedelta(days=1)
    today = city.now
    city.now = today - 100 * day
    old = city.phoned()
    city.now = today - 10 * day
    tree = city.phoned(category="tree.fallen", title="树木倒伏")
    city.now = today
    water = city.phoned()
    closed = city.phoned()
    city.store.withdraw(closed, "citizen")

    def found(**params: str) -> set[str]:
        answer = client.get("requests.json", params=params)
        assert answer.status_code == 200, answer.text
        return {one["service_request_id"] for one in answer.json()}

    def written(moment: dt.datetime) -> str:
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    assert found() == {tree, water, closed}  # the last 90 days
    assert found(status="open") == {tree, water}
    assert found(status="closed") == {closed}
    assert found(status="open,closed") == {tree, water, closed}
    assert found(service_code="tree.fallen,nothing") == {tree}
    assert found(end_date=written(today - 50 * day)) == {old}
    assert found(start_date=written(today - 100 * day)) == {old, tree}
    assert found(start_date=written(today - day)) == {water, closed}
    # Numbers override everything else.
    assert found(service_request_id=f"{old},{water}", status="closed") == {old, water}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("requests.json?status=ajar", 400),
        ("requests.json?start_date=yesterday", 400),
        ("requests.json?start_date=2026-01-01T00:00:00Z&end_date=2026-05-01T00:00:00Z", 400),
        ("requests.json?start_date=0001-01-01T00:00:00Z", 200),
        ("requests.json?end_date=0001-01-01T00:00:00Z", 400),
        ("requests/260101000010.json", 404),
        ("requests/%00.json", 404),
        ("tokens/nothing.json", 404),
        ("services/nothing.json", 404),
        ("services.html", 404),
        ("nothing.json", 404),
    ],
)
def test_an_odd_question_gets_the_standards_error(
    client: TestClient, path: str, status: int
) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    if status != 200:
        errors(answer)


def test_a_request_is_closed_when_its_ticket_is_over(city: City, client: TestClient) -> None:
    number = city.phoned(unit="市自来水集团")
    handling = Handling(city.store.ledger)
    if city.store.get(number).state == "received":  # type: ignore[union-attr]
        handling.dispatch(number, "dispatcher:1", "市自来水集团")
    handling.accept(number, "unit:市自来水集团")
    handling.resolve(number, "unit:市自来水集团", "修好了")
    assert client.get(f"requests/{number}.json").json()[0]["status"] == "open"
    handling.close(number, "agent:1")
    assert client.get(f"requests/{number}.json").json()[0]["status"] == "closed"


def test_characters_that_xml_cannot_hold_are_replaced() -> None:
    written = write([{"code": 400, "description": "a\x00b\ud800"}], "errors", "xml")
    assert ET.fromstring(written)[0][1].text == "a\ufffdb\ufffd"

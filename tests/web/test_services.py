"""The city's own categories, as Open311 shows them."""

from __future__ import annotations

from pathlib import Path

from fastapi.testclient import TestClient

from bot.casework.api_keys import ApiKeys
from bot.casework.tickets import TicketStore
from bot.config import Settings
from bot.services import open311_services
from bot.understanding.pack import load_pack
from bot.understanding.schema import Category
from bot.web.open311 import open311_app


def test_every_category_of_the_pack_can_be_requested_in_writing(tmp_path: Path) -> None:
    pack = load_pack(Settings().grammars / "beijing12345")
    categories = {one.id for one in pack.intents if isinstance(one, Category)}
    services = open311_services(pack)
    assert {one.code for one in services} == categories
    store = TicketStore(f"sqlite:///{tmp_path / 'hotline.db'}")
    store.create_schema()
    keys = ApiKeys(store.engine)
    client = TestClient(open311_app(store, keys, lambda: services), base_url="http://city/")
    shown = client.get("services.json").json()
    assert all(one["service_name"] and one["group"] for one in shown)
    report = {"api_key": keys.make("open311", "app"), "address_string": "朝阳公园"}
    for one in shown[:3]:
        assert client.get(f"services/{one['service_code']}.xml").status_code == 200
        answer = client.post("requests.json", data=report | {"service_code": one["service_code"]})
        assert answer.status_code == 201
        ticket = store.get(answer.json()[0]["service_request_id"])
        assert ticket is not None
        assert ticket.unit

"""The survey's page on a citizen's phone: what it says, whom it lets in, what an answer does."""

from __future__ import annotations

from pathlib import Path

import pytest
from casework.world import DAY, HOUR, World, make_world
from fastapi import FastAPI
from fastapi.testclient import TestClient

from bot.casework.surveys import Asking, Surveys
from bot.web.survey_pages import survey_pages

UNIT = "unit:市自来水集团"


class Phone:
    """A citizen's browser, and the city behind it."""

    def __init__(self, city: World) -> None:
        self.city = city
        self.surveys = Surveys(city.store.ledger)
        app = FastAPI()
        app.include_router(survey_pages(self.surveys, self.kind))
        self.browser = TestClient(app)
        self.secretive = False

    def kind(self, asking: Asking) -> str:
        return "" if self.secretive else asking.title

    def link(self) -> tuple[str, str]:
        """A resolved ticket, and the path of its survey."""
        number = self.city.file(text="我家停水了，我住3号楼501")
        self.city.handling.accept(number, UNIT)
        self.city.handling.resolve(number, UNIT, "已修好")
        self.city.wait(HOUR)
        [asking] = self.surveys.due()
        return number, f"/s/{asking.token}"


@pytest.fixture
def phone(tmp_path: Path) -> Phone:
    return Phone(make_world(f"sqlite:///{tmp_path}/survey.db"))


def test_the_page_says_number_and_kind_and_nothing_personal(phone: Phone) -> None:
    number, link = phone.link()
    page = phone.browser.get(link).text
    assert number in page
    assert "停水" in page
    for personal in ("501", "望京", "13800138000", "8000"):
        assert personal not in page


def test_of_a_sensitive_matter_it_does_not_even_say_the_kind(phone: Phone) -> None:
    number, link = phone.link()
    phone.secretive = True
    page = phone.browser.get(link).text
    assert number in page
    assert "停水" not in page


def test_solved_closes_the_ticket_with_its_grade_and_words(phone: Phone) -> None:
    number, link = phone.link()
    answer = phone.browser.post(link, data={"solved": "yes", "satisfied": "5", "words": "很快"})
    assert "谢谢" in answer.text
    assert phone.city.state(number) == "closed"
    [event] = [one for one in phone.city.store.events(number) if one.kind == "surveyed"]
    assert event.data == {"solved": True, "satisfied": 5, "channel": "web"}
    assert (event.note, event.actor) == ("很快", "citizen")


def test_not_solved_gives_it_back_to_its_unit(phone: Phone) -> None:
    number, link = phone.link()
    answer = phone.browser.post(link, data={"solved": "no", "words": "还是没水"})
    assert "重新办理" in answer.text
    assert phone.city.state(number) == "reopened"


def test_a_link_is_good_for_one_answer(phone: Phone) -> None:
    number, link = phone.link()
    phone.browser.post(link, data={"solved": "yes"})
    for answer in (phone.browser.get(link), phone.browser.post(link, data={"solved": "no"})):
        assert answer.status_code == 404
        assert "已经失效" in answer.text
    assert phone.city.state(number) == "closed"


def test_looking_at_the_link_answers_nothing(phone: Phone) -> None:
    number, link = phone.link()
    phone.browser.get(link)
    phone.browser.head(link)
    assert phone.city.state(number) == "resolved"


@pytest.mark.parametrize("solved", ["", "maybe"])
def test_who_has_not_chosen_is_asked_again(phone: Phone, solved: str) -> None:
    number, link = phone.link()
    answer = phone.browser.post(link, data={"solved": solved, "satisfied": "5"})
    assert answer.status_code == 422
    assert "请先选择" in answer.text
    assert phone.city.state(number) == "resolved"


def test_hostile_answers_harm_nothing(phone: Phone) -> None:
    number, link = phone.link()
    words = "\0<script>alert(1)</script>" * 100
    answer = phone.browser.post(link, data={"solved": "yes", "satisfied": "99", "words": words})
    assert answer.status_code == 200
    [event] = [one for one in phone.city.store.events(number) if one.kind == "surveyed"]
    assert event.data["satisfied"] is None
    assert "\0" not in event.note
    assert len(event.note) == 500


def test_an_old_or_invented_link_opens_nothing(phone: Phone) -> None:
    _, link = phone.link()
    phone.city.wait(8 * DAY)
    for path in (link, "/s/x", "/s/" + "A" * 43):
        assert phone.browser.get(path).status_code == 404

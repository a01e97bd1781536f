"""A unit's whole way through a ticket, in a real browser, by the keyboard where it matters."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_browser import chromium
from live_server import served
from playwright.sync_api import Page, expect

# The pages' own tests have the site and the world it lives in.
sys.path.insert(0, str(Path(__file__).parent.parent / "web"))
sys.path.insert(0, str(Path(__file__).parent.parent / "agents"))

from queue_world import FakeSwitchboard, RedisServer
from site_world import UNIT, Site, make_site

from bot.agents.queue import AgentQueue
from bot.casework.whistles import Whistles
from bot.web.accounts import Role

pytestmark = pytest.mark.call


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    redis = RedisServer(tmp_path)
    redis.start()
    yield make_site(tmp_path, AgentQueue(redis.url), FakeSwitchboard())
    redis.kill()


def open_action(page: Page, action: str) -> None:
    """Open an action's form as one does without a mouse."""
    summary = page.locator(f"#do-{action} summary")
    summary.focus()
    if page.locator(f"#do-{action}[open]").count() == 0:
        page.keyboard.press("Enter")


def test_a_unit_signs_in_accepts_whistles_and_resolves(site: Site) -> None:
    number = site.house.tickets.file(
        call_id="call-1",
        category="water.outage",
        title="停水",
        text="我家停水了",
        place="朝阳区望京西园",
        caller="13812345678",
    )
    name, password = site.account(Role.UNIT, "ziwei")
    with served(site.app) as address, chromium() as browser:
        page = browser.new_page()
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "console",
            lambda message: troubles.append(message.text) if message.type == "error" else None,
        )
        page.goto(address)
        page.fill("[name=name]", name)
        page.fill("[name=password]", password)
        page.keyboard.press("Enter")

        # The inbox: the ticket, with its clock in words.
        page.wait_for_url("**/casework")
        row = page.locator("tbody tr", has_text=number)
        expect(row.locator(".due")).to_have_text(re.compile("剩余"))
        row.get_by_role("link", name=number).focus()
        page.keyboard.press("Enter")

        # Accepting is the first thing offered; Enter in its form is enough.
        page.locator("#do-accept button").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("status").first).to_have_text("已签收。")
        expect(page.locator(".timeline")).to_contain_text("签收")

        open_action(page, "whistle")
        whistle = page.locator("#do-whistle")
        whistle.locator("[name=note]").fill("需要占道开挖")
        departments = whistle.locator("[name=departments]")
        departments.nth(0).fill("望京街道办事处")
        departments.nth(1).fill("公安交通管理部门")
        whistle.get_by_role("button").click()
        expect(page.get_by_role("status").first).to_contain_text("已吹哨")
        (board,) = Whistles(site.house.tickets.ledger).board(unit=UNIT)
        assert board.absent == ("望京街道办事处", "公安交通管理部门")

        open_action(page, "resolve")
        page.locator("#do-resolve [name=note]").fill("换了阀门，已经来水")
        page.locator("#do-resolve button").click()
        expect(page.get_by_role("status").first).to_contain_text("已办结")
        ticket = site.house.tickets.get(number)
        assert ticket is not None
        assert ticket.state == "resolved"
        assert troubles == []

"""An agent's whole way through a call, in a real browser, with a real caller."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from desk_browser import (
    chromium,
    line_audio,
    microphone,
    sign_in_for_the_first_time,
    start_recording,
    stop_recording,
)
from playwright.sync_api import expect
from running_line import RunningLine, alike, eventually

from bot.agents.types import EntryState
from bot.casework.tickets import TicketStore
from bot.database import open_database
from bot.speech.citizen import telephone
from bot.speech.types import LINE_RATE
from bot.speech.voice import Voice

pytestmark = pytest.mark.call

AGENT_SAYS = "您好，我是人工坐席，请问有什么可以帮您"
CALLER_SAYS = "我家停水了，请帮我登记一下"


def test_an_agent_takes_a_call_in_the_browser_from_signing_in_to_wrap_up(
    line: RunningLine,
    citizen_voice: Voice,
    recognise: Callable[[bytes], str],
    tmp_path: Path,
) -> None:
    made = line.hotline("account", "add", "zhang", "--extension", "8001")
    found = re.search(r"one-time password (\S+)", made.stdout)
    assert found, made.stdout + made.stderr
    address = f"http://127.0.0.1:{line.settings.http_port}/"
    with (
        chromium(microphone(tmp_path, citizen_voice.render(AGENT_SAYS))) as browser,
        line.citizen() as caller,
    ):
        page = browser.new_page()
        troubles: list[str] = []
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "console",
            lambda message: troubles.append(message.text) if message.type == "error" else None,
        )
        sign_in_for_the_first_time(page, address, "zhang", found[1])
        expect(page.locator("#phone")).to_have_attribute("data-state", "ready", timeout=15000)

        # The caller tells the bot what it is about, then asks for a person.
        caller.call("12345")
        caller.wait_answered()
        caller.wait_sound(5.0, 0.0)
        caller.wait_quiet(0.6)
        caller.speak(telephone(citizen_voice.render("我们小区停水两天了"), LINE_RATE))
        caller.wait_spoken(10.0)
        caller.wait_sound(15.0, caller.now)
        caller.press("0")
        entry = eventually(lambda: line.queue.list(EntryState.WAITING), 10.0)[0]

        # Pushed, not asked for; claimed by the keyboard alone.
        expect(page.locator("#queue .entry")).to_contain_text("138****8000", timeout=5000)
        page.keyboard.press("Alt+o")
        expect(page.locator("#state")).to_have_text("空闲")
        page.keyboard.press("Alt+j")
        expect(page.locator("#state")).to_have_text("通话中", timeout=30000)
        expect(page.locator("#phone")).to_have_attribute("data-state", "talking")

        # What the bot heard is there, and the ticket is filled in.
        expect(page.locator("#transcript .caller").first).to_be_visible()
        said = [turn.text for turn in entry.transcript if turn.who == "caller"]
        expect(page.locator("#transcript")).to_contain_text(said[0])
        expect(page.locator("#ticket [name=text]")).to_have_value(re.compile(said[0][:4]))

        # Where the recogniser was wrong, the agent can hear for themselves.
        page.locator("#transcript .listen").first.click()
        expect(page.locator("#transcript .listen").first).to_have_attribute("aria-pressed", "true")
        recorded = page.request.get(f"{address}desk/call/{entry.id}/sound/1")
        assert alike(recognise(line_audio(recorded.body())), "我们小区停水两天了") > 70

        # Both hear each other.
        start_recording(page)
        heard_before = len(caller.heard())
        time.sleep(6.0)
        caller.speak(telephone(citizen_voice.render(CALLER_SAYS), LINE_RATE))
        caller.wait_spoken(15.0)
        time.sleep(1.0)
        by_agent = recognise(stop_recording(page))
        by_caller = recognise(caller.heard()[heard_before:])
        assert alike(by_agent, CALLER_SAYS) > 70, by_agent
        assert alike(by_caller, AGENT_SAYS) > 70, by_caller

        # Both are written down as they speak, and what to answer follows.
        expect(page.locator("#talk .caller").first).to_be_visible(timeout=30000)
        expect(page.locator("#talk .agent").first).to_be_visible(timeout=30000)
        for side, words in ((".caller", CALLER_SAYS), (".agent", AGENT_SAYS)):
            written = "".join(page.locator(f"#talk {side}").all_inner_texts())
            assert alike(written, words) > 70, written
        expect(page.locator("#heard")).to_contain_text("停水")

        # The ticket is corrected and sent.
        page.keyboard.press("Alt+t")
        form = page.locator("#ticket")
        form.locator("[name=category]").select_option("water.outage")
        expect(form.locator("[name=unit]")).to_have_value("市自来水集团")
        form.locator("[name=place]").fill("朝阳区望京西园三区")
        form.locator("[name=text]").fill("小区停水两天，请尽快恢复")
        page.keyboard.press("Alt+s")
        number = form.locator(".number").inner_text(timeout=10000)
        ticket = TicketStore(open_database(line.settings)).get(number)
        assert ticket is not None
        assert (ticket.category, ticket.place) == ("water.outage", "朝阳区望京西园三区")
        assert ticket.caller == "13800138000"

        # Hanging up leads to wrap-up, and wrap-up back to being free.
        page.keyboard.press("Alt+h")
        assert caller.wait_ended(10.0) == 200
        expect(page.locator("#state")).to_have_text("话后处理", timeout=10000)
        expect(page.locator("#talk .caller").first).to_be_visible()
        page.locator("#wrap [name=outcome]").select_option("filed")
        page.locator("#wrap [name=note]").fill("已登记停水工单")
        page.keyboard.press("Alt+w")
        expect(page.locator("#state")).to_have_text("空闲", timeout=10000)
        expect(page.locator("#call .empty")).to_be_visible()
        assert line.queue.get(entry.id).state is EntryState.DONE  # type: ignore[union-attr]
        assert troubles == []

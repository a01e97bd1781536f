"""An agent leads a conversation by the keyboard alone, in a real browser, with real callers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from desk_browser import chromium, microphone, sign_in_for_the_first_time
from playwright.sync_api import expect
from running_line import RunningLine, eventually, saying

from bot.agents.types import EntryState

pytestmark = pytest.mark.call

#: Root mean square below which a phone heard nothing, and above which it heard something.
SILENCE, SOUND = 40, 100


def test_an_agent_holds_mutes_asks_brings_three_together_and_passes_the_caller_on(
    line: RunningLine, tmp_path: Path
) -> None:
    made = line.hotline("account", "add", "wang", "--extension", "8003")
    found = re.search(r"one-time password (\S+)", made.stdout)
    assert found, made.stdout + made.stderr
    speech = saying("water_off")
    with (
        chromium(microphone(tmp_path, speech)) as browser,
        line.citizen("13700137009") as caller,
        line.agent("8002", answer_after=0.2) as colleague,
    ):
        page = browser.new_page()
        address = f"http://127.0.0.1:{line.settings.http_port}/"
        sign_in_for_the_first_time(page, address, "wang", found[1])
        expect(page.locator("#phone")).to_have_attribute("data-state", "ready", timeout=15000)
        caller.call("12345")
        caller.wait_answered()
        caller.wait_sound(5.0, 0.0)
        caller.press("0")
        entry = eventually(lambda: line.queue.list(EntryState.WAITING), 10.0)[0]
        page.keyboard.press("Alt+o")
        page.keyboard.press("Alt+j")
        standing = page.locator(".standing")
        expect(standing).to_have_text("您正在与市民通话", timeout=30000)

        page.keyboard.press("Alt+m")
        expect(standing).to_contain_text("您已静音")
        eventually(lambda: caller.heard_level(1.0) < SILENCE, 10.0)

        # Muted, so that what the caller hears now can only be the music.
        page.keyboard.press("Alt+k")
        expect(standing).to_contain_text("市民在听等待音乐（保持中）")
        eventually(lambda: caller.heard_level(1.0) > SOUND, 10.0)
        page.keyboard.press("Alt+k")
        expect(standing).to_contain_text("您正在与市民通话")
        eventually(lambda: caller.heard_level(1.0) < SILENCE, 10.0)
        page.keyboard.press("Alt+m")
        expect(standing).not_to_contain_text("您已静音")
        eventually(lambda: caller.heard_level(1.0) > SOUND, 10.0)

        # Who is not there cannot be chosen; who is, by the keys of their extension.
        page.keyboard.press("Alt+c")
        expect(page.locator("#party")).to_be_focused()
        page.keyboard.type("8002")
        page.keyboard.press("Alt+c")
        expect(standing).to_have_text("您正在与坐席8002通话，市民在听等待音乐", timeout=15000)
        eventually(lambda: colleague.heard_level(1.0) > SOUND, 10.0)

        page.keyboard.press("Alt+3")
        expect(standing).to_have_text("三方通话：市民、您、坐席8002")
        page.keyboard.press("Alt+m")
        eventually(lambda: colleague.heard_level(1.0) < SILENCE, 10.0)
        caller.speak(speech)
        eventually(lambda: colleague.heard_level(0.4) > SOUND, 5.0)
        caller.wait_spoken(10.0)

        page.keyboard.press("Alt+x")
        expect(page.locator("#state")).to_have_text("话后处理", timeout=10000)
        expect(page.locator(".control-bar")).to_be_hidden()
        theirs = line.queue.get(entry.id)
        assert theirs is not None
        assert (theirs.state, theirs.agent) == (EntryState.JOINED, "8002")
        eventually(lambda: caller.heard_level(0.4) < SILENCE, 5.0)
        colleague.speak(speech)
        eventually(lambda: caller.heard_level(0.4) > SOUND, 5.0)
        colleague.hangup()
        assert caller.wait_ended(5.0) == 200

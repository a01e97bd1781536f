"""Makes a picture of every page, filled with a busy morning, to be looked at.

.venv/bin/python tests/browser/screenshots.py FOLDER
"""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

# What pages are filled with is the world of other tests.
sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "web"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "agents"))

import uvicorn
from desk_browser import chromium
from playwright.sync_api import BrowserContext, Page
from queue_world import WATER, FakeSwitchboard, RedisServer, an_entry, free_port
from site_world import UNIT, Site, make_site

from bot.agents.presence import AgentState
from bot.agents.queue import AgentQueue
from bot.agents.types import Turn
from bot.casework.handling import Handling
from bot.casework.incidents import Incidents
from bot.casework.surveys import Surveys
from bot.casework.whistles import Whistles
from bot.training import scoring
from bot.training.types import Kind, Said, Talked
from bot.web.accounts import Role
from bot.web.records import Correction

TALK = (
    Turn("bot", "您好，这里是市民服务热线，请问您要咨询还是反映问题？", 0.5),
    Turn("caller", "你好，我们小区从昨天早上就停水了，到现在还没有来", 4.2, 1),
    Turn("bot", "您是要反映停水问题，对吗？", 9.8),
    Turn("caller", "对，望京西园三区，家里还有老人，实在不方便", 12.0, 2),
    Turn("bot", "好的，请问大概从什么时候开始停的？", 17.5),
    Turn("caller", "昨天早上八点左右，我还是找人工说吧", 20.1, 3),
    Turn("bot", "好的，马上为您转接人工坐席，请稍候。", 24.0),
)

WITH_AN_AGENT = (
    Turn("agent", "您好，我是人工坐席，已经看到您说停水的情况了", 63.0),
    Turn("caller", "对，从昨天早上八点到现在，整栋楼都没有水", 68.4),
    Turn("agent", "好的，我先查一下停水公告，请您稍等", 73.9),
    Turn("caller", "", 77.0),
    Turn("caller", "另外上个月的水费也好像多收了，这个也能查吗", 79.2),
)


def fill(site: Site, switchboard: FakeSwitchboard) -> None:
    """A busy morning."""
    now = time.time()
    pack, queue, house = site.house.pack(), site.house.queue, site.house
    titles = {intent.id: intent.title for intent in pack.intents}
    ids = ["water.outage", "water.pressure", "water.pipe"]
    faq = next(one for one in pack.intents if hasattr(one, "answer"))
    for number, (reason, priority, waited) in enumerate(
        [("asked", 5, 8), ("emergency", 0, 15), ("not_understood", 5, 95), ("asked", 2, 40)]
    ):
        queue.enqueue(
            an_entry(
                f"waiting-{number}",
                caller=f"1391234567{number}",
                reason=reason,
                priority=priority,
                queued_at=now - waited,
                candidates=((ids[0], titles[ids[0]], 0.7),),
            )
        )
    mine = an_entry(
        "mine",
        caller="13812345678",
        queued_at=now - 65,
        transcript=TALK,
        candidates=(
            (ids[0], titles[ids[0]], 0.71),
            (faq.id, faq.title, 0.18),
            (ids[1], titles[ids[1]], 0.06),
        ),
    )
    queue.enqueue(mine)
    for turn in WITH_AN_AGENT:
        queue.say("mine", turn)
    queue.update("mine", heard=((faq.id, faq.title, 0.83), (ids[1], titles[ids[1]], 0.31)))
    site.records["mine"] = {"turns": [{"slots": {"place": "望京西园三区"}}]}
    for text in ("楼道灯坏了三天", "垃圾桶满了没人清运"):
        house.tickets.file(
            call_id=text,
            category="sanitation.x",
            title=text[:4],
            text=text,
            place="望京西园三区",
            caller="13812345678",
        )
    house.records.wrap_up("before", "zhang", "answered", "解释了阶梯水价", "13812345678")
    house.citizens.consent("13812345678", True)
    house.citizens.remember("13812345678", last_rating=5)
    for extension, duty in (("8002", AgentState.BREAK), ("8003", AgentState.ON_DUTY)):
        queue.presence.choose(extension, duty)
        queue.presence.beat(extension)
    for number in range(6):
        entry = an_entry(f"old-{number}", queued_at=now - 300)
        queue.enqueue(entry)
        if number < 4:
            queue.claim("8003", entry.id)
            queue.join(entry.id)
            queue.close(entry.id, "agent_done")
        elif number == 4:
            queue.abandon(entry.id)
        else:
            queue.claim("8003", entry.id)
            queue.join(entry.id)
    fill_casework(site)
    today = dt.datetime.now(ZoneInfo(pack.office.zone)).date()
    for outcome, calls in (("answered", 14), ("transferred", 6)):
        for _ in range(calls):
            queue.tally.count(outcome, today)


def fill_casework(site: Site) -> None:
    """A water company's week: some done, some late, some just come in."""
    house = site.house
    handling, unit = Handling(house.tickets.ledger), f"unit:{UNIT}"
    titles = {intent.id: intent.title for intent in house.pack().intents}
    site.clock.tick(days=-6)
    filed = []
    for number in range(14):
        category = ("water.outage", "water.pipe", "water.pressure")[number % 3]
        filed.append(
            house.tickets.file(
                call_id=f"week-{number}",
                category=category,
                title=titles[category],
                text=f"{number + 1}号楼从昨天早上八点左右开始停水，家里有老人，请联系13912345678",
                place=f"朝阳区望京西园{number + 1}区",
                caller="13912345678",
                urgency=("normal", "high", "normal", "urgent")[number % 4],
            )
        )
        site.clock.tick(hours=7)
    for number in filed[:9]:
        handling.accept(number, unit)
        handling.contact(number, unit, "reached", "已电话联系，说明正在抢修")
    for number in filed[:4]:
        handling.resolve(number, unit, "更换阀门，已恢复供水")
    handling.progress(filed[5], unit, "已到现场，正在开挖")
    handling.ask_extension(
        filed[5], unit, site.clock() + dt.timedelta(days=20), "需要更换主管道，等待配件"
    )
    handling.return_(filed[9], unit, "属于二次供水，由物业单位负责")
    house.tickets.urge(filed[5], "citizen", "怎么还没来水")
    site.records["week-5"] = {
        "turns": [{"who": one.who, "text": one.text, "at": one.at} for one in TALK]
    }
    ledger = house.tickets.ledger
    whistles = Whistles(ledger)
    blown = [
        whistles.blow(
            filed[number],
            unit,
            reason="主管道在道路中间，需要占道开挖",
            departments=["望京街道办事处", "公安交通管理部门", "市排水集团"],
            be_there_by=site.clock() + dt.timedelta(hours=hours),
        )
        for number, hours in ((5, 2), (6, 60))
    ]
    site.clock.tick(hours=1)
    whistles.check_in(blown[0], "望京街道办事处")
    whistles.act(blown[0], "望京街道办事处", "已设置围挡，疏导行人")
    for number, (solved, score) in enumerate(((True, 5), (True, 4), (False, 2))):
        Surveys(ledger).answer(filed[number], solved, score, "agent:8001", "agent")
    for number in range(4):
        house.tickets.file(
            call_id=f"many-{number}",
            category="garbage.uncollected",
            title=titles["garbage.uncollected"],
            text=f"小区的垃圾三天没人清运了，{number + 1}号楼门口都堆满了",
            place="朝阳区望京街道",
            caller=f"1371234567{number}",
        )
    Incidents(ledger).sweep()
    site.clock.tick(days=2)


def shoot(page: Page, folder: Path, name: str) -> None:
    page.wait_for_timeout(600)
    page.screenshot(path=folder / f"{name}.png")
    print(folder / f"{name}.png")


def signed_in(browser: BrowserContext, site: Site, address: str, role: Role, name: str) -> Page:
    browser.clear_cookies()
    page = browser.new_page()
    known, password = site.account(role, name)
    page.goto(address)
    page.fill("[name=name]", known)
    page.fill("[name=password]", password)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/login" not in url)
    return page


def shoot_casework(browser: BrowserContext, site: Site, address: str, folder: Path) -> None:
    """The pages of casework, as a unit and as a dispatcher see them."""
    page = signed_in(browser, site, address, Role.UNIT, "ziwei")
    shoot(page, folder, "casework-inbox")
    urged = next(one for one in site.house.tickets.newest() if one.call_id == "week-5")
    page.goto(f"{address}casework/tickets/{urged.number}")
    shoot(page, folder, "casework-ticket")
    page.locator("#do-whistle summary").click()
    page.locator("#do-whistle").scroll_into_view_if_needed()
    shoot(page, folder, "casework-ticket-whistle")
    page.goto(f"{address}casework/whistles")
    shoot(page, folder, "casework-whistles")
    page = signed_in(browser, site, address, Role.SUPERVISOR, "paidan")
    page.goto(f"{address}casework")
    shoot(page, folder, "casework-inbox-all")
    returned = next(one for one in site.house.tickets.newest() if one.state == "returned")
    page.goto(f"{address}casework/tickets/{returned.number}")
    shoot(page, folder, "casework-ticket-dispatcher")
    page.locator("#do-approve-return button").click()
    for name, path in (
        ("incidents", "incidents"),
        ("incident", "incidents/1"),
        ("rates", "rates"),
        ("refused", "tickets/261125000001"),
    ):
        page.goto(f"{address}casework/{path}")
        shoot(page, folder, f"casework-{name}")


def fill_training(site: Site, trainee: str) -> None:
    """Three weeks of somebody who learns, but does not ask for the whole place."""
    house, pack = site.house, site.house.pack()
    site.clock.tick(days=-21)
    for number in range(18):
        scenario = pack.scenarios[number % 9]
        best = scoring.expected_of(scenario, pack)
        answer = replace(best, place=best.place[:6], unit=best.unit if number > 6 else "police")
        said = (
            Said("agent", "您好，12345，请问有什么可以帮您？", 0.4),
            Said("citizen", scenario.opening, 4.0),
            Said("agent", "您别着急，请问在什么地方？", 11.0),
            Said("citizen", scenario.says.get("place", ""), 14.0),
        )
        talked = Talked(said, 12.0, 150.0 + 9 * number) if number % 3 == 0 else None
        result = scoring.score(answer, scenario, pack, dt.datetime(2026, 11, 20, 12), talked)
        kind = Kind.CALL if talked else Kind.DRILL
        house.training.records.keep(
            trainee, kind, scenario.id, scenario.title, answer, result, talked
        )
        site.clock.tick(hours=28)
    house.records.correct(
        Correction("call-9", "zhang", "我们小区的垃圾三天没人清运了", "garbage.uncollected")
    )


def shoot_training(browser: BrowserContext, site: Site, address: str, folder: Path) -> None:
    """The pages of training, as a trainee and as a supervisor see them."""
    fill_training(site, "xiaolin")
    page = signed_in(browser, site, address, Role.AGENT, "xiaolin")
    page.goto(f"{address}training")
    shoot(page, folder, "training")
    page.goto(f"{address}training/drill/streets.fire_lane")
    page.locator("summary").click()
    shoot(page, folder, "training-drill")
    page.goto(f"{address}training/result/16")
    shoot(page, folder, "training-result")
    page.goto(f"{address}training")
    page.locator("form[action='/training/practice'] button").first.click()
    page.wait_for_url("**/training/practice/*")
    page.locator("#browser-phone").uncheck()
    shoot(page, folder, "training-practice-waiting")
    page.keyboard.press("Alt+j")
    page.wait_for_selector("[data-stage=talking]")
    shoot(page, folder, "training-practice-talking")
    page = signed_in(browser, site, address, Role.SUPERVISOR, "banzhang")
    page.goto(f"{address}training/team")
    shoot(page, folder, "training-team")
    page.goto(f"{address}training/progress/xiaolin")
    shoot(page, folder, "training-progress")


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        redis, switchboard = RedisServer(Path(work)), FakeSwitchboard()
        redis.start()
        site = make_site(Path(work), AgentQueue(redis.url), switchboard)
        port = free_port()
        config = uvicorn.Config(site.app, port=port, log_config=None, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        threading.Thread(target=server.run, daemon=True).start()
        address = f"http://127.0.0.1:{port}/"
        fill(site, switchboard)
        try:
            with chromium() as browser:
                page = browser.new_page()
                page.goto(address)
                shoot(page, folder, "login")
                page = signed_in(browser, site, address, Role.AGENT, "zhang")
                page.locator("#browser-phone").uncheck()
                page.keyboard.press("Alt+o")
                shoot(page, folder, "desk-idle")
                page.locator("[data-claim=mine]").click()
                page.wait_for_selector("#ticket")
                shoot(page, folder, "desk-talking")
                page.locator("#party").select_option(WATER)
                page.keyboard.press("Alt+c")
                page.wait_for_selector("[data-talk-state=consulting]")
                shoot(page, folder, "desk-consulting")
                page.keyboard.press("Alt+k")
                page.wait_for_selector("[data-talk-state=together]")
                page.keyboard.press("Alt+s")
                page.wait_for_selector("#ticket .number")
                page.keyboard.press("Alt+h")
                page.wait_for_selector("#call[data-phase=done]")
                shoot(page, folder, "desk-wrap-up")
                page.goto(f"{address}password")
                shoot(page, folder, "password")
                page.goto(f"{address}accounts")
                shoot(page, folder, "refused")
                page = signed_in(browser, site, address, Role.SUPERVISOR, "li")
                shoot(page, folder, "wallboard")
                page.goto(f"{address}corrections")
                shoot(page, folder, "corrections")
                shoot_casework(browser, site, address, folder)
                shoot_training(browser, site, address, folder)
                page = signed_in(browser, site, address, Role.ADMIN, "admin")
                shoot(page, folder, "accounts")
                page.goto(f"{address}audit")
                shoot(page, folder, "audit")
        finally:
            server.should_exit = True
            redis.kill()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

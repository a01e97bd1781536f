"""The pages of training: what to practise, drills, practice calls, results, progress.

A trainee sees their own results, a supervisor everybody's. Leaves to others: every rule
(``bot/training``).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import anyio.to_thread
from fastapi import APIRouter, Depends, Form
from fastapi.responses import (
    FileResponse,
    HTMLResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from markupsafe import Markup
from starlette.requests import Request

from bot.agents.presence import SERVING
from bot.agents.queue import AgentBusy
from bot.agents.types import JoinResult
from bot.speech.audio import wav_bytes
from bot.training.choosing import intent_of, labels
from bot.training.drills import Drill, drills_of
from bot.training.picture import bars, curve
from bot.training.progress import next_scenarios, progress_of
from bot.training.records import Practice
from bot.training.room import PracticeRefused, PracticeView, Stage
from bot.training.scoring import coaching_of, score
from bot.training.types import FIELD_NAMES, HANDLINGS, LEVELS, URGENCIES, Answer, Kind
from bot.understanding.pack import Pack
from bot.understanding.scenarios import Coaching, Scenario, Temper
from bot.web.accounts import Role
from bot.web.desk_pages import RESULTS
from bot.web.feed import event
from bot.web.pages import COOKIE, House, Me, Refused, guard, may_take_calls, page
from bot.web.sessions import SignedIn

#: Real calls that are looked at for drills.
RECORDED = 200
#: Trainees' telephones that may ring at the same time; each holds a thread for as long.
RINGING = 8
#: Seconds between two looks at a practice call, and looks between two at the session.
LOOK, BEAT = 0.25, 40
STAGES = {
    Stage.CALLING: "市民正在拨号……",
    Stage.WAITING: "有来电，请接听。",
    Stage.TALKING: "通话中：问清情况，边听边填，核对后提交。",
    Stage.ENDED: "通话已结束，请提交工单。",
    Stage.SCORED: "练习结束，正在打开成绩……",
    Stage.FAILED: "练习没有完成。",
}


def training_pages(house: House) -> APIRouter:
    """Return the routes."""
    router = APIRouter(prefix="/training", dependencies=[Depends(guard(house))])
    records, calls = house.training.records, house.training.calls
    limiter: list[anyio.CapacityLimiter] = []

    def drill_of(drill_id: str) -> tuple[Drill, Pack]:
        pack = house.pack()
        coaching_or_refuse(pack)
        for drill in drills_of(pack, house.records.corrections(RECORDED)):
            if drill.id == drill_id:
                return drill, pack
        raise Refused(404, "没有这个练习，可能知识包已经更新。请回到培训页面重选。")

    @router.get("")
    def training(me: Me) -> HTMLResponse:
        pack = house.pack()
        coaching = coaching_or_refuse(pack)
        practices = records.of_trainee(me.account.name)
        last: dict[str, Practice] = {}
        for practice in practices:
            last.setdefault(practice.scenario, practice)
        drills = {one.id: one for one in drills_of(pack, house.records.corrections(RECORDED))}
        known = [(one.id, one.level) for one in pack.scenarios]
        return page(
            "training.html",
            me,
            scenarios=[drills[id].scenario for id in next_scenarios(practices, known)],
            recorded=[one for one in drills.values() if one.recorded][:20],
            tempers=titles_of(coaching),
            levels=LEVELS,
            last=last,
            progress=progress_of(practices),
            picture=Markup(curve(practices, coaching.passing)),
            names=FIELD_NAMES,
            current=calls.current(me.account.name),
        )

    @router.get("/drill/{drill_id}")
    def drill_page(drill_id: str, me: Me) -> HTMLResponse:
        drill, pack = drill_of(drill_id)
        if drill.recorded:
            house.audit.write(me.account.name, "looked_at_caller", drill.id)
        return page(
            "training_drill.html",
            me,
            drill=drill,
            heard=not drill.recorded or sound_of(house, drill) is not None,
            temper=titles_of(coaching_of(pack)).get(drill.scenario.temper, ""),
            **choices_of(pack),
        )

    @router.get("/drill/{drill_id}/sound")
    def sound(drill_id: str, me: Me) -> Response:
        drill, pack = drill_of(drill_id)
        if drill.recorded:
            kept = sound_of(house, drill)
            if kept is None:
                raise Refused(404, "这句话没有录音，或者里面有号码，只能阅读。")
            house.audit.write(me.account.name, "heard_caller", drill.id)
            return FileResponse(kept, media_type="audio/wav")
        temper = temper_of(drill.scenario, coaching_of(pack))
        said = b"".join(house.training.speak(temper, text) for text in drill.words)
        return Response(wav_bytes(said), media_type="audio/wav")

    @router.post("/drill/{drill_id}")
    def classify(
        drill_id: str,
        me: Me,
        intent: Annotated[str, Form(max_length=100)] = "",
        unit: Annotated[str, Form(max_length=64)] = "",
        urgency: Annotated[str, Form(max_length=8)] = "",
        handling: Annotated[str, Form(max_length=16)] = "",
        place: Annotated[str, Form(max_length=200)] = "",
    ) -> Response:
        drill, pack = drill_of(drill_id)
        chosen = intent_of(intent, pack)
        if not chosen:
            raise Refused(422, "请从列表里选择诉求分类。请后退重选。")
        answer = Answer(chosen, unit, urgency, handling, place.strip())
        result = score(answer, drill.scenario, pack, local_now(pack))
        kept = records.keep(
            me.account.name, Kind.DRILL, drill.id, drill.scenario.title, answer, result
        )
        return RedirectResponse(f"/training/result/{kept}", 303)

    @router.get("/result/{practice_id}")
    def result_page(practice_id: int, me: Me) -> HTMLResponse:
        practice = records.get(practice_id)
        if practice is None or not may_see(me, practice.trainee):
            raise Refused(404, "没有这次练习的成绩。")
        return page("training_result.html", me, practice=practice, names=FIELD_NAMES, kinds=Kind)

    @router.get("/progress/{trainee}")
    def progress_page(trainee: str, me: Me) -> HTMLResponse:
        if not may_see(me, trainee):
            raise Refused(404, "没有这位学员的成绩。")
        practices = records.of_trainee(trainee)
        progress = progress_of(practices)
        passing = coaching_or_refuse(house.pack()).passing
        return page(
            "training_progress.html",
            me,
            trainee=trainee,
            practices=practices[:50],
            progress=progress,
            picture=Markup(curve(practices, passing)),
            parts=Markup(bars(progress.parts)),
            names=FIELD_NAMES,
            kinds=Kind,
        )

    @router.post("/practice")
    def begin(me: Me, scenario: Annotated[str, Form(max_length=64)] = "") -> Response:
        if not may_take_calls(me.account):
            raise Refused(403, "您的账号没有分机号，不能接听来电。请管理员补上。")
        serving = house.queue.presence.get(me.account.extension)
        if serving is not None and (serving.state in SERVING or serving.entry):
            raise Refused(409, "您正在坐席台上岗。请先下岗，再开始练习，以免漏接市民来电。")
        pack = house.pack()
        coaching_or_refuse(pack)
        known = {one.id: one for one in pack.scenarios}
        levels = [(one.id, one.level) for one in pack.scenarios]
        wanted = next_scenarios(records.of_trainee(me.account.name), levels)
        chosen = scenario or next(iter(wanted), "")
        if chosen not in known:
            raise Refused(404, "没有这个练习，可能知识包已经更新。请回到培训页面重选。")
        try:
            id = calls.begin(me.account.name, me.account.extension, known[chosen])
        except PracticeRefused as error:
            raise Refused(409, str(error)) from error
        return RedirectResponse(f"/training/practice/{id}", 303)

    @router.get("/practice/{practice_id}")
    def practice_page(practice_id: str, me: Me) -> HTMLResponse:
        view = view_of(me, practice_id)
        pack = house.pack()
        return page(
            "training_practice.html",
            me,
            practice=view,
            levels=LEVELS,
            temper=titles_of(coaching_or_refuse(pack)).get(view.scenario.temper, ""),
            **choices_of(pack),
        )

    @router.get("/practice/{practice_id}/events")
    def events(practice_id: str, request: Request, me: Me) -> StreamingResponse:
        key = request.cookies.get(COOKIE, "")
        return StreamingResponse(
            _events(house, me, practice_id, key), media_type="text/event-stream"
        )

    @router.post("/practice/{practice_id}/claim")
    async def claim(practice_id: str, me: Me) -> PlainTextResponse:
        # Made here because it belongs to the running event loop; a telephone that rings must
        # not keep other pages from a thread.
        if not limiter:
            limiter.append(anyio.CapacityLimiter(RINGING))
        return await anyio.to_thread.run_sync(take, me, practice_id, limiter=limiter[0])

    def take(me: SignedIn, practice_id: str) -> PlainTextResponse:
        view_of(me, practice_id)
        try:
            result = calls.claim(me.account.name, practice_id)
        except PracticeRefused as error:
            raise Refused(409, str(error)) from error
        except AgentBusy as error:
            raise Refused(409, "您已有一个来电，请先结束它。") from error
        return PlainTextResponse(RESULTS[result], 200 if result is JoinResult.JOINED else 409)

    @router.post("/practice/{practice_id}/hang-up")
    def hang_up(practice_id: str, me: Me) -> PlainTextResponse:
        view_of(me, practice_id)
        calls.hang_up(me.account.name, practice_id)
        return PlainTextResponse("已挂断。")

    @router.post("/practice/{practice_id}/ticket")
    def ticket(
        practice_id: str,
        me: Me,
        intent: Annotated[str, Form(max_length=100)] = "",
        unit: Annotated[str, Form(max_length=64)] = "",
        urgency: Annotated[str, Form(max_length=8)] = "",
        handling: Annotated[str, Form(max_length=16)] = "",
        place: Annotated[str, Form(max_length=200)] = "",
        time: Annotated[str, Form(max_length=100)] = "",
        phone: Annotated[str, Form(max_length=24)] = "",
    ) -> PlainTextResponse:
        view_of(me, practice_id)
        chosen = intent_of(intent, house.pack())
        if not chosen:
            raise Refused(422, "请从列表里选择诉求分类。")
        answer = Answer(chosen, unit, urgency, handling, place.strip(), time.strip(), phone.strip())
        try:
            calls.file(me.account.name, practice_id, answer)
        except PracticeRefused as error:
            raise Refused(409, str(error)) from error
        return PlainTextResponse("已提交。说完结束语挂断后就能看到成绩。")

    @router.post("/practice/{practice_id}/give-up")
    def give_up(practice_id: str, me: Me) -> PlainTextResponse:
        view_of(me, practice_id)
        calls.give_up(me.account.name, practice_id)
        return PlainTextResponse("已放弃，不计成绩。")

    def view_of(me: SignedIn, practice_id: str) -> PracticeView:
        try:
            return calls.view(me.account.name, practice_id)
        except PracticeRefused as error:
            raise Refused(404, str(error)) from error

    @router.get("/team")
    def team(me: Me) -> HTMLResponse:
        rows = [
            (name, count, mean, last, progress_of(records.of_trainee(name, 20)).weak)
            for name, count, mean, last in records.trainees()
        ]
        return page("training_team.html", me, rows=rows, names=FIELD_NAMES)

    return router


async def _events(house: House, me: SignedIn, id: str, key: str) -> AsyncIterator[str]:
    """Push the practice's state whenever it changes, until it is over."""
    sent: tuple[object, ...] = ()
    looks = 0
    while True:
        if looks % BEAT == 0 and not await anyio.to_thread.run_sync(house.sessions.find, key):
            yield event("signed_out", "")
            return
        looks += 1
        try:
            view = house.training.calls.view(me.account.name, id)
        except PracticeRefused as error:
            yield event("state", json.dumps({"stage": Stage.FAILED, "told": str(error)}))
            return
        now = (view.stage, view.filed)
        if now != sent:
            sent = now
            yield event("state", json.dumps(state_of(view)))
        if view.stage in (Stage.SCORED, Stage.FAILED):
            return
        await anyio.sleep(LOOK)


def state_of(view: PracticeView) -> dict[str, Any]:
    """Return what the page's script has to know of a practice."""
    told = view.trouble or STAGES[view.stage]
    if view.filed and view.stage is Stage.TALKING:
        told = "工单已提交。请说结束语，然后挂断。"
    return {
        "stage": view.stage.value,
        "since": view.since,
        "filed": view.filed,
        "result": view.result,
        "told": told,
    }


def sound_of(house: House, drill: Drill) -> Path | None:
    """Return the WAV of a real call's words, if it may be heard and is still kept."""
    record = house.record(drill.call) if drill.call else None
    if record is None:
        return None
    for turn in record["turns"]:
        if turn.get("mark") and turn["text"].strip() == drill.words[0]:
            return house.sound(record["caller"], drill.call, turn["mark"])
    return None


def may_see(me: SignedIn, trainee: str) -> bool:
    """Whether somebody may see a trainee's results."""
    return trainee == me.account.name or me.account.role is Role.SUPERVISOR


def coaching_or_refuse(pack: Pack) -> Coaching:
    """Return a pack's coaching (Refused: it has none)."""
    try:
        return coaching_of(pack)
    except LookupError as error:
        raise Refused(404, f"{error}请在知识包里加上 coaching 和 scenarios。") from error


def temper_of(scenario: Scenario, coaching: Coaching) -> Temper:
    """Return how a scenario's citizen speaks."""
    return next(one for one in coaching.tempers if one.id == scenario.temper)


def titles_of(coaching: Coaching) -> dict[str, str]:
    """Return the tempers' Chinese names by id."""
    return {temper.id: temper.title for temper in coaching.tempers}


def choices_of(pack: Pack) -> dict[str, Any]:
    """Return what the form of a classification offers."""
    return {
        "intents": labels(pack),
        "units": {unit.id: unit.name for unit in pack.units},
        "urgencies": URGENCIES,
        "handlings": HANDLINGS,
    }


def local_now(pack: Pack) -> dt.datetime:
    """Return the time on the city's clocks."""
    return dt.datetime.now(ZoneInfo(pack.office.zone)).replace(tzinfo=None)

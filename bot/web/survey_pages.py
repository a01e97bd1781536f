"""The page behind the link of a survey by text: is it solved, how was it, anything else?

For anybody who has the link: it can't be guessed, is good for one answer, and ends with the
survey. The page says the ticket's number and what kind of thing it is, and nothing of the
citizen. Only sending the form counts: programs that look at links answer nothing. Leaves to
others: what an answer does (``casework/surveys.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse

from bot.casework.errors import IllegalTransition, UnknownTicket
from bot.casework.lifecycle import Actor, Role, TicketState
from bot.casework.surveys import Asking, Surveys
from bot.web.pages import page

#: Characters of the citizen's own words that are kept.
WORDS = 500
GRADES = {5: "非常满意", 4: "满意", 3: "基本满意", 2: "不满意", 1: "非常不满意"}
GONE = "这个链接已经失效：您可能已经评价过，或者时间已过。有事请拨打热线。"


def survey_pages(surveys: Surveys, kind: Callable[[Asking], str]) -> APIRouter:
    """Return the routes; ``kind`` says what a ticket is about, "" when that is not told."""
    router = APIRouter()

    def form(asking: Asking, message: str = "", status: int = 200) -> HTMLResponse:
        return page(
            "survey.html",
            status=status,
            number=asking.number,
            kind=kind(asking),
            grades=GRADES,
            words=WORDS,
            message=message,
        )

    def end(title: str, message: str, status: int = 200) -> HTMLResponse:
        return page("surveyed.html", status=status, heading=title, message=message)

    @router.get("/s/{token}")
    def ask(token: str) -> HTMLResponse:
        try:
            return form(surveys.asked(token))
        except UnknownTicket:
            return end("无法评价", GONE, 404)

    @router.post("/s/{token}")
    def answer(
        token: str,
        solved: Annotated[str, Form()] = "",
        satisfied: Annotated[str, Form()] = "",
        words: Annotated[str, Form()] = "",
    ) -> HTMLResponse:
        try:
            asking = surveys.asked(token)
            if solved not in ("yes", "no"):
                return form(asking, "请先选择问题解决了没有。", 422)
            state = surveys.answer(
                asking.number,
                solved == "yes",
                int(satisfied) if satisfied in {str(grade) for grade in GRADES} else None,
                Actor(Role.CITIZEN),
                channel="web",
                note=words.replace("\0", "").strip()[:WORDS],
            )
        except (UnknownTicket, IllegalTransition):
            return end("无法评价", GONE, 404)
        if state is TicketState.REOPENED:
            return end("已收到", "很抱歉没有办好。工单已经退回承办单位重新办理，办好后会再联系您。")
        return end("谢谢您的评价", "您的评价已经收到。")

    return router

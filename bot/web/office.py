"""The quiet pages: accounts, the audit log, and what agents corrected, to learn from."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, Response

from bot.web.accounts import AccountError, Role
from bot.web.audit import ACTIONS
from bot.web.pages import House, Me, Refused, guard, page
from bot.web.sessions import SignedIn
from bot.web.units import unit_named, unit_names


def office_pages(house: House) -> APIRouter:
    """Return the routes."""
    router = APIRouter(dependencies=[Depends(guard(house))])

    def accounts_page(
        me: SignedIn, message: str = "", shown: tuple[str, str] | None = None, status: int = 200
    ) -> HTMLResponse:
        return page(
            "accounts.html",
            me,
            status,
            accounts=sorted(house.accounts.all(), key=lambda one: one.name),
            units=unit_names(house.pack()),
            message=message,
            shown=shown,
        )

    @router.get("/accounts")
    def accounts(me: Me) -> HTMLResponse:
        return accounts_page(me)

    @router.post("/accounts")
    def add(
        me: Me,
        name: Annotated[str, Form(max_length=64)] = "",
        role: Annotated[Role, Form()] = Role.AGENT,
        extension: Annotated[str, Form(max_length=10)] = "",
        unit: Annotated[str, Form(max_length=64)] = "",
    ) -> HTMLResponse:
        if extension and not house.phone_password(extension):
            return accounts_page(me, f"没有分机{extension}，请先在系统设置中添加。", status=422)
        known = unit_named(house.pack(), unit.strip())
        if unit and known is None:
            return accounts_page(me, f"没有叫“{unit}”的单位，请从列表中选择。", status=422)
        try:
            password = house.accounts.add(name, role, extension, unit=known or "")
        except AccountError as error:
            return accounts_page(me, error.message, status=422)
        house.audit.write(
            me.account.name, "account_added", name, f"{role.value} {known or ''}".strip()
        )
        return accounts_page(me, shown=(name, password))

    @router.post("/accounts/{name}/lock")
    def lock(name: str, me: Me) -> HTMLResponse:
        if name == me.account.name:
            return accounts_page(me, "不能停用自己的账号。", status=422)
        return _locked(me, name, True)

    @router.post("/accounts/{name}/unlock")
    def unlock(name: str, me: Me) -> HTMLResponse:
        return _locked(me, name, False)

    def _locked(me: SignedIn, name: str, locked: bool) -> HTMLResponse:
        try:
            house.accounts.lock(name, locked)
        except AccountError as error:
            raise Refused(404, error.message) from error
        action = "account_locked" if locked else "account_unlocked"
        house.audit.write(me.account.name, action, name)
        return accounts_page(me, f"{name}已{'停用' if locked else '启用'}。")

    @router.post("/accounts/{name}/reset")
    def reset(name: str, me: Me) -> HTMLResponse:
        try:
            password = house.accounts.reset(name)
        except AccountError as error:
            raise Refused(404, error.message) from error
        house.audit.write(me.account.name, "password_reset", name)
        return accounts_page(me, shown=(name, password))

    @router.get("/audit")
    def audit(me: Me, actor: str = "", action: str = "") -> HTMLResponse:
        return page(
            "audit.html",
            me,
            rows=house.audit.newest(200, actor, action),
            actions=ACTIONS,
            actor=actor,
            action=action,
        )

    @router.get("/corrections")
    def corrections(me: Me) -> HTMLResponse:
        titles = {intent.id: intent.title for intent in house.pack().intents}
        rows = house.records.corrections(200)
        same = sum(row.bot_intent == row.chosen_intent for row in rows)
        return page("corrections.html", me, rows=rows, titles=titles, same=same)

    @router.get("/corrections.csv")
    def export(me: Me) -> Response:
        house.audit.write(me.account.name, "exported", "corrections")
        return Response(
            house.records.export(),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="corrections.csv"'},
        )

    return router

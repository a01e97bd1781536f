"""The audit log: who looked at whose data and who changed what, when.

Leaves to others: calling it. A page that shows a person's data writes before it answers, so a
look that could not be written down does not happen.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from bot.casework.desk_models import AuditRow
from bot.casework.ledger import Clock, utc_now

#: What was done, in Chinese, by the name it has in the log.
ACTIONS = {
    "signed_in": "登录",
    "sign_in_refused": "登录被拒",
    "signed_out": "退出",
    "password_changed": "修改密码",
    "account_added": "新增用户",
    "account_locked": "停用用户",
    "account_unlocked": "启用用户",
    "password_reset": "重置密码",
    "looked_at_caller": "查看来电",
    "heard_caller": "听取录音",
    "claimed": "接听",
    "duty": "更改状态",
    "talk": "通话操作",
    "filed_ticket": "提交工单",
    "wrapped_up": "话后小结",
    "listened": "监听",
    "removed_entry": "移出队列",
    "gave_entry": "指派来电",
    "exported": "导出",
    "looked_at_phone": "取得话机账号",
    "looked_at_ticket": "查看工单",
    "revealed": "查看隐藏信息",
    "handled_ticket": "处理工单",
    "handled_whistle": "处理哨声",
    "handled_incident": "处理群体诉求",
}


class Audit:
    """The log in SQL. Thread-safe."""

    def __init__(self, engine: Engine, clock: Clock = utc_now) -> None:
        self._engine = engine
        self._now = clock

    def write(self, actor: str, action: str, subject: str = "", detail: str = "") -> None:
        """Write one line. ``action`` is a key of ``ACTIONS``.

        Raises:
            KeyError: there is no such action.
        """
        ACTIONS[action]
        with Session(self._engine) as session, session.begin():
            session.add(
                AuditRow(
                    at=self._now(),
                    actor=actor[:64],
                    action=action,
                    subject=subject[:80],
                    detail=detail,
                )
            )

    def newest(self, count: int = 200, actor: str = "", action: str = "") -> Sequence[AuditRow]:
        """Return the newest lines, newest first; of one actor or action when given."""
        query = select(AuditRow).order_by(AuditRow.id.desc()).limit(count)
        if actor:
            query = query.where(AuditRow.actor == actor)
        if action:
            query = query.where(AuditRow.action == action)
        with Session(self._engine, expire_on_commit=False) as session:
            return list(session.scalars(query))


def as_csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a CSV text. A cell that a spreadsheet would run as a formula is made text.

    See OWASP, "CSV Injection": such cells begin with = + - @, a tab or a carriage return.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(header)
    for row in rows:
        writer.writerow([_tame(str(cell)) for cell in row])
    return out.getvalue()


def _tame(cell: str) -> str:
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell

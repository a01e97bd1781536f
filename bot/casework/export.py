"""Tickets as tables for other programs: CSV and XLSX, personal numbers hidden by default.

Leaves to others: which tickets, and the audit of what is revealed (``audit.py``).
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from bot.casework.errors import CaseworkError
from bot.casework.lifecycle import TicketState
from bot.casework.models import Ticket
from bot.casework.wording import STATES, URGENCIES
from bot.observe import mask_number, mask_text

HEADER = (
    "工单号",
    "状态",
    "类别",
    "类别编号",
    "诉求内容",
    "地点",
    "区",
    "街道乡镇",
    "承办单位",
    "首接单位",
    "紧急程度",
    "受理时间",
    "办结时限",
    "办结时间",
    "结案时间",
    "催办次数",
    "退单次数",
    "重办次数",
    "渠道",
    "来电号码",
    "联系电话",
)
#: Cells that begin so are formulas to a spreadsheet, whoever wrote them.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def rows(tickets: Iterable[Ticket], zone: str, reveal: bool = False) -> Iterator[tuple[str, ...]]:
    """Yield a row for each ticket, in the order of :data:`HEADER`; times are local."""
    local = ZoneInfo(zone)
    for one in tickets:
        yield (
            one.number,
            STATES[TicketState(one.state)],
            one.title,
            one.category,
            _safe(one.text if reveal else mask_text(one.text)),
            _safe(one.place if reveal else mask_text(one.place)),
            one.district,
            one.street,
            _safe(one.unit),
            _safe(one.first_unit),
            URGENCIES.get(one.urgency, one.urgency),
            _local(one.filed_at, local),
            _local(one.due_at, local),
            _local(one.resolved_at, local),
            _local(one.closed_at, local),
            str(one.urged),
            str(one.returns),
            str(one.reopened),
            one.channel,
            _safe(one.caller if reveal else mask_number(one.caller)),
            _safe(one.phone if reveal else mask_number(one.phone)),
        )


def write(path: Path, tickets: Iterable[Ticket], zone: str, reveal: bool = False) -> int:
    """Write a file by what its name ends in, ``.csv`` or ``.xlsx``; return how many tickets.

    CSV is UTF-8 with a mark at its beginning, without which spreadsheets garble Chinese.

    Raises:
        CaseworkError: another ending, or the file can't be written.
    """
    writers = {".csv": _write_csv, ".xlsx": _write_xlsx}
    writer = writers.get(path.suffix.lower())
    if writer is None:
        raise CaseworkError(f"{path} should end in .csv or .xlsx, to say what it is to be.")
    try:
        return writer(path, rows(tickets, zone, reveal))
    except OSError as error:
        raise CaseworkError(f"{path} can't be written: {error.strerror}.") from error


def _write_csv(path: Path, lines: Iterable[tuple[str, ...]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for line in lines:
            writer.writerow(line)
            count += 1
    return count


def _write_xlsx(path: Path, lines: Iterable[tuple[str, ...]]) -> int:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("工单")
    sheet.freeze_panes = "A2"
    sheet.append(HEADER)
    count = 0
    for line in lines:
        sheet.append([ILLEGAL_CHARACTERS_RE.sub("", cell) for cell in line])
        count += 1
    book.save(path)
    return count


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _local(moment: dt.datetime | None, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}" if moment else ""

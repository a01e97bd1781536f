"""``hotline training``: scenarios, drills in the terminal, and scores.

Leaves to others: every rule (``bot/training``), and practice calls, which need the page
``/training`` and a telephone.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape
from rich.table import Table

from bot.casework.errors import CaseworkError
from bot.casework.versions import prepare
from bot.commands.casework import fail, line_pack
from bot.commands.output import console
from bot.config import Settings
from bot.database import open_database
from bot.node.types import SetupError
from bot.training.choosing import intent_of, labels
from bot.training.drills import scripted
from bot.training.progress import progress_of
from bot.training.records import TrainingRecords
from bot.training.scoring import coaching_of, intent_title, score
from bot.training.types import FIELD_NAMES, HANDLINGS, LEVELS, URGENCIES, Answer, Kind
from bot.understanding.pack import Pack, PackError
from bot.understanding.scenarios import Scenario

app = typer.Typer(help="Training: list, drill, scores.", no_args_is_help=True)


def _pack() -> Pack:
    try:
        pack = line_pack()
        coaching_of(pack)
    except (PackError, LookupError) as error:
        fail(str(error))
    return pack


def _records() -> TrainingRecords:
    try:
        engine = open_database(Settings())
        prepare(engine)
    except (CaseworkError, SetupError) as error:
        fail(str(error))
    return TrainingRecords(engine)


def _scenario(pack: Pack, id: str) -> Scenario:
    found = next((one for one in pack.scenarios if one.id == id), None)
    if found is None:
        fail(f"There is no scenario {id!r}; `hotline training list` shows them all.")
    return found


@app.command("list")
def list_scenarios(
    answers: Annotated[bool, typer.Option("--answers", help="Also what is expected.")] = False,
) -> None:
    """Show every scenario of the line's pack."""
    pack = _pack()
    tempers = {one.id: one.title for one in coaching_of(pack).tempers}
    table = Table("编号", "来电", "难度", "市民", *(["诉求"] if answers else []))
    for one in pack.scenarios:
        row = [one.id, one.title, LEVELS[one.level], tempers[one.temper]]
        table.add_row(*row, *([intent_title(one.expect.intent, pack)] if answers else []))
    console().print(table)


@app.command()
def drill(
    scenario: Annotated[str, typer.Argument(help="Id, as `list` shows it.")],
    trainee: Annotated[str, typer.Option(help="Keep the score under this account.")] = "",
) -> None:
    """Read a call, classify it, and see the score with its reasons."""
    pack = _pack()
    chosen = _scenario(pack, scenario)
    for text in scripted(chosen).words:
        typer.echo(f"市民：{text}")
    answer = Answer(
        intent=_ask_intent(pack),
        handling=_ask("处理方式", HANDLINGS),
        unit=_ask("承办单位", {unit.id: unit.name for unit in pack.units}, needed=False),
        urgency=_ask("紧急程度", URGENCIES, needed=False),
        place=str(typer.prompt("地点", default="", show_default=False)),
    )
    now = dt.datetime.now(ZoneInfo(pack.office.zone)).replace(tzinfo=None)
    result = score(answer, chosen, pack, now)
    table = Table("项目", "得分", "您的", "参考", "怎样做得更好")
    for mark in result.marks:
        name, points = FIELD_NAMES[mark.field], f"{mark.points:g} / {mark.most:g}"
        table.add_row(name, points, escape(mark.given), escape(mark.wanted), mark.advice)
    console().print(table)
    typer.echo(f"{result.total}分，{'通过' if result.passed else '没有通过'}。{result.why}")
    if trainee:
        records = _records()
        records.keep(trainee, Kind.DRILL, chosen.id, chosen.title, answer, result)


def _ask_intent(pack: Pack) -> str:
    while True:
        said = str(typer.prompt("诉求分类（名称或其中几个字）"))
        if found := intent_of(said, pack):
            return found
        near = [label for label in labels(pack) if said.strip() and said.strip() in label]
        if len(near) == 1:
            typer.echo(f"诉求分类：{near[0]}")
            return intent_of(near[0], pack)
        typer.echo(f"请写全名称：{'、'.join(near[:12])}" if near else "没有这个分类，请再试。")


def _ask(name: str, choices: dict[str, str], needed: bool = True) -> str:
    by_title = {title: id for id, title in choices.items()}
    while True:
        hint = "/".join(choices.values()) if len(choices) < 6 else "名称或其中几个字"
        empty = "" if needed else "，不需要就直接回车"
        said = typer.prompt(
            f"{name}（{hint}{empty}）", default=None if needed else "", show_default=False
        ).strip()
        if not said and not needed:
            return ""
        near = [title for title in by_title if said in title]
        if said in by_title or len(near) == 1:
            return by_title[said if said in by_title else near[0]]
        typer.echo(f"请写全名称：{'、'.join(near[:12])}" if near else "没有这个选项，请再试。")


@app.command()
def scores(
    trainee: Annotated[str, typer.Argument(help="Account; without it everybody.")] = "",
) -> None:
    """Show how trainees get on, and where one is weak."""
    records = _records()
    try:
        if trainee:
            _one(records, trainee)
        else:
            _everybody(records)
    except CaseworkError as error:
        fail(str(error))


def _everybody(records: TrainingRecords) -> None:
    table = Table("学员", "练习次数", "平均分", "薄弱项")
    for name, count, mean, _ in records.trainees():
        weak = progress_of(records.of_trainee(name, 20)).weak
        names = "、".join(FIELD_NAMES[part.field] for part in weak)
        table.add_row(escape(name), str(count), str(mean), names)
    console().print(table)


def _one(records: TrainingRecords, trainee: str) -> None:
    practices = records.of_trainee(trainee)
    if not practices:
        fail(f"{trainee} has not practised yet.")
    table = Table("时间", "练习", "方式", "得分", "失分项")
    for one in practices[:20]:
        lost = "、".join(FIELD_NAMES[mark.field] for mark in one.marks if not mark.full)
        kind = "来电" if one.kind is Kind.CALL else "分类"
        at = f"{one.at.astimezone():%m-%d %H:%M}"
        table.add_row(at, escape(one.title), kind, str(one.total), lost)
    console().print(table)
    for part in progress_of(practices).weak:
        typer.echo(f"需加强：{FIELD_NAMES[part.field]} {part.share:.0%}　{part.advice}")

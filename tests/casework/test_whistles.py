"""吹哨报到: who is called, who comes, who is late, and how it ends."""

from __future__ import annotations

import pytest
from casework.world import DAY, HOUR, World

from bot.casework.clocks import Clock
from bot.casework.errors import CaseworkError, Conflict, IllegalTransition, UnknownTicket
from bot.casework.notices import Notices
from bot.casework.whistles import Whistles

UNIT = "unit:望京街道办事处"


def whistled(world: World, *departments: str) -> tuple[str, Whistles, int]:
    number = world.file(category="garbage.uncollected", title="垃圾未清运")
    world.handling.accept(number, UNIT)
    whistles = Whistles(world.store.ledger)
    id = whistles.blow(
        number,
        UNIT,
        reason="跨部门问题，需要联合处理",
        departments=departments or ("城管", "住建"),
        be_there_by=world.now + 2 * HOUR,
    )
    return number, whistles, id


def test_a_whistle_is_written_into_the_ticket_and_told_to_every_department(world: World) -> None:
    number, _, _ = whistled(world)
    assert world.kinds(number)[-1] == "whistled"
    told = [one.recipient for one in Notices(world.store.engine).unsent("unit")]
    assert told == ["城管", "住建"]


def test_a_whole_whistle_from_calling_to_closing_names_who_was_late(world: World) -> None:
    number, whistles, id = whistled(world, "城管", "住建", "消防")
    world.wait(HOUR)
    assert whistles.check_in(id, "城管")
    world.wait(2 * HOUR)
    assert whistles.check_in(id, "住建")
    whistles.act(id, "城管", "清运了两车垃圾")
    whistles.act(id, "住建", "约谈物业公司")
    board = whistles.close(id, UNIT, "垃圾已清运，物业已整改")
    assert board.late == ("住建", "消防")
    assert [one.minutes_late for one in board.called] == [0, 60, 60]
    closed = world.store.events(number)[-1]
    assert closed.data == {"whistle": id, "late": ["住建", "消防"], "absent": ["消防"]}
    assert world.kinds(number)[-6:] == [
        "whistled",
        "checked_in",
        "checked_in",
        "acted",
        "acted",
        "whistle_closed",
    ]


def test_figures_say_how_each_department_answers(world: World) -> None:
    _, whistles, one = whistled(world, "城管", "住建")
    _, _, two = whistled(world, "城管", "消防")
    world.wait(HOUR)
    whistles.check_in(one, "城管")
    world.wait(2 * HOUR)
    whistles.check_in(two, "城管")
    figures = {f.department: f for f in whistles.figures(world.now - DAY, world.now)}
    chengguan = figures["城管"]
    assert (chengguan.called, chengguan.on_time, chengguan.late, chengguan.absent) == (2, 1, 1, 0)
    assert (chengguan.mean_minutes, chengguan.rate) == (120, 0.5)
    assert (figures["消防"].absent, figures["消防"].rate) == (1, 0.0)
    assert figures["消防"].mean_minutes is None


def test_before_the_time_nobody_is_late(world: World) -> None:
    _, whistles, _ = whistled(world)
    [board] = whistles.board()
    assert board.late == ()
    assert whistles.figures(world.now - DAY, world.now + DAY)[0].rate is None


def test_who_had_time_left_when_it_was_closed_is_neither_late_nor_absent(world: World) -> None:
    _, whistles, id = whistled(world)
    whistles.check_in(id, "城管")
    board = whistles.close(id, UNIT, "已清运")
    assert (board.late, board.absent) == ((), ("住建",))
    world.wait(DAY)
    figures = {f.department: f for f in whistles.figures(world.now - 2 * DAY, world.now)}
    assert (figures["住建"].absent, figures["住建"].rate) == (0, None)


def test_late_departments_are_told_once_together_with_who_whistled(world: World) -> None:
    whistled(world)
    world.wait(3 * HOUR)
    assert Clock(world.store.ledger).tick().late == 4
    assert Clock(world.store.ledger).tick().late == 0


def test_checking_in_again_is_no_news(world: World) -> None:
    number, whistles, id = whistled(world)
    assert whistles.check_in(id, "城管")
    assert not whistles.check_in(id, "城管")
    assert world.kinds(number).count("checked_in") == 1


def test_only_the_unit_of_the_ticket_may_whistle(world: World) -> None:
    number, whistles, _ = whistled(world)
    with pytest.raises(IllegalTransition, match="望京街道办事处"):
        whistles.blow(
            number,
            "unit:城管",
            reason="x",
            departments=["住建"],
            be_there_by=world.now + HOUR,
        )


def test_a_whistle_calls_others_to_a_time_to_come(world: World) -> None:
    number, whistles, _ = whistled(world)
    for departments, when in ((["望京街道办事处"], HOUR), (["城管"], -HOUR), ([" "], HOUR)):
        with pytest.raises(CaseworkError):
            whistles.blow(
                number, UNIT, reason="x", departments=departments, be_there_by=world.now + when
            )


def test_who_was_not_called_can_not_check_in_and_nobody_for_another(world: World) -> None:
    _, whistles, id = whistled(world)
    with pytest.raises(UnknownTicket, match="did not call"):
        whistles.check_in(id, "教委")
    with pytest.raises(IllegalTransition, match="can't say this"):
        whistles.check_in(id, "城管", by="unit:住建")


def test_a_department_acts_only_where_it_is(world: World) -> None:
    _, whistles, id = whistled(world)
    with pytest.raises(IllegalTransition, match="not checked in"):
        whistles.act(id, "城管", "清运")


def test_a_whistle_nobody_came_to_can_not_be_closed_and_a_closed_one_not_again(
    world: World,
) -> None:
    _, whistles, id = whistled(world)
    with pytest.raises(IllegalTransition, match="Nobody"):
        whistles.close(id, UNIT, "完成")
    whistles.check_in(id, "城管")
    whistles.close(id, UNIT, "完成")
    with pytest.raises(Conflict):
        whistles.close(id, UNIT, "完成")
    assert whistles.board() == []
    assert [one.id for one in whistles.board(open_only=False, unit="住建")] == [id]

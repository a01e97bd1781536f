"""Promising that a person calls back: because it was asked for, or nobody is there now.

Leaves to others: who calls, and how (``agents``); whether somebody is there (a port).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from bot.dialogue.reading import read_phone, read_this_number, read_unsure, read_yes_no
from bot.dialogue.state import Callback, Phase, Wanted
from bot.dialogue.turn import LONG_PATIENCE, Decision, Turn
from bot.dialogue.types import BookCallback, People, SendText, TransferReason
from bot.dialogue.wording import masked_tail, spoken_when
from bot.understanding.opening import is_open, next_opening
from bot.understanding.times import when
from bot.understanding.types import Understanding

TIMES = ("今天下午", "明天上午", "明天下午", "现在", "尽快", "半小时以后")
SOON = ("现在", "马上", "尽快", "越快越好", "随时", "什么时候都")


def people_are(turn: Turn, people: People) -> Decision:
    """A person was sought: connect the caller, or offer a callback."""
    wanted = turn.state.wanted or Wanted(TransferReason.ASKED, "transfer", 5)
    turn.set(people=people)
    if people is People.THERE:
        turn.say(wanted.prompt)
        return turn.transfer(wanted.reason, wanted.priority)
    turn.say("night" if people is People.NIGHT else "queue_full")
    return turn.yes_or_no(Phase.OFFER_CALLBACK)


def offered(turn: Turn, said: Understanding) -> Decision | None:
    """An answer to "shall somebody call you back?"."""
    wanted = read_yes_no(turn, said)
    if wanted is None:
        if when(said.text, _now(turn)) is None:
            return None
        return _time(turn, said.text)
    return begin(turn) if wanted else refused(turn)


def refused(turn: Turn) -> Decision:
    """No callback: by day the caller waits for a person, by night the bot goes on."""
    wanted = turn.state.wanted
    if turn.state.people is People.FULL and wanted is not None:
        turn.say("wait_in_queue")
        return turn.transfer(wanted.reason, wanted.priority)
    turn.set(misses=0)
    turn.say("night_go_on")
    return turn.listen(Phase.OPEN)


def begin(turn: Turn, text: str = "") -> Decision:
    """Arrange a callback; ``text`` says about what, and perhaps when."""
    story = turn.state.draft.story or text or turn.state.pending
    turn.set(callback=Callback(text=story, phone=turn.state.caller))
    if text and when(text, _now(turn)) is not None:
        return _time(turn, text)
    turn.say("ask_callback_time")
    return turn.listen(Phase.CALLBACK_TIME, patience=LONG_PATIENCE, expect=TIMES)


def time_said(turn: Turn, said: Understanding) -> Decision | None:
    """An answer to "when?"."""
    if any(word in said.normalised for word in SOON) or read_unsure(said):
        return soon(turn)
    return _time(turn, said.text) if when(said.text, _now(turn)) else None


def soon(turn: Turn) -> Decision:
    """As soon as somebody is there."""
    return _check(turn, next_opening(turn.book.line(turn.state.did).hours, _now(turn)))


def _time(turn: Turn, text: str) -> Decision:
    at = when(text, _now(turn))
    assert at is not None
    hours = turn.book.line(turn.state.did).hours
    at = at.replace(tzinfo=_now(turn).tzinfo)
    return _check(turn, at if is_open(hours, at) else next_opening(hours, at))


def _check(turn: Turn, at: dt.datetime) -> Decision:
    turn.set(callback=replace(turn.state.callback, at=max(at, _now(turn))))
    return check(turn)


def check(turn: Turn) -> Decision:
    """Ask for what is missing, else whether time and number are right."""
    wish = turn.state.callback
    if not wish.phone:
        turn.set(keyed="")
        turn.say("ask_callback_phone")
        return turn.listen(
            Phase.CALLBACK_PHONE, patience=LONG_PATIENCE, expect="一二三四五六七八九零"
        )
    assert wish.at is not None
    when_said = spoken_when(wish.at, _now(turn))
    turn.say("check_callback", when=when_said, phone=masked_tail(wish.phone))
    return turn.yes_or_no(Phase.CALLBACK_CHECK)


def phone_said(turn: Turn, said: Understanding) -> Decision | None:
    """An answer to "under which number?"."""
    phone = read_phone(said)
    if not phone and turn.state.caller and read_this_number(said):
        phone = turn.state.caller
    return phone_known(turn, phone) if phone else None


def phone_known(turn: Turn, phone: str) -> Decision:
    """The number to call is known."""
    turn.set(callback=replace(turn.state.callback, phone=phone), keyed="")
    return check(turn)


def checked(turn: Turn, said: Understanding) -> Decision | None:
    """An answer to "at that time, under that number?"."""
    wish = turn.state.callback
    if phone := read_phone(said):
        return phone_known(turn, phone)
    if at := when(said.text, _now(turn)):
        return _check(turn, at.replace(tzinfo=_now(turn).tzinfo))
    right = read_yes_no(turn, said)
    if right is None:
        return None
    if right:
        return book(turn)
    turn.set(callback=replace(wish, phone="") if wish.phone != turn.state.caller else wish)
    turn.say("ask_callback_time")
    return turn.listen(Phase.CALLBACK_TIME, patience=LONG_PATIENCE, expect=TIMES)


def book(turn: Turn) -> Decision:
    """Have the callback stored."""
    wish = turn.state.callback
    assert wish.at is not None
    return turn.request(BookCallback(wish.at, wish.phone, wish.text))


def booked(turn: Turn, at: dt.datetime) -> Decision:
    """The callback is stored: say so and end the call."""
    text = turn.text("callback_booked", when=spoken_when(at, _now(turn)))
    turn.say_text(text, "callback_booked")
    if turn.state.callback.phone:
        turn.note(SendText(turn.state.callback.phone, text))
    turn.set(booked=True, served=True, wanted=None)
    turn.say("goodbye")
    return turn.hang_up("filed" if turn.state.filed else "callback")


def _now(turn: Turn) -> dt.datetime:
    # A call that nobody told the time of is one of a test or a chat: any time will do.
    return turn.state.now or dt.datetime(2026, 1, 5, 10, 0)

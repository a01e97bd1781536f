"""Practice calls: a queue of their own, synthetic citizens who call it, and the score at the end.

The practice queue lives under its own keys in Redis (``hotline-practice``) and its callers wait
in a place of their own in Asterisk (extensions.conf, "practice"), so no synthetic citizen is
ever given to a real agent, counted in a figure, or filed as a ticket. Practices belong to this
process: one that is cut short by its end is simply over. Leaves to others: the citizen's side of
the talk (``synthetic_citizen.py``) and the marks (``training/scoring.py``).
"""

from __future__ import annotations

import datetime as dt
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog

from bot.agents.desk import Desk
from bot.agents.presence import AgentState
from bot.agents.queue import AgentQueue, IllegalTransition, QueueUnavailable
from bot.agents.types import EntryState, JoinResult, QueueEntry, Switchboard, SwitchboardError
from bot.casework.errors import CaseworkError
from bot.speech.types import SpeechError
from bot.synthetic_citizen import SyntheticCitizen, Telephone
from bot.telephony.phone import Phone, PhoneError
from bot.training.citizen import Citizen
from bot.training.records import TrainingRecords
from bot.training.room import PracticeRefused, PracticeView, Stage
from bot.training.scoring import coaching_of, score
from bot.training.types import Answer, Kind, Said, Talked
from bot.understanding.pack import Pack
from bot.understanding.scenarios import Scenario, Temper

log = structlog.get_logger(__name__)

#: What stands before the keys of the practice queue in Redis.
PREFIX = "hotline-practice"
#: Practices at once on this node: each takes recognition and synthesis from real callers.
MOST = 4
#: Seconds that a synthetic citizen waits to be answered.
WAITS = 90.0
#: Seconds in which their call must reach the holding place.
ARRIVES = 8.0
#: Seconds after which a practice that nobody finishes is dropped.
KEPT = 3600.0
OVER = (Stage.SCORED, Stage.FAILED)
TROUBLE = (
    "练习没能继续：电话或语音服务出了问题，请稍后再试；多次出现请告诉管理员运行 hotline doctor。"
)
MISSED = "市民等了很久没有人接，挂断了。"


class PracticeSwitchboard(Switchboard, Protocol):
    """A switchboard that also finds synthetic citizens."""

    def practising(self, number: str) -> str:
        """Name of the channel of the synthetic citizen who dialled ``number``; "" for none."""


PhoneMaker = Callable[[str], AbstractContextManager[Phone]]
"""Makes a synthetic citizen's phone, which shows the given number."""


@dataclass
class _Practice:
    """One practice call, shared between its own thread and the pages."""

    id: str
    trainee: str
    extension: str
    scenario: Scenario
    stage: Stage = Stage.CALLING
    since: float = 0.0
    queued_at: float = 0.0
    joined_at: float | None = None
    filed_at: float | None = None
    answer: Answer | None = None
    result: int = 0
    trouble: str = ""
    said: list[Said] = field(default_factory=list)
    phone: Telephone | None = None
    began: int = 0
    """Byte of the recording at which the talk began."""
    joined: threading.Event = field(default_factory=threading.Event)
    stopped: threading.Event = field(default_factory=threading.Event)

    def view(self) -> PracticeView:
        return PracticeView(
            self.id,
            self.trainee,
            self.scenario,
            self.stage,
            self.since,
            self.answer is not None,
            self.result,
            self.trouble,
        )


class PracticeHall:
    """All practice calls of this node. Thread-safe (``training.room.PracticeCalls``)."""

    def __init__(
        self,
        queue: AgentQueue,
        switchboard: PracticeSwitchboard,
        phone: PhoneMaker,
        speak: Callable[[Temper, str], bytes],
        hear: Callable[[bytes], str],
        records: TrainingRecords,
        pack: Callable[[], Pack],
        ring_seconds: float,
        node: str = "",
        busy: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``queue``: of its own, with ``PREFIX``. ``busy``: real callers need all there is."""
        self.queue = queue
        self._switchboard = switchboard
        self.desk = Desk(queue, switchboard, ring_seconds, node=node)
        self._phone = phone
        self._speak = speak
        self._hear = hear
        self._records = records
        self._pack = pack
        self._busy = busy
        self._node = node
        self._clock = clock
        self._lock = threading.RLock()
        self._practices: dict[str, _Practice] = {}

    # --- what trainees do (``PracticeCalls``) --------------------------------------------

    def begin(self, trainee: str, extension: str, scenario: Scenario) -> str:
        """Have a synthetic citizen call; return the practice's id.

        Raises:
            PracticeRefused: they have one already, or there is no room for more.
            QueueUnavailable: Redis does not answer.
        """
        if self._busy():
            raise PracticeRefused("现在来电较多，先保证市民通话，请过一会儿再练习。")
        with self._lock:
            self._drop_old()
            if self.current(trainee):
                raise PracticeRefused("您还有一个练习没有结束，请先完成或放弃它。")
            live = [one for one in self._practices.values() if one.stage not in OVER]
            if len(live) >= MOST:
                raise PracticeRefused(f"已有{MOST}人在练习，请过一会儿再来。")
            # Dialled as a number, and unguessable by who may not dial it anyway.
            id = str(secrets.randbelow(9 * 10**11) + 10**11)
            made = _Practice(id, trainee, extension, scenario, since=self._clock())
            self._practices[id] = made
        try:
            self._tidy()
            self.queue.presence.choose(extension, AgentState.ON_DUTY)
        except QueueUnavailable:
            with self._lock:
                del self._practices[id]
            raise
        threading.Thread(target=self._run, args=(made,), name=f"practice-{id}", daemon=True).start()
        log.info("practice.began", practice=id, scenario=scenario.id)
        return id

    def current(self, trainee: str) -> PracticeView | None:
        """Return the practice that a trainee has not finished."""
        with self._lock:
            for one in self._practices.values():
                if one.trainee == trainee and one.stage not in OVER:
                    return one.view()
        return None

    def view(self, trainee: str, id: str) -> PracticeView:
        """Return a practice as it stands (PracticeRefused: there is none)."""
        with self._lock:
            return self._of(trainee, id).view()

    def claim(self, trainee: str, id: str) -> JoinResult:
        """Ring the trainee's telephone and join them with the citizen. Blocks.

        Raises:
            PracticeRefused: nobody waits there.
            AgentBusy, QueueUnavailable, SwitchboardError: as ``Desk.claim``.
        """
        practice = self._of(trainee, id)
        found = self.desk.claim(practice.extension, id)
        if found is None:
            raise PracticeRefused("这个来电已经不在等待了。")
        if found.result is JoinResult.JOINED and not self._begin_talk(practice):
            return JoinResult.CALLER_GONE
        return found.result

    def _begin_talk(self, practice: _Practice) -> bool:
        """The two hear each other; False when the citizen has given up meanwhile."""
        with self._lock:
            phone = practice.phone
            if practice.stage is not Stage.WAITING or phone is None:
                return False
            practice.began = len(phone.heard())
            practice.joined_at = self._clock()
            self._move(practice, Stage.TALKING)
        practice.joined.set()
        return True

    def hang_up(self, trainee: str, id: str) -> None:
        """End the talk; nothing to do when it is over (PracticeRefused: no such practice)."""
        self._of(trainee, id)
        self._end_talk(id)

    def file(self, trainee: str, id: str, answer: Answer) -> None:
        """Send the ticket; the score follows as soon as the talk is over.

        Raises:
            PracticeRefused: there is nothing to send it for, or it was sent.
        """
        with self._lock:
            practice = self._of(trainee, id)
            if practice.answer is not None:
                raise PracticeRefused("这个练习的工单已经提交。")
            if practice.stage not in (Stage.TALKING, Stage.ENDED):
                raise PracticeRefused("请先接听来电，再提交工单。")
            practice.answer, practice.filed_at = answer, self._clock()
        self._score_if_done(practice)

    def give_up(self, trainee: str, id: str) -> None:
        """End the practice without a score (PracticeRefused: no such practice)."""
        practice = self._of(trainee, id)
        with self._lock:
            if practice.stage not in OVER:
                practice.trouble = "您放弃了这次练习，不计成绩。"
                self._move(practice, Stage.FAILED)
        practice.stopped.set()
        with suppress(SwitchboardError, QueueUnavailable):
            self._end_talk(id)

    # --- what happens on the lines --------------------------------------------------------

    def agent_gone(self, entry_id: str, leg: str, *, dropped: bool) -> None:
        """A trainee's leg ended. Whoever is none of ours is ignored."""
        if entry_id in self._practices:
            # A citizen whose trainee's line dropped does not wait again: the practice is over.
            self.desk.agent_gone(entry_id, leg, dropped=False)
            if dropped:
                log.info("practice.trainee_dropped", practice=entry_id)

    # --- the call, in a thread of its own -------------------------------------------------

    def _run(self, practice: _Practice) -> None:
        try:
            with self._phone(practice.scenario.caller) as phone:
                practice.phone = phone
                self._call(practice, phone)
        except (PhoneError, SpeechError, SwitchboardError, QueueUnavailable) as error:
            log.warning("practice.failed", practice=practice.id, error=str(error))
            self._fail(practice, TROUBLE)
        except Exception:
            log.exception("practice.broke", practice=practice.id)
            self._fail(practice, TROUBLE)
        finally:
            practice.phone = None
            self.desk.caller_gone(practice.id)
            with suppress(QueueUnavailable):
                self.queue.presence.choose(practice.extension, AgentState.OFF)
        with self._lock:
            if practice.stage is Stage.TALKING:
                self._move(practice, Stage.ENDED)
        self._score_if_done(practice)

    def _call(self, practice: _Practice, phone: Phone) -> None:
        pack = self._pack()
        citizen = Citizen(practice.scenario, coaching_of(pack), pack.gazetteer)
        phone.call(practice.id)
        phone.wait_answered(ARRIVES)
        channel = self._arrived(practice.id)
        self.desk.escalate(
            QueueEntry(
                practice.id, channel, practice.scenario.caller, did="practice", reason="asked"
            )
        )
        with self._lock:
            practice.queued_at = self._clock()
            if practice.stage is Stage.CALLING:
                self._move(practice, Stage.WAITING)
        if not self._await_joined(practice, phone, citizen):
            if not practice.stopped.is_set():
                self._miss(practice)
            return
        SyntheticCitizen(
            phone,
            citizen,
            lambda text: self._speak(citizen.temper, text),
            self._hear,
            practice.said.append,
        ).converse(practice.began)

    def _arrived(self, id: str) -> str:
        until = time.monotonic() + ARRIVES
        while time.monotonic() < until:
            if channel := self._switchboard.practising(id):
                return channel
            time.sleep(0.1)
        raise SwitchboardError("The synthetic citizen's call did not reach the holding place.")

    def _await_joined(self, practice: _Practice, phone: Phone, citizen: Citizen) -> bool:
        until = time.monotonic() + WAITS
        # Their lines are known: spoken ahead, they answer at once (the voice remembers them).
        lines = iter(citizen.lines)
        while time.monotonic() < until and phone.state == "answered":
            line = next(lines, None)
            if line is not None:
                self._speak(citizen.temper, line)
            if practice.joined.wait(0.0 if line else 0.2):
                return True
            if practice.stopped.is_set():
                return False
        # A claim that is under way when patience ends still counts.
        return practice.joined.is_set()

    # --- how it ends ----------------------------------------------------------------------

    def _score_if_done(self, practice: _Practice) -> None:
        with self._lock:
            if practice.stage is not Stage.ENDED or practice.answer is None:
                return
            assert practice.joined_at is not None
            assert practice.filed_at is not None
            talked = Talked(
                tuple(practice.said),
                answering=practice.joined_at - practice.queued_at,
                duration=practice.filed_at - practice.joined_at,
            )
            self._keep(practice, practice.answer, talked)

    def _miss(self, practice: _Practice) -> None:
        """Nobody answered: that is a result too."""
        with self._lock:
            practice.trouble = MISSED
            self._keep(practice, Answer(), Talked())

    def _keep(self, practice: _Practice, answer: Answer, talked: Talked) -> None:
        pack, scenario = self._pack(), practice.scenario
        now = dt.datetime.now(ZoneInfo(pack.office.zone)).replace(tzinfo=None)
        try:
            practice.result = self._records.keep(
                practice.trainee,
                Kind.CALL,
                scenario.id,
                scenario.title,
                answer,
                score(answer, scenario, pack, now, talked),
                talked,
            )
        except (CaseworkError, LookupError) as error:
            log.warning("practice.not_scored", practice=practice.id, error=str(error))
            self._fail(practice, "成绩没有保存成功，请告诉管理员。")
            return
        self._move(practice, Stage.SCORED)
        log.info("practice.scored", practice=practice.id, result=practice.result)

    def _fail(self, practice: _Practice, trouble: str) -> None:
        with self._lock:
            if practice.stage not in OVER:
                practice.trouble = trouble
                self._move(practice, Stage.FAILED)

    # --- helpers --------------------------------------------------------------------------

    def _move(self, practice: _Practice, stage: Stage) -> None:
        practice.stage, practice.since = stage, self._clock()

    def _end_talk(self, id: str) -> None:
        entry = self.queue.get(id)
        if entry is not None and entry.state is EntryState.JOINED:
            with suppress(IllegalTransition):
                self.queue.close(id, "agent_done")
            self._switchboard.hang_up(entry.leg)

    def _of(self, trainee: str, id: str) -> _Practice:
        practice = self._practices.get(id)
        if practice is None or practice.trainee != trainee:
            raise PracticeRefused("没有这个练习，可能热线刚刚重启。请回到培训页面重新开始。")
        return practice

    def _tidy(self) -> None:
        """Let go of citizens whose practice a killed process left behind on this node."""
        for entry in self.queue.live():
            if entry.node == self._node and entry.id not in self._practices:
                with suppress(IllegalTransition):
                    self.queue.leave(entry.id)
        self.queue.trim()

    def _drop_old(self) -> None:
        old = self._clock() - KEPT
        for id, one in list(self._practices.items()):
            if one.since < old:
                one.stopped.set()
                del self._practices[id]

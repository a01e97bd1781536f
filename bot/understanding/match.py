"""From words to meaning: one ranked, explained reading of an utterance.

Words that spell an emergency or a request for a person are looked for first and never lose;
a whole utterance that is a command or a politeness comes next. Then everything is looked at
by ``evidence.py`` and weighed by ``calibration.py``: what nobody foresaw the words of is
still understood by its likeness. Leaves to others: what to do about it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from threadpoolctl import threadpool_limits

from bot.config import Settings
from bot.understanding import alarm, asides, calibration, training, word_vectors
from bot.understanding.calibration import Combination
from bot.understanding.corpus import NOTHING, evidence_of_pack
from bot.understanding.evidence import VIEWS
from bot.understanding.follow_ups import FollowUps
from bot.understanding.lexicon import Lexicon, Reading
from bot.understanding.mood import MoodReader
from bot.understanding.pack import Pack
from bot.understanding.schema import (
    Command,
    Emergency,
    Intent,
    SmallTalk,
    expansions,
    kind_of,
)
from bot.understanding.sentences import WORDS_ALONE, Meanings, meanings_for
from bot.understanding.slots import find_slots
from bot.understanding.sparse import Floats
from bot.understanding.spotting import Spotter
from bot.understanding.template import parse
from bot.understanding.training import TrainedModel
from bot.understanding.types import Candidate, IntentKind, Understanding
from bot.understanding.whole import NEAR, WholeUtterances

#: Stands for the folder ``cache/understanding`` in the settings' ``home``.
HOME = Path()
#: A pack's own trained classifier, beside its YAML files.
CLASSIFIER_FILE = "classifier.npz"
#: Candidates handed on.
KEEP = 5
#: Candidates below this are noise.
FLOOR = 0.02
#: A request for a person that is likelier than this comes before all but emergencies.
LIKELY = 0.5
#: Confidence of a word spotted in writing, and by sound only.
SPOTTED, SPOTTED_BY_SOUND = 0.98, 0.9
#: What a reading is worth that the recogniser itself put second or later.
ALTERNATIVE_WORTH = 0.9
#: Other readings looked at.
ALTERNATIVES = 3
#: Confidence of what is nothing but words to the bot.
COVERED = 0.95


class Understander:
    """Understands utterances with one pack. Thread-safe once made."""

    def __init__(
        self,
        pack: Pack,
        trained: TrainedModel | None = None,
        combination: Combination | None = None,
        cache: Path | None = HOME,
        untrained: bool = False,
        meanings: Meanings | None = None,
    ) -> None:
        """Make ready for a pack.

        ``trained`` is a second opinion, learnt from records: by default what lies in the
        pack's folder as ``classifier.npz``, if anything; none at all when ``untrained``.
        ``combination`` replaces the shipped weights of the views. ``cache`` is a folder in
        which what is computed for this pack is kept for the next time: by default under
        ``home``, nowhere when None. ``meanings`` knows what sentences mean: by default the
        sentence model, or the words' vectors where that is not installed.

        Raises:
            ModelError: the pack's ``classifier.npz`` can't be read.
        """
        _one_thread()
        self.pack = pack
        own = pack.folder / CLASSIFIER_FILE
        self.trained = None if untrained else trained
        if not untrained and trained is None and own.is_file():
            self.trained = training.load(own)
        self._lexicon = Lexicon.of(pack)
        self._meanings = meanings or meanings_for(self._lexicon, _folder(cache))
        views = calibration.WORDS if self._meanings.version == WORDS_ALONE else calibration.BOTH
        self._combination = combination or calibration.shipped(views)
        self._names, self._evidence = evidence_of_pack(
            pack, self._lexicon, self._meanings, _folder(cache)
        )
        self._background = self._names.index(NOTHING) if NOTHING in self._names else None
        self._intents = {intent.id: intent for intent in pack.intents}
        self._alarm = alarm.learn_alarm(
            list(alarm.examples(pack)), self._lexicon, self._meanings, _folder(cache)
        )
        self._asides = asides.learn(pack, self._lexicon, self._meanings, _folder(cache))
        self.follow_ups = FollowUps(
            pack, self._lexicon, word_vectors.shipped(), self._evidence.weight_of_word
        )
        self._calm = Spotter((), (), pack.calm)
        self._urgent = Spotter((), (), pack.urgent)
        self._moods = MoodReader(pack.moods)
        self._gazetteer = pack.gazetteer
        self._spotters: dict[str, tuple[Intent, Spotter]] = {
            intent.id: (intent, Spotter(intent.words, intent.by_sound, intent.unless))
            for intent in pack.intents
            if isinstance(intent, Emergency | Command | SmallTalk)
            and (intent.words or intent.by_sound)
        }
        spoken = [one for one in pack.intents if isinstance(one, Emergency | Command | SmallTalk)]
        self._whole = WholeUtterances(
            ((one, self._lexicon.read(text)) for one in spoken for text in expansions(one)),
            ((one, parse(text, None).pattern()) for one in spoken for text in one.whole),
            map(self._lexicon.read, pack.particles),
        )

    def understand(
        self,
        text: str,
        alternatives: Sequence[str] = (),
        speech_confidence: float = 1.0,
        about: str = "",
        now: dt.datetime | None = None,
    ) -> Understanding:
        """Return what ``text`` means; ``alternatives`` are the recogniser's other readings.

        Safe on any text. Confidence is about meaning, given the words;
        ``speech_confidence`` (0 to 1) is passed on, not mixed in. ``about`` is the question
        answered last: what is asked about that answer is told in ``follow_up``. Times are
        counted from ``now``, by default the clock.
        """
        reading = self._lexicon.read(text)
        accept = self.pack.thresholds.accept
        found: dict[str, Candidate] = {}
        settled = 0.0
        for number, other in enumerate([text, *alternatives[:ALTERNATIVES]]):
            one = reading if number == 0 else self._lexicon.read(other)
            if not one.text or (number and one.text == reading.text):
                continue
            for candidate in self._candidates(one, settled):
                if number:
                    candidate = _from_alternative(candidate, other)
                known = found.get(candidate.intent)
                if known is None or candidate.confidence > known.confidence:
                    found[candidate.intent] = candidate
            if number == 0:
                # What the recogniser most likely heard: its other readings, often garbled, may
                # not sound an alarm over it by likeness alone.
                settled = max((c.confidence for c in found.values() if not _urgent(c)), default=0.0)
        urgent = alarm.ASKED_LATER * accept
        if any(
            not _urgent(one) and one.confidence >= accept for one in found.values()
        ):  # what is surely something else is not asked about first
            urgent = alarm.ASKED * accept
        ranked = sorted(found.values(), key=lambda one: _rank(one, urgent))
        best = ranked[0] if ranked else None
        understood = Understanding(
            text=text,
            normalised=reading.text,
            candidates=tuple(ranked[:KEEP]),
            slots=find_slots(text, self._gazetteer, now),
            emergency=best.intent if best and self._is_emergency(best) else None,
            speech_confidence=speech_confidence,
            moods=self._moods.find(reading),
        )
        command = best and best.kind in (IntentKind.COMMAND, IntentKind.SMALL_TALK)
        sure = best and best.confidence >= self.pack.thresholds.accept
        if not about or understood.emergency or (command and sure):
            return understood
        asked = self.follow_ups.find(about, reading, rival_of(understood, about))
        return replace(understood, follow_up=asked)

    def _is_emergency(self, candidate: Candidate) -> bool:
        sure = candidate.confidence >= self.pack.thresholds.accept
        return candidate.kind is IntentKind.EMERGENCY and sure

    def _candidates(self, reading: Reading, settled: float) -> list[Candidate]:
        """``settled`` is how sure another reading of the same sound is of something harmless."""
        meaning = self._meanings.of(reading)
        whole = self._said_whole(reading, meaning)
        # What is a whole "thank you" is hardly praise for the line, unless word for word.
        sure = max((candidate.confidence for candidate in whole), default=0.0)
        spotted = self._spotted(reading)
        urgent = any(one.kind is IntentKind.EMERGENCY for one in (*whole, *spotted))
        weighed = self._weighed(reading, meaning, 1.0 - sure)
        # Nothing but words to the bot: that is like a cry for help only in being short.
        if (urgent or sure < COVERED) and not any(
            one.kind is IntentKind.EMERGENCY for one in whole
        ):
            other = max((one.confidence for one in (*whole, *weighed)), default=0.0)
            spotted = self._alarmed(reading, meaning, spotted, max(other, settled))
        return [*spotted, *whole, *weighed]

    def _alarmed(
        self,
        reading: Reading,
        meaning: Floats,
        spotted: list[Candidate],
        other: float,
    ) -> list[Candidate]:
        """Doubt a spotted emergency that is unlike any, and add one that is like some.

        With a confidence of "accept" or more it is an emergency; a little below, the caller is
        asked about it before all else but what is sure; a doubted one is a candidate like any
        other. ``other`` is how sure it is something else.
        """
        if self._alarm is None:
            return spotted
        name, likeness = self._alarm.look(reading, meaning)
        accept = self.pack.thresholds.accept
        reason = f"与求救的说法相像（{likeness:.2f}）"
        if any(one.kind is IntentKind.EMERGENCY for one in spotted):
            doubt = alarm.doubt(likeness, other >= accept, self._is_calm(reading))
            return [
                replace(one, confidence=round(doubt * accept, 4), reasons=(*one.reasons, reason))
                if doubt and one.kind is IntentKind.EMERGENCY
                else one
                for one in spotted
            ]
        if likeness < alarm.ASK or self._spotters[name][1].excuses(reading):
            return spotted
        confidence = alarm.ASKED_LATER * accept
        if likeness >= alarm.SURE and not self._is_calm(reading):
            confidence = max(accept, likeness) if other < accept else alarm.ASKED * accept
        return [*spotted, _candidate(self._intents[name], confidence, (reason,))]

    def _is_calm(self, reading: Reading) -> bool:
        return self._calm.excuses(reading) and not self._urgent.excuses(reading)

    def _weighed(self, reading: Reading, meaning: Floats, left: float) -> list[Candidate]:
        """Return the questions and categories that it may be, with their probabilities.

        ``left`` (0 to 1) is the probability that it is none of the other sorts of intent.
        """
        if not self._names:
            return []
        look = self._evidence.look(reading, meaning)
        length = len(reading.text)
        chances = self._combination.probabilities(look, length, self._background)
        place = {self._names[label]: at for at, label in enumerate(look.labels.tolist())}
        shares = {name: float(chances[at]) for name, at in place.items() if name != NOTHING}
        if self.trained:
            shares = self.trained.weigh(reading, shares)
        found = []
        for name, share in shares.items():
            intent = self._intents.get(name)
            if intent is None:  # a label of a trained model that the pack no longer has
                continue
            exact = name in place and look.views[place[name], VIEWS.index("writing")] == 1.0
            if not exact:
                share *= left
            if share < FLOOR:
                continue
            if name in self._spotters and self._spotters[name][1].excuses(reading):
                continue
            reasons: tuple[str, ...] = ("与往年工单的说法相近",)
            if (at := place.get(name)) is not None:
                closest = self._evidence.index.texts[look.closest[at]]
                views = dict(zip(VIEWS, look.views[at].tolist(), strict=True))
                shared = self._evidence.shared(reading, int(look.labels[at]))
                reasons = _reasons(views, closest, shared)
            found.append(_candidate(intent, share, reasons))
        return found

    def _spotted(self, reading: Reading) -> list[Candidate]:
        out: list[Candidate] = []
        for intent, spotter in self._spotters.values():
            if spot := spotter.find(reading):
                sure = SPOTTED_BY_SOUND if spot.by_sound else SPOTTED
                how = "听起来像" if spot.by_sound else "含有"
                out.append(_candidate(intent, sure, (f"{how}“{spot.word}”",)))
        return out

    def _said_whole(self, reading: Reading, meaning: Floats) -> list[Candidate]:
        best: dict[str, Candidate] = {}
        for intent, phrase, writing, sound in self._whole.near(reading):
            # A single character of the right sound is no evidence: 是, 四, 事, 十.
            alike = max(writing, 0.95 * sound if len(reading.text) > 1 else 0.0)
            # A false alarm costs more here, and near misses are the spotters' work.
            strict = isinstance(intent, Emergency)
            if alike < (0.95 if strict else NEAR):
                continue
            how = "就是" if writing == 1.0 else "接近"
            candidate = _candidate(intent, min(0.97, alike - 0.02), (f"整句{how}“{phrase}”",))
            if intent.id not in best or best[intent.id].confidence < candidate.confidence:
                best[intent.id] = candidate
        if self._asides and len(reading.text) > 1:
            name, likeness = self._asides.look_best(reading, meaning)
            sure = asides.confidence(likeness)
            excused = name in self._spotters and self._spotters[name][1].excuses(reading)
            known = best[name].confidence if name in best else 0.0
            if sure > known and not excused:
                reason = f"与这类话相像（{likeness:.2f}）"
                best[name] = _candidate(self._intents[name], sure, (reason,))
        covering = self._whole.covering(reading)
        if covering and not any(one.confidence >= COVERED for one in best.values()):
            intent, said = covering
            best[intent.id] = _candidate(intent, COVERED, (f"整句只有“{said}”",))
        return list(best.values())


def rival_of(understood: Understanding, about: str) -> float:
    """Return the confidence (0 to 1) of all intents that are not ``about``."""
    return min(1.0, sum(one.confidence for one in understood.candidates if one.intent != about))


def _folder(cache: Path | None) -> Path | None:
    return Settings().home / "cache" / "understanding" if cache is HOME else cache


@lru_cache(maxsize=1)
def _one_thread() -> None:
    """Keep linear algebra to one thread in this process, from now on.

    The products here are so small that handing them to other threads takes longer than the
    work, and on a busy node it makes an utterance wait for all of them.
    """
    threadpool_limits(limits=1, user_api="blas")


def _candidate(intent: Intent, confidence: float, reasons: tuple[str, ...]) -> Candidate:
    return Candidate(
        intent.id, kind_of(intent), intent.title, round(min(1.0, confidence), 4), reasons
    )


def _rank(candidate: Candidate, urgent: float) -> tuple[int, float, str]:
    """Sort key: emergencies, then a likely request for a person, then by confidence."""
    if candidate.kind is IntentKind.EMERGENCY and candidate.confidence >= round(urgent, 4):
        first = 0
    elif candidate.intent == "command.agent" and candidate.confidence >= LIKELY:
        first = 1
    else:
        first = 2
    return first, -candidate.confidence, candidate.intent


def _urgent(candidate: Candidate) -> bool:
    return candidate.kind is IntentKind.EMERGENCY


def _from_alternative(candidate: Candidate, text: str) -> Candidate:
    return Candidate(
        candidate.intent,
        candidate.kind,
        candidate.title,
        round(candidate.confidence * ALTERNATIVE_WORTH, 4),
        (*candidate.reasons, f"识别备选“{text}”"),
    )


def _reasons(views: Mapping[str, float], closest: str, shared: Sequence[str]) -> tuple[str, ...]:
    """Return what speaks for an intent, strongest first."""
    said = [
        (views["writing"], f"写法接近“{closest}”（{views['writing']:.2f}）"),
        (views["sound"], f"读音接近“{closest}”（{views['sound']:.2f}）"),
        (views["sentence"], f"意思接近这一类的说法（{views['sentence']:.2f}）"),
        (views["classified"], f"分类器认为是这一类（{views['classified']:.2f}）"),
    ]
    if shared:
        said.append((views["explained"], f"共有词：{'、'.join(shared[:4])}"))
    ranked = sorted(said, key=lambda reason: -reason[0])
    return tuple(text for strength, text in ranked if strength >= 0.3) or (ranked[0][1],)

"""A pack: all the knowledge of one line, read from the YAML files of one folder.

Answers questions about a loaded pack. Leaves to others: what the files look like
(``schema.py``), what can be wrong with them (``checks.py``), and matching (``match.py``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from bot.understanding.checks import ReadFile, check, intents_of, read_all
from bot.understanding.office import Office
from bot.understanding.places import Gazetteer
from bot.understanding.scenario_checks import check_training
from bot.understanding.scenarios import Coaching, Scenario
from bot.understanding.schema import (
    REQUIRED_PROMPTS,
    Category,
    Faq,
    Group,
    Intent,
    Line,
    Meta,
    MoodWords,
    PackFile,
    Place,
    Policy,
    Prompt,
    Thresholds,
    Unit,
    kind_of,
    placeholders,
)
from bot.understanding.types import IntentKind
from bot.understanding.yaml_source import PackError, Problem

__all__ = [
    "REQUIRED_PROMPTS",
    "Loaded",
    "Pack",
    "PackError",
    "Problem",
    "load_pack",
    "load_with_files",
]


@dataclass(frozen=True)
class Pack:
    """A checked pack. Immutable."""

    folder: Path
    meta: Meta
    intents: tuple[Intent, ...]
    groups: tuple[Group, ...]
    units: tuple[Unit, ...]
    places: tuple[Place, ...]
    synonyms: dict[str, tuple[str, ...]]
    domain_words: tuple[str, ...]
    prompts: Mapping[str, Prompt | str]
    """By name; a plain text is a prompt in one variant."""
    moods: tuple[MoodWords, ...] = ()
    region: str = ""
    office: Office = field(default_factory=Office)
    """How tickets are worked on."""
    version: str = ""
    """Changes with every change of the files: the beginning of their SHA-256."""
    files: tuple[Path, ...] = field(default=(), repr=False)
    background: tuple[str, ...] = field(default=(), repr=False)
    harmless: tuple[str, ...] = field(default=(), repr=False)
    examples: Mapping[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    """Whole sentences as citizens say them, by the intent they mean."""
    particles: tuple[str, ...] = ()
    calm: tuple[str, ...] = ()
    urgent: tuple[str, ...] = ()
    coaching: Coaching | None = field(default=None, repr=False)
    scenarios: tuple[Scenario, ...] = field(default=(), repr=False)
    """Synthetic citizens, for training."""

    @property
    def name(self) -> str:
        """The pack's short name, as in ``HOTLINE_PACK``."""
        return self.meta.name

    @property
    def thresholds(self) -> Thresholds:
        """Where confidence becomes action."""
        return self.meta.thresholds

    @cached_property
    def _by_id(self) -> dict[str, Intent]:
        return {intent.id: intent for intent in self.intents}

    @cached_property
    def gazetteer(self) -> Gazetteer:
        """The pack's places and the divisions of its region."""
        return Gazetteer.of(self.places, self.region)

    def intent(self, id: str) -> Intent:
        """Return the intent of that name.

        Raises:
            KeyError: there is none.
        """
        return self._by_id[id]

    def kind(self, id: str) -> IntentKind:
        """Return what sort of thing the intent of that name is (KeyError if unknown)."""
        return kind_of(self._by_id[id])

    def of_kind(self, kind: IntentKind) -> tuple[Intent, ...]:
        """Return all intents of one kind, in the pack's order."""
        return tuple(intent for intent in self.intents if kind_of(intent) is kind)

    def unit_name(self, id: str) -> str:
        """Return the name of the unit with that id (KeyError if unknown)."""
        return next((unit.name for unit in self.units if unit.id == id), "") or _missing(id)

    def deadline(self, category_id: str) -> int:
        """Return the hours within which a ticket of that category must be resolved.

        Raises:
            KeyError: there is no category of that name.
        """
        category = self._by_id[category_id]
        if not isinstance(category, Category):
            raise KeyError(category_id)
        by_urgency: int = getattr(self.meta.deadlines, category.urgency)
        return category.deadline or by_urgency

    def line(self, did: str) -> Line:
        """Return the merged line of a dialled number; the first line for an unknown number."""
        return next((line for line in self.meta.lines if line.did == did), self.meta.lines[0])

    @property
    def policies(self) -> tuple[Policy, ...]:
        """The ways in which this pack leads conversations."""
        return self.meta.policies

    @cached_property
    def _prompts(self) -> dict[str, Prompt]:
        return {
            id: Prompt(say=(one,)) if isinstance(one, str) else one
            for id, one in self.prompts.items()
        }

    def prompt(self, id: str, *, variant: int = 0, **values: str) -> str:
        """Return a fixed sentence with its placeholders filled in.

        ``variant`` may be any number, such as that of the turn: the variants come in rotation.

        Raises:
            KeyError: no such prompt, or a placeholder without a value.
        """
        texts = self._prompts[id].say
        return texts[variant % len(texts)].format(**values)

    def has_prompt(self, id: str) -> bool:
        """Whether there is a fixed sentence of that name."""
        return id in self.prompts

    def variants(self, id: str) -> int:
        """Return in how many ways a fixed sentence can be said (KeyError if unknown)."""
        return len(self._prompts[id].say)

    def must_hear(self, id: str) -> bool:
        """Whether a fixed sentence may not be talked over (KeyError if unknown)."""
        return self._prompts[id].must_hear

    def slow(self, id: str) -> bool:
        """Whether a fixed sentence is always said slowly (KeyError if unknown)."""
        return self._prompts[id].slow

    def sensitive(self, id: str) -> bool:
        """Whether a fixed sentence tells something personal (KeyError if unknown)."""
        return self._prompts[id].sensitive

    def wordings(self) -> Iterator[tuple[str, int, str]]:
        """Yield every variant of every prompt: its name, its number, its text as written."""
        for id, prompt in self._prompts.items():
            for number, text in enumerate(prompt.say):
                yield id, number, text

    def prompt_texts(self) -> list[str]:
        """Return the prompts that hold nothing to be filled in, all variants. No repeats."""
        return list(dict.fromkeys(t for _, _, t in self.wordings() if not placeholders(t)))

    def spoken_texts(self) -> list[str]:
        """Return every text that never varies: prompts first, then answers. No repeats."""
        texts = self.prompt_texts()
        for intent in self.intents:
            if isinstance(intent, Faq):
                texts += [intent.answer, intent.detail.strip()]
            elif isinstance(intent, Category):
                texts.append(intent.opening)
        return [text for text in dict.fromkeys(texts) if text]

    def words(self) -> list[str]:
        """Return words that cutting Chinese text should keep whole."""
        return list(dict.fromkeys(word for word in self._words() if 2 <= len(word) <= 8))

    def bias_words(self) -> list[str]:
        """Return words the recogniser should lean towards, most important first."""
        return list(dict.fromkeys(self.domain_words))

    def _words(self) -> Iterator[str]:
        yield from self.domain_words
        for standard, others in self.synonyms.items():
            yield from (standard, *others)
        for place in self.places:
            if place.kind == "district":
                yield from (place.name, *place.aliases)


def _missing(id: str) -> str:
    raise KeyError(id)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A pack with the files it was read from, for those who point into them."""

    pack: Pack
    files: tuple[ReadFile, ...]


def load_pack(folder: Path) -> Pack:
    """Read and check the pack in ``folder`` and the folders under it.

    Raises:
        PackError: with all problems found.
    """
    return load_with_files(folder).pack


def load_with_files(folder: Path) -> Loaded:
    """As :func:`load_pack`, and keep what was read.

    Raises:
        PackError: with all problems found.
    """
    if not folder.is_dir():
        raise PackError([Problem(folder, 1, 1, "there is no such folder")])
    files = sorted([*folder.rglob("*.yaml"), *folder.rglob("*.yml")])
    if not files:
        raise PackError([Problem(folder, 1, 1, "the folder holds no .yaml files")])
    read, problems = read_all(files)
    whole = not problems
    problems += check(read, whole, folder)
    if whole:
        problems += check_training(read)
    if problems:
        raise PackError(problems)
    contents = [one.content for one in read]
    pack = Pack(
        folder=folder,
        meta=next(content.pack for content in contents if content.pack),
        intents=tuple(intent for one in read for _, intent in intents_of(one)),
        groups=tuple(group for content in contents for group in content.groups),
        units=tuple(unit for content in contents for unit in content.units),
        places=tuple(place for content in contents for place in content.places),
        synonyms={word: others for c in contents for word, others in c.synonyms.items()},
        domain_words=tuple(word for content in contents for word in content.words),
        prompts={id: prompt for content in contents for id, prompt in content.prompts.items()},
        moods=tuple(mood for content in contents for mood in content.moods),
        region=next((content.region for content in contents if content.region), ""),
        office=next((content.casework for content in contents if content.casework), Office()),
        version=_version(read, folder),
        files=tuple(files),
        background=tuple(text for content in contents for text in content.background),
        harmless=tuple(text for content in contents for text in content.harmless),
        examples=_examples(contents),
        calm=tuple(text for content in contents for text in content.calm),
        urgent=tuple(text for content in contents for text in content.urgent),
        particles=tuple(text for content in contents for text in content.particles),
        coaching=next((content.coaching for content in contents if content.coaching), None),
        scenarios=tuple(one for content in contents for one in content.scenarios),
    )
    return Loaded(pack, tuple(read))


def _examples(contents: Sequence[PackFile]) -> dict[str, tuple[str, ...]]:
    examples: dict[str, tuple[str, ...]] = {}
    for content in contents:
        for id, texts in content.examples.items():
            examples[id] = (*examples.get(id, ()), *texts)
    return examples


def _version(read: Sequence[ReadFile], folder: Path) -> str:
    digest = hashlib.sha256()
    for one in read:
        digest.update(f"{one.source.file.relative_to(folder)}\0{one.source.digest}\n".encode())
    return digest.hexdigest()[:12]

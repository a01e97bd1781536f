"""What a running line tells its operator: logs without personal numbers, and measures.

Leaves to others: when something is worth a line or a count, and serving the measures
(``web/app.py``).
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from structlog.typing import Processor

#: Bytes of one log file, and how many older ones are kept.
LOG_BYTES, LOG_FILES = 20_000_000, 5
#: Libraries that tell of every request they make.
CHATTY = ("httpx", "httpcore", "faster_whisper", "jieba", "asyncio")

# --- masking ---------------------------------------------------------------------------

# Recognisers write numbers as digits or as Chinese words, people group them.
_D = r"[\d零〇一幺二两三四五六七八九]"
_GAP = r"[ \-－—]?"
_PERSONAL = re.compile(
    # An id of ours is hex and may look like it holds a number: it stays readable.
    r"(?P<uuid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
    # Citizen's identity number (GB 11643): region 6, birthday 8, order 3, check 1.
    rf"|(?<!{_D})(?P<id_head>{_D}{{3}}){_D}{{11}}(?P<id_tail>{_D}{{3}}[\dXx零〇一幺二三四五六七八九])(?!{_D})"
    # Mobile number, with or without the country's code or a trunk zero.
    rf"|(?<!{_D})(?P<code>(?:\+|00)?86{_GAP}|0)?(?P<head>[1１一幺][3-9３-９三四五六七八九]{_D})"
    rf"{_GAP}{_D}{{4}}{_GAP}(?P<tail>{_D}{{4}})(?!{_D})"
)


def _mask(match: re.Match[str]) -> str:
    if match["uuid"]:
        return match[0]
    if match["id_head"]:
        return f"{match['id_head']}{'*' * 11}{match['id_tail']}"
    return f"{match['code'] or ''}{match['head']}****{match['tail']}"


def mask_text(text: str) -> str:
    """Hide mobile numbers (138****5678) and identity numbers in a text."""
    return _PERSONAL.sub(_mask, text)


def mask_number(number: str) -> str:
    """Hide the middle of any calling number; inner extensions (up to 6 digits) stay."""
    return f"{number[:3]}****{number[-4:]}" if len(number) > 6 else number


def mask_value(value: Any) -> Any:
    """Hide personal numbers in a value of a log line, however deep they are nested.

    Mappings, lists, tuples and sets are copied; what is no plain data becomes its masked
    ``repr``.
    """
    if isinstance(value, str):
        return mask_text(value)
    if isinstance(value, bool | float | None):
        return value
    if isinstance(value, int):
        masked = mask_text(str(value))
        return value if masked == str(value) else masked
    if isinstance(value, Mapping):
        return {mask_value(key): mask_value(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [mask_value(one) for one in value]
    return mask_text(repr(value))


def mask_event(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """Mask a whole log line (a structlog processor); ``caller`` is a number of any kind."""
    return {
        mask_value(key): mask_number(value)
        if key == "caller" and isinstance(value, str)
        else mask_value(value)
        for key, value in event.items()
        if not key.startswith("_")
    }


# --- logging ---------------------------------------------------------------------------


def configure_logging(level: str, file: Path | None = None) -> None:
    """Send all logs, structlog's and the standard library's, to stderr and to ``file``.

    The console is for people; the file has one JSON object a line, is rotated at 20 MB and
    readable by this account only. Context variables (``structlog.contextvars``), such as the
    ``call`` that ``bot/app.py`` binds, are on every line.

    Raises:
        OSError: the file cannot be written.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=False),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        structlog.processors.UnicodeDecoder(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    console = logging.StreamHandler(sys.stderr)
    console.setFormatter(
        _formatter(
            shared,
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        )
    )
    handlers: list[logging.Handler] = [console]
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        rotating = RotatingFileHandler(
            file, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8"
        )
        file.chmod(0o600)
        rotating.setFormatter(
            _formatter(shared, structlog.processors.JSONRenderer(ensure_ascii=False))
        )
        handlers.append(rotating)
    root = logging.getLogger()
    for old in root.handlers[:]:
        # Ours only: a host, such as a test runner, may have its own.
        if old.name == __name__:
            root.removeHandler(old)
            old.close()
    for handler in handlers:
        handler.name = __name__
        root.addHandler(handler)
    root.setLevel(level.upper())
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _formatter(shared: list[Processor], renderer: Processor) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        # Masking comes last before rendering, so that tracebacks go through it as well.
        processors=[mask_event, renderer],
    )


# --- measures --------------------------------------------------------------------------

#: Upper bounds in seconds: what a caller feels as at once, as a pause, as being left alone.
LATENCY_BUCKETS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0, 5.0)


@dataclass(slots=True)
class Metrics:
    """The measures of one bot process, in a registry of their own. Thread-safe."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    calls_total: Counter = field(init=False)
    """By ``outcome``."""
    calls_active: Gauge = field(init=False)
    turns_total: Counter = field(init=False)
    recognition_seconds: Histogram = field(init=False)
    understanding_seconds: Histogram = field(init=False)
    answer_latency_seconds: Histogram = field(init=False)
    """End of the caller's speech to the first sound of the answer."""
    queue_waiting: Gauge = field(init=False)
    queue_claims_total: Counter = field(init=False)
    """By ``result``: a ``JoinResult``, nothing_waiting, already_has_caller or failed."""
    escalations_total: Counter = field(init=False)
    """By ``reason``."""
    barge_ins_total: Counter = field(init=False)
    overheard_total: Counter = field(init=False)
    """Utterances between callers and agents by ``result``: heard, or skipped for want of time."""
    engine_jobs_waiting: Gauge = field(init=False)
    engine_wait_seconds: Gauge = field(init=False)
    engine_full: Gauge = field(init=False)
    asterisk_connected: Gauge = field(init=False)
    redis_up: Gauge = field(init=False)
    build_info: Gauge = field(init=False)
    """1, with ``version``, ``asr`` and ``tts``."""
    pack_info: Gauge = field(init=False)
    """1, with the ``pack`` in use and its ``version``."""
    pack_loaded_at: Gauge = field(init=False)
    """Unix time at which the pack in use was loaded."""
    pack_reload_ok: Gauge = field(init=False)
    """1 if the last attempt to reload the pack went well, or there was none; else 0."""
    pack_reloads_total: Counter = field(init=False)
    """By ``result``: changed, unchanged, refused or failed."""

    def __post_init__(self) -> None:
        """Make the measures."""

        def counter(name: str, about: str, *labels: str) -> Counter:
            return Counter(f"hotline_{name}", about, labels, registry=self.registry)

        def gauge(name: str, about: str, *labels: str) -> Gauge:
            return Gauge(f"hotline_{name}", about, labels, registry=self.registry)

        def histogram(name: str, about: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"hotline_{name}", about, registry=self.registry, buckets=buckets)

        self.calls_total = counter("calls_total", "Calls that ended.", "outcome")
        self.calls_active = gauge("calls_active", "Calls in conversation with the bot.")
        self.turns_total = counter("turns_total", "Utterances of callers.")
        self.recognition_seconds = histogram(
            "recognition_seconds", "Time to recognise one utterance.", LATENCY_BUCKETS
        )
        self.understanding_seconds = histogram(
            "understanding_seconds",
            "Time to understand one utterance.",
            (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
        )
        self.answer_latency_seconds = histogram(
            "answer_latency_seconds",
            "End of the caller's speech to the first sound of the answer.",
            LATENCY_BUCKETS,
        )
        self.queue_waiting = gauge("queue_waiting", "Callers who wait for an agent.")
        self.queue_claims_total = counter("queue_claims_total", "Claims by agents.", "result")
        self.escalations_total = counter("escalations_total", "Calls sent to people.", "reason")
        self.barge_ins_total = counter("barge_ins_total", "Prompts cut short by the caller.")
        self.overheard_total = counter("overheard_total", "Utterances to agents.", "result")
        self.engine_jobs_waiting = gauge("engine_jobs_waiting", "Speech jobs waiting for a thread.")
        self.engine_wait_seconds = gauge("engine_wait_seconds", "Expected wait for a thread.")
        self.engine_full = gauge("engine_full", "1 while new callers go straight to a person.")
        self.asterisk_connected = gauge("asterisk_connected", "1 if Asterisk answers.")
        self.redis_up = gauge("redis_up", "1 if Redis answers.")
        self.build_info = gauge("build_info", "1, with what is running.", "version", "asr", "tts")
        self.pack_info = gauge("pack_info", "1, with the pack in use.", "pack", "version")
        self.pack_loaded_at = gauge("pack_loaded_timestamp_seconds", "When the pack was loaded.")
        self.pack_reload_ok = gauge("pack_reload_ok", "1 if the last reload of the pack went well.")
        self.pack_reloads_total = counter("pack_reloads_total", "Reloads of the pack.", "result")
        self.pack_reload_ok.set(1)

    def pack_in_use(self, pack: str, version: str) -> None:
        """Tell which pack new calls get, from now on."""
        self.pack_info.clear()
        self.pack_info.labels(pack=pack, version=version).set(1)
        self.pack_loaded_at.set_to_current_time()

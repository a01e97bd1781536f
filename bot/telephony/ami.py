"""A lasting AMI connection, built on asterisk-ami: sends actions, hands out events.

It reconnects by itself; the library's own reconnection gives up when a read times out.
Leaves to others: what the events mean (``switchboard.py``).
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any

import structlog
from asterisk.ami import AMIClient, SimpleAction

from bot.agents.types import SwitchboardError

log = structlog.get_logger(__name__)

#: Seconds between pings; below the library's read timeout, which would end the connection.
PING_EVERY = 1.0
#: Seconds to wait for an answer to an action.
ANSWER_TIMEOUT = 3.0

Fields = dict[str, Any]


class AmiLink:
    """One AMI session that comes back after Asterisk does. Thread-safe."""

    def __init__(
        self,
        port: int,
        secret: str,
        on_event: Callable[[str, Fields], None],
        on_connected: Callable[[bool], None] = lambda _: None,
    ) -> None:
        """``on_event(name, fields)`` runs in the reading thread and must not block."""
        self._port = port
        self._secret = secret
        self._on_event = on_event
        self._on_connected = on_connected
        self._client: AMIClient | None = None
        self._sending = threading.Lock()
        self._ids = itertools.count(1)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="ami", daemon=True)

    @property
    def connected(self) -> bool:
        """Whether Asterisk answers now."""
        return self._client is not None

    def start(self) -> None:
        """Connect, and stay connected, in a thread."""
        self._thread.start()

    def stop(self) -> None:
        """Disconnect for good."""
        self._stopping.set()
        self._thread.join(ANSWER_TIMEOUT)

    def next_id(self) -> str:
        """An ActionID that no other action of this link has."""
        return f"hotline-{next(self._ids)}"

    def send(self, name: str, **fields: str) -> Fields:
        """Send an action and return the fields of its response.

        Raises:
            SwitchboardError: Asterisk is away, does not answer, or refuses.
            ValueError: a value would break out of its line.
        """
        client = self._client
        if client is None:
            raise SwitchboardError("Asterisk does not answer on AMI; is the line running?")
        return self._send(client, name, fields)

    def _send(self, client: AMIClient, name: str, fields: dict[str, str]) -> Fields:
        for value in fields.values():
            if "\r" in value or "\n" in value:
                raise ValueError(f"line break in a value of AMI action {name}")
        action = SimpleAction(name, **{"ActionID": self.next_id(), **fields})
        try:
            with self._sending:
                future = client.send_action(action)
            response = future.response
        except OSError as error:
            raise SwitchboardError(f"Asterisk is gone from AMI: {error}") from error
        if response is None:
            raise SwitchboardError(f"Asterisk did not answer AMI action {name}")
        if response.is_error():
            raise SwitchboardError(f"Asterisk refused {name}: {response.keys.get('Message')}")
        return dict(response.keys)

    def _keep(self) -> None:
        while not self._stopping.is_set():
            client = AMIClient(address="127.0.0.1", port=self._port, timeout=ANSWER_TIMEOUT)
            try:
                client.add_event_listener(
                    lambda event, **_: self._on_event(event.name, dict(event.keys))
                )
                response = client.login("hotline", self._secret).response
                if response is None or response.is_error():
                    raise SwitchboardError("AMI log-in refused; run `.venv/bin/hotline doctor`")
                self._client = client
                log.info("ami.connected", port=self._port)
                self._on_connected(True)
                while not self._stopping.wait(PING_EVERY):
                    self._send(client, "Ping", {})
            except (OSError, SwitchboardError) as error:
                if self._client is not None:
                    log.warning("ami.lost", error=str(error))
                    self._on_connected(False)
            finally:
                self._client = None
                if client.finished is not None:
                    client.disconnect()
            self._stopping.wait(PING_EVERY)

"""Which telephone rings for an agent: the one on the table, or the one in the browser.

The browser's telephone is a SIP account of its own, because Asterisk must offer it encrypted
WebRTC media, which the one on the table cannot take. Leaves to others: ringing it.
"""

from __future__ import annotations

import threading

#: What stands before an agent's extension in the name of the browser's account.
WEB = "web-"


class Phones:
    """Whose browser is registered with this node's Asterisk now. Thread-safe.

    Kept in memory, since it is true of this node only: pages say it anew when they connect.
    """

    def __init__(self) -> None:
        self._pages: dict[str, str] = {}
        self._lock = threading.Lock()

    def registered(self, extension: str, page: str) -> None:
        """The browser's telephone on this page (any id) can be rung."""
        with self._lock:
            self._pages[extension] = page

    def gone(self, extension: str, page: str) -> None:
        """It cannot any more; nothing happens if another page has taken over."""
        with self._lock:
            if self._pages.get(extension) == page:
                del self._pages[extension]

    def in_browser(self, extension: str) -> bool:
        """Whether the browser rings."""
        with self._lock:
            return extension in self._pages

    def endpoint(self, extension: str) -> str:
        """Return the name in ``pjsip.conf`` of what is to ring."""
        return f"{WEB}{extension}" if self.in_browser(extension) else extension

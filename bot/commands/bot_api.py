"""Asking the running bot over HTTP, on loopback, with this node's own token.

Leaves to others: what to ask, and showing the answer.
"""

from __future__ import annotations

from typing import Any

import httpx

from bot.config import Settings
from bot.node.secrets import load_secrets
from bot.node.types import SetupError

#: Seconds beyond a command's own time in which the bot must have answered.
ANSWER_GRACE = 45.0


class BotError(Exception):
    """The bot did not do what it was asked, and why: in Chinese, and in detail in English."""

    def __init__(self, chinese: str, english: str, answer: dict[str, Any] | None = None) -> None:
        """``answer`` is the bot's own, when it refused."""
        super().__init__(english)
        self.chinese = chinese
        self.english = english
        self.answer = answer or {}


def ask_bot(
    settings: Settings, path: str, body: dict[str, Any], patience: float = 0.0
) -> dict[str, Any]:
    """POST to the running bot and return its answer; ``patience`` is in seconds.

    Raises:
        BotError: there is no bot, or it refused.
    """
    url = f"http://127.0.0.1:{settings.http_port}"
    try:
        token = load_secrets(settings).api_token
        # trust_env off: a proxy for the outside has no business on loopback.
        with httpx.Client(base_url=url, trust_env=False, timeout=patience + ANSWER_GRACE) as http:
            reply = http.post(path, json=body, headers={"Authorization": f"Bearer {token}"})
            answer: dict[str, Any] = reply.json()
    except SetupError as error:
        raise BotError("读不到本机的访问令牌。", str(error)) from error
    except httpx.TimeoutException as error:
        english = f"The bot at {url} did not answer; see its log."
        raise BotError("热线没有及时回应。", english) from error
    except httpx.TransportError as error:
        english = (
            f"Nothing answers at {url}. Start the line with `hotline run`, "
            "or set HOTLINE_HTTP_PORT to the port it uses."
        )
        raise BotError("热线没有在运行。", english) from error
    except ValueError as error:
        english = f"What answers at {url} is not the hotline; check HOTLINE_HTTP_PORT."
        raise BotError("这个端口上的不是热线。", english) from error
    if reply.is_error:
        detail = f"{answer.get('code', reply.status_code)} {answer.get('detail', '')}".strip()
        raise BotError(str(answer.get("message", "热线拒绝了这个请求。")), detail, answer)
    return answer

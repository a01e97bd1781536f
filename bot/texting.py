"""回访 by text: asks citizens whose tickets are said to be solved, where their pack wants that.

Who has not answered in time is left to the telephone (``surveyor.py``), and to agents. Leaves to
others: when, and who may be texted (``casework/surveys.py``, ``casework/texts.py``), the page
behind the link (``web/survey_pages.py``), answers by text (``channels/text_talk.py``).
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from bot.casework.surveys import Asking, Surveys
from bot.casework.texts import Texts
from bot.understanding.pack import Pack
from bot.understanding.schema import Category

log = structlog.get_logger(__name__)


class Texter:
    """Writes down the texts that are due."""

    def __init__(
        self, surveys: Surveys, texts: Texts, pack: Callable[[str], Pack], public_url: str = ""
    ) -> None:
        """``pack`` by name; ``public_url`` is where citizens' browsers reach our pages."""
        self._surveys = surveys
        self._texts = texts
        self._pack = pack
        self._public_url = public_url.rstrip("/")

    def look(self) -> int:
        """Write down what is due now; return how many texts that are.

        Raises:
            CaseworkError: look again later.
        """
        written = self._texts.forward_notices()
        for asking in self._surveys.due("text"):
            if asking.texted:
                self._surveys.call_instead(asking.number)
                log.info("survey.not_answered_by_text", ticket=asking.number)
            elif self._surveys.text(asking.number, self._words(asking)):
                log.info("survey.texted", ticket=asking.number)
                written += 1
        return written

    def _words(self, asking: Asking) -> str:
        pack = self._pack(asking.pack)
        surveys = pack.office.surveys
        title = kind_of(pack, asking)
        words = surveys.text if title else surveys.text_sensitive
        words = words.format(number=asking.number, **({"title": title} if title else {}))
        if self._public_url and surveys.text_link:
            words += surveys.text_link.format(link=f"{self._public_url}/s/{asking.token}")
        return words


def kind_of(pack: Pack, asking: Asking) -> str:
    """Return what a ticket is about, as far as anybody may read it; "" when it is sensitive."""
    try:
        category = pack.intent(asking.category)
    except KeyError:
        return asking.title
    return "" if isinstance(category, Category) and category.sensitive else asking.title

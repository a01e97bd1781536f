"""The documents of Open311 GeoReport v2, as JSON and as XML; http://wiki.open311.org/GeoReport_v2.

Pure. Leaves to others: what is in them (``open311.py``).
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

#: Characters that XML 1.0 cannot hold (section 2.2).
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
#: What the entries of a list are called in XML.
ENTRIES = {
    "services": "service",
    "service_requests": "request",
    "errors": "error",
    "attributes": "attribute",
    "values": "value",
    "endpoints": "endpoint",
    "formats": "format",
}
MEDIA = {"json": "application/json; charset=utf-8", "xml": "text/xml; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class Attribute:
    """Something that a service asks besides the place."""

    code: str
    description: str
    order: int
    required: bool = False
    datatype: str = "string"
    """``string``, ``number``, ``datetime``, ``text``, ``singlevaluelist`` or
    ``multivaluelist``."""
    values: tuple[tuple[str, str], ...] = ()
    """Of a list: key and name."""

    def as_dict(self) -> dict[str, Any]:
        """Return it as GET Service Definition shows it."""
        return {
            "variable": True,
            "code": self.code,
            "datatype": self.datatype,
            "required": self.required,
            "datatype_description": "",
            "order": self.order,
            "description": self.description,
            "values": [{"key": key, "name": name} for key, name in self.values],
        }


@dataclass(frozen=True, slots=True)
class Service:
    """A kind of request: a category of the pack."""

    code: str
    name: str
    description: str = ""
    group: str = ""
    keywords: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()
    unit: str = ""
    """Proposed when the rules of dispatch know none."""
    urgency: str = "normal"
    pack: str = ""

    def as_dict(self, kind: str) -> dict[str, Any]:
        """Return it as GET Service List shows it."""
        return {
            "service_code": self.code,
            "service_name": self.name,
            "description": self.description,
            "metadata": bool(self.attributes),
            "type": kind,
            "keywords": ",".join(self.keywords),
            "group": self.group,
        }


def write(document: Any, root: str, form: str) -> bytes:
    """Return a list or mapping in the form ``json`` or ``xml``, in UTF-8."""
    if form == "json":
        return json.dumps(document, ensure_ascii=False, default=moment).encode()
    element = _element(root, document)
    written: bytes = ET.tostring(element, encoding="utf-8", xml_declaration=True)
    return written


def _element(name: str, value: Any) -> ET.Element:
    element = ET.Element(name)
    if isinstance(value, Mapping):
        element.extend(_element(key, one) for key, one in value.items())
    elif isinstance(value, Sequence) and not isinstance(value, str):
        element.extend(_element(ENTRIES[name], one) for one in value)
    elif isinstance(value, bool):
        element.text = "true" if value else "false"
    elif isinstance(value, dt.datetime):
        element.text = moment(value)
    elif value is not None:
        element.text = _NOT_XML.sub("\ufffd", str(value))
    return element


def moment(value: dt.datetime) -> str:
    """Write a moment in the standard's subset of ISO 8601, in UTC and whole seconds."""
    return value.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_moment(written: str) -> dt.datetime:
    """Read a moment; one without time zone is taken for UTC.

    Raises:
        ValueError: it is none.
    """
    # A "+" of an offset that was not escaped in a URL arrives as a space.
    value = dt.datetime.fromisoformat(written.strip().replace(" ", "+", 1))
    value = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
    try:
        return value.astimezone(dt.UTC)
    except OverflowError as error:
        raise ValueError("out of range") from error

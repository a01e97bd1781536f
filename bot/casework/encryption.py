"""Personal fields, encrypted before they reach the database: the column types and their keys.

Two types, one master key of which each derives its own (HKDF, RFC 5869):

* :class:`EncryptedText` and :class:`EncryptedJson`: AES-256-GCM with a random nonce (NIST
  SP 800-38D). The same words never look the same.
* :class:`EncryptedLookup`: AES-SIV (RFC 5297), deterministic, so that ``column == value`` finds
  its row. Equal numbers look equal in the database; that is the price of finding them, the
  same as a column with an HMAC of the number (a "blind index") beside it would have.

A stored value names its key (``enc:k1:…``), so keys can be changed. The key ring travels on the
engine's dialect (``storage.open_engine``), since a column type sees nothing else of the engine
that it works for. An engine without keys stores plainly. Leaves to others: keeping the keys
(``bot/node/secrets.py``), showing only masked values (``privacy.py``).
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

from bot.casework.errors import CaseworkError

MARK = "enc:"
#: Bytes of a nonce of AES-GCM (SP 800-38D, 5.2.1.1) and of a master key.
NONCE, KEY = 12, 32


class WrongKeyError(CaseworkError):
    """A value cannot be read with the keys at hand."""


@dataclass(frozen=True, slots=True)
class _Derived:
    gcm: AESGCM
    siv: AESSIV


@dataclass(frozen=True)
class Keyring:
    """Keys by id, the newest last: it encrypts, the others still decrypt. Thread-safe."""

    keys: Mapping[str, bytes] = field(repr=False)
    """Master keys of 32 random bytes."""

    def __post_init__(self) -> None:
        """Derive the working keys.

        Raises:
            CaseworkError: there is no key, or one has not 32 bytes.
        """
        if not self.keys or any(len(key) != KEY for key in self.keys.values()):
            raise CaseworkError(
                "A key of the database is missing or damaged: restore secrets.json from a backup."
            )
        derived = {
            name: _Derived(AESGCM(_derive(key, b"text", 32)), AESSIV(_derive(key, b"lookup", 64)))
            for name, key in self.keys.items()
        }
        object.__setattr__(self, "_derived", derived)

    @classmethod
    def of_hex(cls, keys: Mapping[str, str]) -> Keyring:
        """Make one of hexadecimal keys, as ``secrets.json`` has them.

        Raises:
            CaseworkError: a key is no such.
        """
        try:
            return cls({name: bytes.fromhex(key) for name, key in keys.items()})
        except ValueError:
            return cls({})

    @property
    def newest(self) -> str:
        """Id of the key that encrypts."""
        return list(self.keys)[-1]

    def seal(self, text: str) -> str:
        """Encrypt so that equal texts look different."""
        nonce = os.urandom(NONCE)
        sealed = self._of(self.newest).gcm.encrypt(nonce, text.encode(), self.newest.encode())
        return f"{MARK}{self.newest}:g{_encode(nonce + sealed)}"

    def seal_for_lookup(self, text: str) -> str:
        """Encrypt so that equal texts look equal."""
        sealed = self._of(self.newest).siv.encrypt(text.encode(), [self.newest.encode()])
        return f"{MARK}{self.newest}:s{_encode(sealed)}"

    def open(self, stored: str) -> str:
        """Decrypt either kind; a value that was stored plainly is given back as it is.

        Raises:
            CaseworkError: its key is not in this ring, or the value was tampered with.
        """
        if not stored.startswith(MARK):
            return stored
        name, _, rest = stored.removeprefix(MARK).partition(":")
        if name not in self.keys:
            raise WrongKeyError(
                f"A personal field was encrypted with the key {name}, which is not here. Use the "
                "secrets.json that belongs to this database."
            )
        try:
            blob = base64.urlsafe_b64decode(rest[1:])
            if rest[:1] == "s":
                return self._of(name).siv.decrypt(blob, [name.encode()]).decode()
            return self._of(name).gcm.decrypt(blob[:NONCE], blob[NONCE:], name.encode()).decode()
        except (InvalidTag, ValueError, binascii.Error) as error:
            raise WrongKeyError(
                f"A personal field cannot be decrypted with the key {name}: the database was "
                "tampered with, or this is the secrets.json of another node."
            ) from error

    def _of(self, name: str) -> _Derived:
        derived: _Derived = self._derived[name]  # type: ignore[attr-defined]
        return derived


def _derive(key: bytes, purpose: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt=None, info=b"hotline " + purpose).derive(key)


def _encode(blob: bytes) -> str:
    return base64.urlsafe_b64encode(blob).decode()


def carry(dialect: Dialect, keys: Keyring | None) -> None:
    """Let the encrypted columns of an engine use these keys."""
    dialect.__dict__["hotline_keys"] = keys


def keys_of(dialect: Dialect) -> Keyring | None:
    """Return the keys that an engine's columns use, None when it stores plainly."""
    keys: Keyring | None = dialect.__dict__.get("hotline_keys")
    return keys


def _opened(value: str, dialect: Dialect) -> str:
    keys = keys_of(dialect)
    if keys is not None:
        return keys.open(value)
    if value.startswith(MARK):
        raise WrongKeyError(
            "This database is encrypted, and it was opened without keys: open it with the "
            "secrets.json that belongs to it."
        )
    return value


class EncryptedText(TypeDecorator[str]):
    """Personal words. Cannot be searched; "" stays ""."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Encrypt."""
        keys = keys_of(dialect)
        return keys.seal(value) if value and keys else value

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Decrypt.

        Raises:
            CaseworkError: the key is not at hand.
        """
        return _opened(value, dialect) if value else value


class EncryptedLookup(EncryptedText):
    """A personal number by which rows are found: ``==`` and ``in_`` work. "" stays ""."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Encrypt, the same value always to the same."""
        keys = keys_of(dialect)
        return keys.seal_for_lookup(value) if value and keys else value


class EncryptedJson(TypeDecorator[dict[str, Any]]):
    """Personal facts by name. Cannot be searched."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, dialect: Dialect) -> str | None:
        """Encrypt."""
        if value is None:
            return None
        text = json.dumps(value, ensure_ascii=False)
        keys = keys_of(dialect)
        return keys.seal(text) if value and keys else text

    def process_result_value(self, value: str | None, dialect: Dialect) -> dict[str, Any] | None:
        """Decrypt.

        Raises:
            CaseworkError: the key is not at hand.
        """
        if value is None:
            return None
        facts: dict[str, Any] = json.loads(_opened(value, dialect))
        return facts

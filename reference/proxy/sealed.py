"""``encrypted_content``: an opaque, authenticated blob that the client carries for us.

A blob holds what the upstream needs back unchanged (a thinking block's signature, redacted thinking, the
name of its reasoning field) or the summary behind a ``compaction`` item. Nobody but the holder of the key
can read or forge one; anything else that arrives in that field is a foreign blob.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from typing import Any

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class Carried(msgspec.Struct, omit_defaults=True):
    """What travels inside a blob; empty fields are not there."""

    text: str = ""
    field: str = ""
    blocks: list[dict[str, Any]] = []
    summary: str = ""


class Sealer:
    """Seals and opens blobs with a key derived from a secret of any length."""

    def __init__(self, secret: bytes) -> None:
        self._aead = AESGCM(hashlib.sha256(b"responses-proxy encrypted_content\0" + secret).digest())
        self._decode = msgspec.msgpack.Decoder(Carried).decode

    def seal(self, carried: Carried) -> str:
        """Return the blob for ``encrypted_content``."""
        nonce = os.urandom(12)
        sealed = self._aead.encrypt(nonce, msgspec.msgpack.encode(carried), None)
        return base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, blob: str) -> Carried | None:
        """Return what was sealed, or None for a foreign, cut or altered blob."""
        try:
            raw = base64.urlsafe_b64decode(blob)
            return self._decode(self._aead.decrypt(raw[:12], raw[12:], None))
        except (InvalidTag, ValueError, binascii.Error, msgspec.DecodeError):
            return None

"""Bodies are packed as their codings say, and a bomb costs the suite nothing."""

from __future__ import annotations

import gzip

import pytest
import zstandard

from conformance.client import Endpoint, send
from conformance.errors import HarnessError
from conformance.packing import CODINGS, Coding, pack


def unpacked(data: bytes, coding: Coding) -> bytes:
    """The body as a decoder that is not the suite's reads it."""
    if coding == "gzip":
        return gzip.decompress(data)
    with zstandard.ZstdDecompressor().stream_reader(data) as reader:
        return reader.read()


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("size", [0, 1, 70_000, 300_000])
def test_what_is_packed_unpacks_to_the_same(coding: Coding, size: int) -> None:
    """Real decoders read what was packed, block limits and empty bodies included."""
    payload = (bytes(range(256)) * (size // 256 + 1))[:size]
    assert unpacked(pack(payload, coding), coding) == payload


@pytest.mark.parametrize("coding", CODINGS)
def test_spaces_come_before_the_payload(coding: Coding) -> None:
    """A run of spaces, in whole MiB, stands before the body."""
    assert unpacked(pack(b'{"a": 1}', coding, (1 << 20) + 1), coding) == b" " * (2 << 20) + b'{"a": 1}'


@pytest.mark.parametrize("coding", CODINGS)
def test_a_bomb_is_small(coding: Coding) -> None:
    """A body of 256 MiB takes less than a thousandth of that on the wire."""
    assert len(pack(b"{}", coding, 256 << 20)) < 300_000


def test_an_unknown_coding_is_the_suites_fault() -> None:
    """A case that packs in a coding that nobody has written is an error of the suite, told by name."""
    with pytest.raises(HarnessError, match="x-none"):
        send(Endpoint("http://127.0.0.1:9"), "POST", "/", {}, headers={"content-encoding": "x-none"}, packed=True)

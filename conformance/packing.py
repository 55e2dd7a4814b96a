"""Packing request bodies, small ones and bombs: gzip and zstd without a compressor for the latter.

A bomb is a body that begins with a long run of spaces, which JSON allows and codings reduce to almost nothing. It is
written from ready-made blocks, so that 256 MiB cost the suite no more than the few hundred kilobytes it sends.
"""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from typing import Literal, get_args

__all__ = ["CODINGS", "Coding", "pack"]

Coding = Literal["gzip", "zstd"]
CODINGS: tuple[Coding, ...] = get_args(Coding)

_RUN = 1 << 20
_GZIP_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"  # RFC 1952: deflate, no flags, no time, unknown system
_ZSTD_HEAD = struct.pack("<IBB", 0xFD2FB528, 0, 0x58)  # RFC 8878: no content size, no checksum, a window of 2 MiB
_ZSTD_BLOCK = 128 << 10  # the largest block that the format allows
_RAW, _RLE = 0, 1


def pack(payload: bytes, coding: Coding, spaces: int = 0) -> bytes:
    """A payload, after so many spaces, in a coding. `spaces` is rounded up to whole MiB."""
    runs = -(-spaces // _RUN)
    return _gzip(payload, runs) if coding == "gzip" else _zstd(payload, runs)


def _gzip(payload: bytes, runs: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    # After a full flush the packer has forgotten all: the same run gives the same bytes, as often as it is wanted.
    run = packer.compress(b" " * _RUN) + packer.flush(zlib.Z_FULL_FLUSH)
    body = run * runs + packer.compress(payload) + packer.flush()
    size = (runs * _RUN + len(payload)) & 0xFFFFFFFF
    return _GZIP_HEAD + body + struct.pack("<II", zlib.crc32(payload, _crc_of_runs(runs)), size)


@lru_cache(maxsize=8)
def _crc_of_runs(runs: int) -> int:
    crc, run = 0, b" " * _RUN
    for _ in range(runs):
        crc = zlib.crc32(run, crc)
    return crc


def _zstd(payload: bytes, runs: int) -> bytes:
    pieces = [payload[at : at + _ZSTD_BLOCK] for at in range(0, len(payload), _ZSTD_BLOCK)] or [b""]
    blocks = [_block(_RLE, _ZSTD_BLOCK) + b" "] * (runs * _RUN // _ZSTD_BLOCK)
    blocks += [_block(_RAW, len(piece)) + piece for piece in pieces[:-1]]
    return _ZSTD_HEAD + b"".join(blocks) + _block(_RAW, len(pieces[-1]), last=True) + pieces[-1]


def _block(kind: int, size: int, *, last: bool = False) -> bytes:
    return struct.pack("<I", size << 3 | kind << 1 | last)[:3]

"""Request bodies: bounded, and decompressed with the same bound."""

from __future__ import annotations

import zlib

import zstandard
from starlette.requests import Request

from .errors import ApiError, invalid


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, decompressed.

    Raises ApiError 413 for too much of it, before or after decompression, and 415 for an unknown encoding.
    """
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        pieces.append(piece)
    body = _decompress(b"".join(pieces), request.headers.get("content-encoding", "identity").lower(), limit)
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> ApiError:
    return ApiError(413, f"The request body is larger than {limit} bytes.", code="request_too_large")


def _decompress(body: bytes, encoding: str, limit: int) -> bytes:
    """Decode zstd or gzip, never to more than one byte past the limit."""
    if encoding in ("", "identity"):
        return body
    try:
        if encoding == "zstd":
            with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(body) as reader:
                return reader.read(limit + 1)
        if encoding in ("gzip", "x-gzip"):
            return zlib.decompressobj(wbits=31).decompress(body, limit + 1)
    except (zstandard.ZstdError, zlib.error):
        raise invalid(f"The request body is not valid {encoding}.") from None
    raise ApiError(415, f"Content-Encoding {encoding!r} is not supported.", code="unsupported_encoding")

"""Stored responses: SQLite, in memory (bounded) or in a file (write-ahead log).

Each record keeps its own input and output and the id of the response before it; a conversation is the chain.
Using a response renews the whole chain, so the bounds take conversations nobody continues.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import zstandard

from .items import PREFIX

_SCHEMA = """
create table if not exists responses (
    id text primary key, tenant text not null, used integer not null, size integer not null,
    previous text, input blob not null, response blob not null, frames blob);
create index if not exists by_use on responses (used);
create table if not exists items (
    tenant text not null, id text not null, response text not null, primary key (tenant, id)) without rowid;
create index if not exists by_response on items (response);
create table if not exists settings (name text primary key, value blob not null) without rowid;
"""


@dataclass(slots=True)
class Record:
    """One stored response."""

    response: dict[str, Any]
    input: list[dict[str, Any]]
    previous: str | None
    frames: bytes | None
    """Its events as they were streamed, as ``Frames`` packs them; None when it was not."""


class Frames:
    """The events of a stream while it runs, compressed block by block: a long one must not be held as it is."""

    _BLOCK = 256 << 10

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._blocks: list[bytes] = []

    def add(self, frames: bytes) -> None:
        """Keep these too."""
        self._pieces.append(frames)
        self._size += len(frames)
        if self._size >= self._BLOCK:
            self._compress()

    def pack(self) -> bytes:
        """All of them; ``unpack`` gives them back."""
        self._compress()
        return b"".join(self._blocks)

    @staticmethod
    def unpack(packed: bytes) -> bytes:
        """What ``pack`` was made of."""
        with zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as reader:
            return reader.read()

    def _compress(self) -> None:
        self._blocks.append(zstandard.compress(b"".join(self._pieces), 1))
        self._pieces.clear()
        self._size = 0


class Store:
    """Responses by id, each visible to the tenant that made it only."""

    def __init__(self, path: str, limit: int, size: int) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("pragma journal_mode=wal")
        self._db.execute("pragma synchronous=normal")
        self._db.executescript(_SCHEMA)
        self._limit, self._max_size = limit, size
        count, held, used = self._db.execute("select count(*), total(size), max(used) from responses").fetchone()
        self._count, self._size, self._clock = int(count), int(held), int(used or 0)

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def secret(self) -> bytes:
        """A random secret that lives as long as the store."""
        self._db.execute("insert or ignore into settings values ('secret', ?)", (os.urandom(32),))
        return bytes(self._db.execute("select value from settings where name = 'secret'").fetchone()[0])

    def put(self, tenant: str, record: Record) -> None:
        """Keep a response; the least recently used ones go when there are too many."""
        response_id = record.response["id"]
        for number, item in enumerate(record.input):
            if not item.get("id"):
                item["id"] = f"{PREFIX.get(item.get('type') or 'message', 'item')}_{response_id[5:37]}i{number:03x}"
        given, made = msgspec.json.encode(record.input), msgspec.json.encode(record.response)
        size = len(given) + len(made) + len(record.frames or b"")
        row = (response_id, tenant, self._tick(), size, record.previous, given, made, record.frames)
        names = {item["id"] for item in [*record.input, *record.response["output"]]}
        with self._db:
            self._db.execute("begin")
            self._db.execute("insert into responses values (?, ?, ?, ?, ?, ?, ?, ?)", row)
            self._db.executemany(
                "insert or replace into items values (?, ?, ?)", [(tenant, name, response_id) for name in names]
            )
            self._count, self._size = self._count + 1, self._size + size
            while self._count > 1 and (self._count > self._limit or self._size > self._max_size):
                oldest = self._db.execute("select id, size from responses order by used limit 1").fetchone()
                self._remove(oldest[0], oldest[1])

    def get(self, tenant: str, response_id: str) -> Record | None:
        """The response of that id, or None when this tenant has none."""
        row = self._db.execute(
            "select response, input, previous, frames from responses where id = ? and tenant = ?",
            (response_id, tenant),
        ).fetchone()
        if row is None:
            return None
        self._db.execute("update responses set used = ? where id = ?", (self._tick(), response_id))
        return Record(msgspec.json.decode(row[0]), msgspec.json.decode(row[1]), row[2], row[3])

    def delete(self, tenant: str, response_id: str) -> bool:
        """Forget a response; False when there was none."""
        query = "select size from responses where id = ? and tenant = ?"
        row = self._db.execute(query, (response_id, tenant)).fetchone()
        if row is not None:
            self._remove(response_id, row[0])
        return row is not None

    def chain(self, tenant: str, response_id: str) -> list[Record] | None:
        """The responses of a conversation up to this one, oldest first; None when one of them is gone."""
        records: list[Record] = []
        following: str | None = response_id
        while following is not None:
            record = self.get(tenant, following)
            if record is None:
                return None
            records.append(record)
            following = record.previous
        return records[::-1]

    def item(self, tenant: str, item_id: str) -> dict[str, Any] | None:
        """An input or output item of a stored response."""
        query = "select response from items where tenant = ? and id = ?"
        row = self._db.execute(query, (tenant, item_id)).fetchone()
        record = self.get(tenant, row[0]) if row else None
        items: Sequence[dict[str, Any]] = [*record.response["output"], *record.input] if record else ()
        return next((item for item in items if item.get("id") == item_id), None)

    def _tick(self) -> int:
        self._clock += 1
        return self._clock

    def _remove(self, response_id: str, size: int) -> None:
        self._db.execute("delete from responses where id = ?", (response_id,))
        self._db.execute("delete from items where response = ?", (response_id,))
        self._count, self._size = self._count - 1, self._size - size

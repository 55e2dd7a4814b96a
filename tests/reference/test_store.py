"""Stored responses: bounded, private to who made them, whole conversations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reference.proxy.store import Frames, Record, Store


def record(number: int, previous: str | None = None, size: int = 1) -> Record:
    """A stored response of about this size."""
    output = [{"id": f"msg_{number}", "type": "message", "content": "x" * size}]
    response: dict[str, Any] = {"id": f"resp_{number:040d}", "output": output}
    return Record(response, [{"role": "user", "content": str(number)}], previous, b"event: x\n\n")


def test_what_was_put_can_be_had_until_it_is_deleted() -> None:
    """A record comes back whole, once; items are found by id."""
    store = Store(":memory:", 10, 1 << 20)
    made = record(1)
    store.put("a", made)
    kept = store.get("a", made.response["id"])
    assert kept == made
    assert store.item("a", "msg_1") == made.response["output"][0]
    assert store.item("a", made.input[0]["id"]) == made.input[0]
    assert store.delete("a", made.response["id"])
    assert not store.delete("a", made.response["id"])
    assert store.get("a", made.response["id"]) is None
    assert store.item("a", "msg_1") is None


PREFIXES = {
    "message": "msg", "function_call": "fc", "function_call_output": "fco", "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco", "tool_search_call": "tsc", "tool_search_output": "tso", "reasoning": "rs",
    None: "msg",
}  # fmt: skip


def test_input_items_get_ids_of_their_type() -> None:
    """An item without an id gets one with the prefix that OpenAI gives its type; an id that is there stays."""
    made = record(1)
    made.input = [{"type": kind, "id": None} for kind in PREFIXES] + [{"role": "user"}, {"id": "x", "role": "user"}]
    Store(":memory:", 10, 1 << 20).put("a", made)
    ids = [item["id"] for item in made.input]
    assert [name.partition("_")[0] for name in ids] == [*PREFIXES.values(), "msg", "x"]
    assert len(set(ids)) == len(ids)
    assert max(map(len, ids)) <= 64


def test_nobody_sees_what_another_stored() -> None:
    """Another tenant can neither read, continue, reference nor delete."""
    store = Store(":memory:", 10, 1 << 20)
    made = record(1)
    store.put("a", made)
    name = made.response["id"]
    assert (store.get("b", name), store.chain("b", name), store.item("b", "msg_1")) == (None, None, None)
    assert not store.delete("b", name)


def test_the_number_and_the_size_are_bounded() -> None:
    """The least recently used go first, by count and by bytes."""
    store = Store(":memory:", 3, 1 << 20)
    for number in range(3):
        store.put("a", record(number))
    store.get("a", record(0).response["id"])
    store.put("a", record(3))
    assert [store.get("a", record(n).response["id"]) is not None for n in range(4)] == [True, False, True, True]
    small = Store(":memory:", 100, 5000)
    for number in range(10):
        small.put("a", record(number, size=1000))
    assert sum(small.get("a", record(n).response["id"]) is not None for n in range(10)) in (3, 4)


def test_a_conversation_that_goes_on_keeps_its_beginning() -> None:
    """Continuing a response renews the whole chain; one that has a gap is gone."""
    store = Store(":memory:", 3, 1 << 20)
    store.put("a", record(0))
    store.put("a", record(1, previous=record(0).response["id"]))
    for number in range(2, 6):
        chain = store.chain("a", record(1).response["id"])
        assert chain is not None
        assert [link.response["id"][-1] for link in chain] == ["0", "1"]
        store.put("a", record(number))
    store.delete("a", record(0).response["id"])
    assert store.chain("a", record(1).response["id"]) is None


def test_a_file_outlives_the_process(tmp_path: Path) -> None:
    """With a file, responses and the secret behind encrypted_content are there after a restart."""
    path = str(tmp_path / "store.db")
    first = Store(path, 10, 1 << 20)
    first.put("a", record(1))
    secret = first.secret()
    first.close()
    second = Store(path, 1, 1 << 20)
    assert second.secret() == secret
    kept = second.get("a", record(1).response["id"])
    assert kept is not None
    assert kept.response == record(1).response
    second.put("a", record(2))
    assert second.get("a", record(1).response["id"]) is None
    second.close()


def test_a_long_stream_is_packed_while_it_runs() -> None:
    """Frames come back to the byte, however many there are, and what is held is a fraction of them."""
    frames = Frames()
    given = [b"data: %d\n\n" % number for number in range(200_000)]
    for frame in given:
        frames.add(frame)
    packed = frames.pack()
    assert Frames.unpack(packed) == b"".join(given)
    assert len(packed) < sum(map(len, given)) // 3
    assert Frames.unpack(Frames().pack()) == b""

"""Rules of the other endpoints: stored responses, models, wrong methods, upgrades, and what the body is packed in."""

from __future__ import annotations

from conformance.crossings import Judged, Visit, quote, visits
from conformance.kept import deleted as deleted_before
from conformance.kept import errands, gets, is_kept, kept
from conformance.normal_form import difference
from conformance.pieces import at, items_of, text_of
from conformance.rules import MUST, RECOMMENDED, SHOULD, rule
from conformance.transcript import Transcript

__all__: list[str] = []

_STORE = ("store",)


def _status(visit: Visit, *statuses: int, words: str) -> Judged:
    if visit.exchange.status in statuses:
        yield visit.seen()
    else:
        shown = quote(visit.exchange.body[:120].decode("utf-8", "replace"))
        yield visit.broken(words, f"status {visit.exchange.status}: {shown}")


@rule(
    "endpoint.unknown-response",
    level=MUST,
    source="openai.resources.responses.Responses.retrieve; EasyMetaAu/helm-api#199",
    why="An invented response, or a 5xx, for an id that was never given out.",
)
def unknown_response(transcript: Transcript) -> Judged:
    """`GET /responses/{id}` of an unknown id is a 404; where nothing is stored also 400, 405 or 501."""
    for errand in gets(transcript):
        name = errand.identity.encode()
        if not any(name in exchange.body for exchange in errand.visit.earlier):
            yield from _status(errand.visit, 400, 404, 405, 501, words="404 (400, 405 or 501 where nothing is stored)")


@rule(
    "endpoint.error-is-json",
    level=RECOMMENDED,
    source="openai-openapi ErrorResponse; EasyMetaAu/helm-api#199; sgl-project/sglang#38690",
    why="An SDK that expects an error in JSON shows the user a page, or nothing.",
)
def error_is_json(transcript: Transcript) -> Judged:
    """Endpoints that do not exist, or not for that, answer with an error in JSON."""
    for visit in visits(transcript):
        status = visit.exchange.status
        upgrade = any(name.lower() == "upgrade" for name, _ in visit.exchange.request.headers)
        if status is None or status < 400 or visit.asks_for_a_response or upgrade:
            continue
        if isinstance(at(visit.exchange.json, "error"), dict):
            yield visit.seen()
        else:
            yield visit.broken('`{"error": {...}}`', quote(visit.exchange.body[:120].decode("utf-8", "replace")))


@rule(
    "endpoint.wrong-method",
    level=MUST,
    source="RFC 9110 15.5.6",
    why="A typo is taken for a request, or reported as a failure of the server.",
)
def wrong_method(transcript: Transcript) -> Judged:
    """A method that `/responses` does not have is refused with 404, 405 or 501."""
    for visit in visits(transcript):
        request = visit.exchange.request
        path = request.path.partition("?")[0].rstrip("/")
        upgrade = any(name.lower() == "upgrade" for name, _ in request.headers)
        if path.endswith("/responses") and request.method.upper() in ("GET", "PUT", "PATCH", "DELETE") and not upgrade:
            yield from _status(visit, 404, 405, 501, words="404, 405 or 501")


@rule(
    "endpoint.upgrade-answered",
    level=SHOULD,
    source="openai/codex#19821; BYK/loreai#515; NVIDIA/NeMo-Relay#994; RFC 9110 15.5.22",
    why="Codex tries a websocket first: at 426 it falls back at once, at 404 after seven attempts, at 400 it fails.",
)
def upgrade_answered(transcript: Transcript) -> Judged:
    """A websocket upgrade on `/responses` is accepted or answered by 426."""
    for visit in visits(transcript):
        request = visit.exchange.request
        if any(name.lower() == "upgrade" for name, _ in request.headers) and request.path.endswith("/responses"):
            yield from _status(visit, 101, 426, words="101 or 426")


@rule(
    "endpoint.models-list",
    level=MUST,
    source="openai.resources.models.Models.list; openai.types.Model",
    why="Pickers of models stay empty.",
)
def models_list(transcript: Transcript) -> Judged:
    """`GET /models`, where it exists, is a list of objects with an id."""
    for visit in visits(transcript):
        request = visit.exchange.request
        if request.method.upper() != "GET" or not request.path.partition("?")[0].endswith("/models"):
            continue
        if visit.exchange.status != 200:
            yield from _status(visit, 404, 405, 501, words="a list, or 404")
            continue
        body = visit.exchange.json
        models = at(body, "data")
        listed = at(body, "object") == "list" and isinstance(models, list)
        if listed and all(text_of(at(model, "id")) for model in items_of(models)):
            yield visit.seen()
        else:
            yield visit.broken('`{"object": "list", "data": [{"id": ...}]}`', quote(body))


@rule(
    "endpoint.stored-response-fetched",
    level=MUST,
    source="openai.resources.responses.Responses.retrieve; EricLBuehler/mistral.rs#1946",
    why="A client that lost its connection cannot get the answer that it has paid for.",
    features=_STORE,
)
def stored_response_fetched(transcript: Transcript) -> Judged:
    """A stored response can be fetched as soon as its terminal event has come, and is what that event said."""
    for errand in gets(transcript):
        visit = errand.visit
        wrong_key = "wrong-key" in transcript.facts.get("tags", ())
        if wrong_key or errand.tail or "stream" in errand.query or not is_kept(visit, errand.identity):
            continue
        known = kept(visit)[errand.identity].response
        if visit.exchange.status != 200:
            # Whether a failure is kept is left open; an answer, whole or cut, is.
            legal = (200, 404) if known.get("status") == "failed" else (200,)
            yield from _status(visit, *legal, words="200 and the response")
            continue
        keys = ["id", "object", "status", "output", "incomplete_details"]
        keys += ["previous_response_id"] if known.get("previous_response_id") else []
        fetched = visit.exchange.json if isinstance(visit.exchange.json, dict) else {}
        found = difference({key: known.get(key) for key in keys}, {key: fetched.get(key) for key in keys})
        if found is None:
            yield visit.seen()
        else:
            yield visit.broken(f"{quote(found.left)} at {found.path}, as the response ended", quote(found.right))


@rule(
    "endpoint.input-items",
    level=MUST,
    source="openai.resources.responses.InputItems.list; openai.types.responses.ResponseItemList",
    why="A conversation cannot be shown again.",
    features=_STORE,
)
def input_items(transcript: Transcript) -> Judged:
    """`GET /responses/{id}/input_items` is a list with `data`, `first_id`, `last_id` and `has_more`."""
    for errand in gets(transcript):
        visit = errand.visit
        if errand.tail != "input_items" or not is_kept(visit, errand.identity):
            continue
        body = visit.exchange.json
        keys = ("object", "data", "first_id", "last_id", "has_more")
        missing = [key for key in keys if not isinstance(body, dict) or key not in body]
        if visit.exchange.status == 200 and not missing and isinstance(at(body, "data"), list):
            yield visit.seen()
        else:
            yield visit.broken(f"a list with {list(keys)}", f"status {visit.exchange.status}, {missing} are missing")


@rule(
    "endpoint.deleted",
    level=MUST,
    source="openai.resources.responses.Responses.delete; openai-openapi DELETE /responses/{response_id}",
    why="What the user deleted is still there.",
    features=_STORE,
)
def deleted(transcript: Transcript) -> Judged:
    """`DELETE /responses/{id}` succeeds, says nothing else if it says anything, and the response is gone afterwards."""
    for errand in errands(transcript, "DELETE"):
        visit, identity = errand.visit, errand.identity
        if not is_kept(visit, identity):
            continue
        body, status = visit.exchange.json, visit.exchange.status
        contradicted = at(body, "deleted") not in (None, True) or at(body, "id") not in (None, identity)
        if status in (200, 204) and not contradicted and at(body, "error") is None:
            yield visit.seen()
        else:
            yield visit.broken(f"204, or 200 and `deleted: true` for {identity}", f"{status}: {quote(body)}")
    for errand in gets(transcript):
        if errand.identity in deleted_before(errand.visit):
            yield from _status(errand.visit, 404, words="404 for a response that was deleted")


@rule(
    "endpoint.packed-body",
    level=SHOULD,
    source="RFC 9110 8.4 and 15.5.16; QuantumNous/new-api#4913; farion1231/cc-switch#3764; SaladDay/cc-switch-cli#469",
    why="Codex packs large bodies with zstd: read as text they are a 400 that nobody understands.",
)
def packed_body(transcript: Transcript) -> Judged:
    """A body with `Content-Encoding: zstd` or `gzip` is unpacked, or refused with 415 (413 when too large)."""
    for visit in visits(transcript):
        if "bomb" in transcript.facts.get("tags", ()):
            continue  # judged by a rule of its own
        coding = next((v for k, v in visit.exchange.request.headers if k.lower() == "content-encoding"), "")
        if coding.lower() not in ("gzip", "zstd"):
            continue
        status = visit.exchange.status
        if status is not None and (status < 300 or status in (413, 415)):
            yield visit.seen()
        else:
            yield from _status(visit, 200, 413, 415, words="an answer, 415, or 413")

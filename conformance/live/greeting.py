"""The first case at a live endpoint: whether it answers at all, and if not, one diagnosis instead of many failures."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from conformance.client import Endpoint
from conformance.preflight import Diagnosis
from conformance.transcript import Exchange, Transcript

__all__ = ["diagnose"]

_SHOWN = 600  # characters of a body

_KEY = "name the variable that holds the key: --api-key-env NAME"
_PATH = "is that the path of its Responses route? Most base URLs end in /v1"
_MODEL = "does it know the model? Its list stands at GET {base}/models"
_TLS = "is that its port for https? The environment variable SSL_CERT_FILE names a file of further authorities"
_MOVED = (301, 302, 303, 307, 308)
_FIXES: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {
        400: (_MODEL,),
        401: (_KEY,),
        403: (_KEY, _MODEL),
        404: (_PATH, _MODEL),
        405: (_PATH,),
        422: (_MODEL,),
        429: ("it limits the rate: run again later",),
    }
)


def diagnose(transcript: Transcript, endpoint: Endpoint) -> Diagnosis | None:
    """Why the endpoint cannot be judged, from the transcript of its first case; None when it can.

    It can as soon as it has answered the question once, streamed or not.
    """
    exchanges = [exchange for drive in transcript.drives for exchange in drive.exchanges]
    if any(exchange.status is not None and 200 <= exchange.status < 300 for exchange in exchanges):
        return None
    if not exchanges:
        problem = next((drive.problem for drive in transcript.drives if drive.problem), "nothing was sent")
        return Diagnosis(f"the endpoint cannot be reached: {problem}", fixes=tuple(_reaching(problem, endpoint)))
    first = exchanges[0]
    fixes = tuple(_advice(first))
    facts = tuple(line for exchange in exchanges for line in _facts(exchange))
    return Diagnosis(
        f"the endpoint answers no plain question: {_answer(first)}",
        facts,
        tuple(fix.format(base=endpoint.base) for fix in fixes),
    )


def _reaching(problem: str, endpoint: Endpoint) -> Iterator[str]:
    """What may help against an endpoint that cannot be reached."""
    if problem.startswith("no TLS"):
        yield _TLS
    else:
        yield "is it running, and is that its address?"
    parts = urlsplit(endpoint.url)
    if parts.scheme in getproxies() and not proxy_bypass(parts.netloc):
        yield f"{parts.scheme}_proxy is not used: the suite goes straight to the server, or judges the proxy too"


def _advice(exchange: Exchange) -> Iterator[str]:
    """What may help against the answer to a plain question."""
    moved = exchange.header("location")
    if exchange.status in _MOVED and moved:
        yield f"it says that it is at {moved} (the suite follows no redirection: a key would go with it)"
    elif exchange.ended == "deadline":
        yield "does it load the model first? Ask it once by hand, or wait longer: --patience SECONDS"
    else:
        yield from _FIXES.get(exchange.status or 0, ("look into the server's log",))


def _answer(exchange: Exchange) -> str:
    return f"no answer ({exchange.problem})" if exchange.status is None else f"status {exchange.status}"


def _facts(exchange: Exchange) -> tuple[str, str]:
    request = exchange.request
    body = _shortened(json.dumps(request.body, ensure_ascii=False))
    answer = _shortened(exchange.body.decode("utf-8", "replace"))
    return (
        f"sent:     {request.method} {request.path} {body}",
        f"received: {_answer(exchange)} {answer}".rstrip(),
    )


def _shortened(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _SHOWN else f"{flat[:_SHOWN]}… ({len(flat)} characters)"

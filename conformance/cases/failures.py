"""Cases of failures before the first byte of an answer."""

from __future__ import annotations

from conformance.cases.build import answers, asks, says
from conformance.cases.case import Case, Turn
from conformance.transcript import DriveKind
from fakes.reply import Frame, HttpFailure, Reply, Verbatim

__all__ = ["CASES"]

BOTH: frozenset[DriveKind] = frozenset({"stream", "json"})
HTML = b"<html><head><title>502 Bad Gateway</title></head><body><center>nginx/1.25</center></body></html>"


IN_EACH_FORM = frozenset({"context-length", "rate-limit", "key-refused", "server-error"})
"""The failures over HTTP that are driven streamed and not: those that clients treat each in a way of its own."""


def _failing(name: str, summary: str, source: str, failure: HttpFailure, *tags: str) -> Case:
    return Case(
        id=f"failure.{name}",
        summary=summary,
        source=source,
        turns=answers(failure),
        drives=BOTH,
        tags=frozenset(tags),
        each_form=name in IN_EACH_FORM,
    )


CASES = (
    _failing(
        "bad-request",
        "The upstream finds the request invalid.",
        "vllm-project/aibrix#2594; api7/aisix#322; BerriAI/litellm#39521",
        HttpFailure(400, "bad_request"),
    ),
    _failing(
        "context-length",
        "The input is longer than the model's context.",
        "raine/claude-code-proxy#29; lidge-jun/opencodex#4112",
        HttpFailure(400, "context_length"),
    ),
    _failing(
        "rate-limit",
        "The upstream limits the rate and says when to come back.",
        "BerriAI/litellm#21553; api7/aisix#144; james-6-23/codex2api#623",
        HttpFailure(429, "rate_limit", retry_after="7"),
    ),
    _failing(
        "rate-limit-without-hint",
        "The upstream limits the rate and does not say when to come back.",
        "openai/codex, codex-rs: a 429 without Retry-After is final",
        HttpFailure(429, "rate_limit"),
    ),
    _failing(
        "key-refused",
        "The upstream refuses the proxy's key.",
        "openai.AuthenticationError; anthropic.AuthenticationError",
        HttpFailure(401, "auth"),
        "own-key",
    ),
    _failing(
        "forbidden",
        "The upstream forbids the model to the proxy's key.",
        "openai.PermissionDeniedError; anthropic.PermissionDeniedError",
        HttpFailure(403, "permission"),
        "own-key",
    ),
    _failing(
        "unknown-model",
        "The upstream does not know the model.",
        "openai.NotFoundError; anthropic.NotFoundError",
        HttpFailure(404, "unknown_model"),
    ),
    _failing(
        "server-error",
        "The upstream fails.",
        "BerriAI/litellm#32221",
        HttpFailure(500, "server_error"),
    ),
    _failing(
        "overloaded",
        "The upstream is overloaded.",
        "envoyproxy/ai-gateway#2697; Anthropic documentation, Errors: 529",
        HttpFailure(503, "overloaded", retry_after="3"),
    ),
    _failing(
        "html",
        "A gateway in front of the upstream answers with a page.",
        "castari/castari-proxy#7; shuv1337/oc-web#143",
        HttpFailure(502, "server_error", body=HTML, content_type="text/html"),
    ),
    _failing(
        "empty-body",
        "An error status without a body.",
        "openai.APIStatusError with an empty body",
        HttpFailure(503, "server_error", body=b"", content_type="text/plain"),
    ),
    _failing(
        "detail-body",
        "An error body in FastAPI's form.",
        "FastAPI HTTPException: {detail}; BerriAI/litellm#32221",
        HttpFailure(422, "bad_request", body=b'{"detail":[{"loc":["body","messages"],"msg":"field required"}]}'),
    ),
    Case(
        id="failure.reset-before-status",
        summary="The upstream resets the connection before it answers.",
        source="CopilotKit/aimock#24",
        turns=answers(Verbatim(Reply(200, (), (), "reset-before-status"))),
        drives=BOTH,
        tags=frozenset({"resets"}),
    ),
    Case(
        id="failure.next-after-a-reset",
        summary="The upstream resets one connection; the request after that finds it well again.",
        source="CopilotKit/aimock#24; RFC 9112 9.5 (a connection that has failed is not used again)",
        turns=(
            Turn(request=asks("Are you there?"), answers=(Verbatim(Reply(200, (), (), "reset-before-status")),)),
            Turn(request=asks("And now?"), answers=(says("Here I am."),)),
        ),
        drives=BOTH,
        about="answer",
        each_form=True,
        each_dialect=True,
        tags=frozenset({"resets"}),
    ),
    Case(
        id="failure.page-instead-of-stream",
        summary="A status of 200 with a page instead of a stream.",
        source="shuv1337/oc-web#143",
        turns=answers(Verbatim(Reply(200, (("content-type", "text/html"),), (Frame(HTML),)))),
        drives=BOTH,
    ),
    Case(
        id="failure.stream-of-nothing",
        summary="An event stream that ends without any event.",
        source="headroomlabs-ai/headroom#3682",
        turns=answers(Verbatim(Reply(200, (("content-type", "text/event-stream"),), ()))),
        drives=frozenset({"stream"}),
    ),
    Case(
        id="refused.malformed-json",
        summary="The client's body is not JSON.",
        source="askalf/dario#1231; Open Responses 2026-04-24, HTTP requests",
        turns=(Turn(raw_body=b'{"model": "m", "input": ['),),
        refusal_statuses=frozenset({400, 422}),
        drives=frozenset({"json"}),
    ),
    Case(
        id="refused.not-an-object",
        summary="The client's body is JSON but not an object.",
        source="askalf/dario#1231",
        turns=(Turn(raw_body=b"[]"),),
        refusal_statuses=frozenset({400, 422}),
        drives=frozenset({"json"}),
    ),
    Case(
        id="refused.unknown-previous-response",
        summary="The client continues a response that does not exist.",
        source="raullenchai/Rapid-MLX#588; Open Responses 2026-04-24, previous_response_not_found",
        turns=(Turn(request=asks(previous_response_id="resp_doesnotexist0000000000000000")),),
        refusal_statuses=frozenset({400, 404}),
        drives=BOTH,
        tags=frozenset({"unknown-previous-response"}),
        each_dialect=True,
    ),
    Case(
        id="refused.input-of-wrong-type",
        summary="`input` is a number.",
        source="openai.types.responses.ResponseCreateParams.input; gty111/gLLM#267",
        turns=(Turn(request={"input": 5, "store": False}),),
        refusal_statuses=frozenset({400, 422}),
        drives=BOTH,
    ),
    Case(
        id="refused.unknown-response",
        summary="The client asks for a stored response that does not exist.",
        source="EasyMetaAu/helm-api#199",
        turns=(Turn(method="GET", path="/responses/resp_doesnotexist0000000000000000"),),
        refusal_statuses=frozenset({400, 404, 405, 501}),
        drives=frozenset({"json"}),
        tags=frozenset({"endpoint"}),
    ),
)

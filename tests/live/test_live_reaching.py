"""Reaching a live endpoint: however its URL is written, and whatever stands between; what cannot be reached is told."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from conformance.errors import UsageError
from conformance.live.endpoint import live_endpoint

HELLO = ("--case", "live.hello", "--rule", "answer.*")


def _trouble(done: Any) -> str:
    """The one diagnosis of a run that could not be made."""
    (trouble,) = done.document["trouble"]
    assert done.code == 2
    assert trouble["blame"] == "target"
    assert done.document["verdicts"] == []
    assert "Traceback" not in done.out + done.err
    return str(trouble["message"])


@pytest.mark.parametrize("end", ["/v1", "/v1/", "/v1/responses", "/v1/responses/"])
def test_a_base_url_may_end_in_many_ways(
    serve: Callable[..., Any], live: Callable[..., Any], vllm: Any, end: str
) -> None:
    """With and without a slash, and with the route itself, the same path is asked."""
    server = serve(vllm)
    done = live(server.url.removesuffix("/v1") + end, *HELLO, model=vllm.model)
    assert done.code == 0
    assert {request.path for request in server.requests} == {"/v1/responses"}


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://h", "http://h/responses"),
        ("https://h/", "https://h/responses"),
        ("http://h:8000/api/v3/responses", "http://h:8000/api/v3/responses"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1/responses"),
        ("HTTPS://host.example./v1", "https://host.example./v1/responses"),
    ],
)
def test_where_a_url_leads(url: str, asked: str) -> None:
    """Host, port and every path are kept as they are written."""
    endpoint = live_endpoint(url, None)
    assert endpoint.url + endpoint.base + "/responses" == asked


@pytest.mark.parametrize(
    "url",
    [
        "host:8000/v1",
        "ftp://host/v1",
        "http://",
        "http:///v1",
        "http://[::1/v1",
        "http://host:99999/v1",
        "http://host:0/v1",
        "http://a..b/v1",
        "http://ho st/v1",
        "http://höst/v1",
        "http://host/v 1",
        "http://host/v1\n",
        "http://host/v1?api-version=1",
        "http://host/v1#top",
        "http://user:pass@host/v1",
    ],
)
def test_what_is_no_base_url_is_refused(url: str, live: Callable[..., Any]) -> None:
    """A wrong URL is wrong usage, told in one line; a password in it is not repeated."""
    with pytest.raises(UsageError):
        live_endpoint(url, None)
    done = live(url)
    assert (done.code, done.out) == (4, "")
    assert len(done.err.splitlines()) == 1
    assert "pass@" not in done.err


def test_a_path_that_is_not_there(serve: Callable[..., Any], live: Callable[..., Any], vllm: Any) -> None:
    """404 is one diagnosis: what was asked, what came, and what base URLs end in."""
    told = _trouble(live(serve(vllm).url + "/beta", model=vllm.model))
    assert "status 404" in told
    assert "POST /v1/beta/responses" in told
    assert "Most base URLs end in /v1" in told


def test_a_model_that_is_not_there(serve: Callable[..., Any], live: Callable[..., Any], vllm: Any) -> None:
    """A model that the server does not know is told in its own words, with the route of its list."""
    told = _trouble(live(serve(vllm).url, model="no-such-model"))
    assert "The model `no-such-model` does not exist" in told
    assert "GET /v1/models" in told


def test_nobody_listens(live: Callable[..., Any]) -> None:
    """A refused connection is told with the address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        told = _trouble(live(f"http://127.0.0.1:{port}/v1"))
    assert f"nothing accepts connections at http://127.0.0.1:{port}" in told


def test_a_name_that_nobody_has(live: Callable[..., Any]) -> None:
    """A host that cannot be resolved is told as one that cannot be reached."""
    assert "nothing accepts connections at http://no-such-host.invalid" in _trouble(live("http://no-such-host.invalid"))


def test_a_redirection_is_told_and_not_followed(
    serve: Callable[..., Any], live: Callable[..., Any], vllm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the server says that it is elsewhere, the run names that place and sends no key there."""
    monkeypatch.setenv("HOST_API_KEY", "sk-0123456789abcdef")
    elsewhere = serve(vllm)
    moved = serve(lambda request: (308, {"location": f"{elsewhere.url}/responses"}, ()))
    told = _trouble(live(moved.url, "--api-key-env", "HOST_API_KEY"))
    assert f"it says that it is at {elsewhere.url}/responses" in told
    assert elsewhere.requests == []


@pytest.fixture
def silent() -> Iterator[str]:
    """The base URL of a server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"


def test_a_server_that_never_answers(silent: str, live: Callable[..., Any]) -> None:
    """A hang ends with the patience of the run, and is told as one."""
    told = _trouble(live(silent, "--patience", "1"))
    assert "nothing came for 1 s while waiting for the status line" in told
    assert "--patience SECONDS" in told


def test_a_case_that_hangs_is_a_finding(serve: Callable[..., Any], live: Callable[..., Any], vllm: Any) -> None:
    """A server that answers the first question and hangs on another is judged, and told where it hangs."""
    release = threading.Event()

    def answer(request: Any) -> Any:
        if b'"instructions": null' in request.body:
            release.wait(60)
        return vllm(request)

    cases = ("--case", "live.hello", "--case", "live.explicit-nulls", "--rule", "delivery.*")
    done = live(serve(answer).url, "--patience", "2", *cases, model=vllm.model)
    release.set()
    assert done.failing == {"delivery.answers"}
    assert "nothing came for 2 s" in done.out


def test_a_stream_that_trickles_is_read_to_its_end(
    serve: Callable[..., Any], live: Callable[..., Any], vllm: Any
) -> None:
    """Patience is for each wait, not for the answer: a slow stream that goes on is judged whole."""
    pause = threading.Event()

    def slowly(chunks: tuple[bytes, ...]) -> Iterator[bytes]:
        for number, chunk in enumerate(chunks):
            if number % 12 == 0:
                pause.wait(0.25)
            yield chunk

    def answer(request: Any) -> Any:
        status, headers, chunks = vllm(request)
        return status, headers, slowly(chunks)

    chosen = ("--case", "live.hello", "--rule", "delivery.*", "--rule", "stream.*")
    done = live(serve(answer).url, "--patience", "2", *chosen, model=vllm.model)
    assert done.failing == set()
    assert done.code == 0


def test_ipv6(serve: Callable[..., Any], live: Callable[..., Any], vllm: Any) -> None:
    """An IPv6 address in brackets is asked, and named so in the Host header."""
    try:
        server = serve(vllm, host="::1")
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    done = live(server.url, *HELLO, model=vllm.model)
    assert done.code == 0
    assert server.requests[0].headers["host"] in server.url


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_proxies_are_not_used(
    serve: Callable[..., Any], live: Callable[..., Any], vllm: Any, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server is asked itself, whatever the environment says of proxies: one would change what is judged."""
    monkeypatch.setenv(variable, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    assert live(serve(vllm).url, *HELLO, model=vllm.model).code == 0


def test_an_unused_proxy_is_named_where_nothing_is_reached(
    live: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is used to a proxy learns that the suite goes straight."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    assert "http_proxy is not used" in _trouble(live("http://no-such-host.invalid/v1"))


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1 that nobody has signed but itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    file = tmp_path / "certificate.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return file


def test_https(
    serve: Callable[..., Any], live: Callable[..., Any], vllm: Any, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server with a certificate is judged when its authority is known, and told of when it is not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = serve(vllm, tls=context)
    assert server.url.startswith("https://")
    told = _trouble(live(server.url, model=vllm.model))
    assert "no TLS with https://127.0.0.1" in told
    assert "CERTIFICATE_VERIFY_FAILED" in told
    assert "SSL_CERT_FILE" in told
    assert server.requests == []
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert live(server.url, *HELLO, model=vllm.model).code == 0


def test_https_where_none_is_spoken(serve: Callable[..., Any], live: Callable[..., Any], vllm: Any) -> None:
    """An https URL of a plain server is told as such, not as a server that is down."""
    told = _trouble(live(serve(vllm).url.replace("http:", "https:"), model=vllm.model))
    assert "no TLS with https://127.0.0.1" in told

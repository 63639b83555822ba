"""Presets from the web: only over https, only from public addresses, only so much and so long."""

from __future__ import annotations

import http.server
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from skyreels_cli.errors import RetryableError, UsageError
from skyreels_cli.recipe.sharing import fetch as web
from skyreels_cli.recipe.sharing.archive import MAX_ARCHIVE
from skyreels_cli.recipe.sharing.fetch import fetch
from skyreels_cli.recipe.sharing.receive import receive

PRESET = b"prompt: a ball\nname: ball\n"


class Answers(http.server.BaseHTTPRequestHandler):
    """One path for each thing that a server can do."""

    def do_GET(self) -> None:
        moved = {
            "/moved": "/preset.yaml",
            "/circle": "/circle",
            "/to-file": "file:///etc/passwd",
            "/to-plain": "http://localhost/preset.yaml",
            "/to-private": "https://169.254.169.254/latest",
        }
        if self.path == "/preset.yaml":
            self.answer(200, PRESET)
        elif self.path in moved:
            self.answer(302, headers={"Location": moved[self.path]})
        elif self.path == "/slow":
            self.stream(b"#", 50, pause=0.05)
        elif self.path == "/slow-head":
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
            self.drip(b"x", 50, pause=0.05)
        elif self.path == "/large":
            self.stream(bytes(1 << 20), (MAX_ARCHIVE >> 20) + 2)
        else:
            self.answer(int(self.path[1:]))

    def stream(self, part: bytes, count: int, pause: float = 0) -> None:
        self.send_response(200)
        self.end_headers()
        self.drip(part, count, pause)

    def drip(self, part: bytes, count: int, pause: float) -> None:
        for _ in range(count):
            self.wfile.write(part)
            self.wfile.flush()
            time.sleep(pause)

    def answer(self, status: int, content: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None: ...


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    if not shutil.which("openssl"):
        pytest.skip("a certificate is made with openssl")
    command = ["openssl", *["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]]
    files = ["-addext", "subjectAltName=DNS:localhost", "-keyout", str(path), "-out", f"{path}.crt"]
    subprocess.run([*command, *files], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


@pytest.fixture
def server(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server on this machine, whose address counts as public for once."""
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    served.socket = context.wrap_socket(served.socket, server_side=True)
    served.handle_error = lambda *args: None  # type: ignore[method-assign]
    threading.Thread(target=served.serve_forever, daemon=True).start()
    trusting = ssl.create_default_context(cafile=f"{certificate}.crt")
    monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
    allow_here(monkeypatch)
    yield f"https://localhost:{served.server_address[1]}"
    served.shutdown()
    served.server_close()


def allow_here(monkeypatch: pytest.MonkeyPatch) -> None:
    public: Callable[..., str] = web._public_address

    def address(place: web._Place) -> str:
        return "127.0.0.1" if place.host == "localhost" else public(place)

    monkeypatch.setattr(web, "_public_address", address)


def test_a_preset_is_fetched(server: str) -> None:
    assert fetch(f"{server}/preset.yaml") == PRESET
    assert fetch(f"{server}/moved") == PRESET
    assert receive(f"{server}/preset.yaml").text.preset.prompt == "a ball"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/circle", "it leads on more than 4 times"),
        ("/to-file", "only https"),
        ("/to-plain", "only https"),
        ("/to-private", "169.254.169.254 is an address of a private network"),
        ("/large", "it is larger than 32 MB"),
    ],
)
def test_what_is_refused(server: str, path: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as error:
        fetch(server + path)
    assert error.value.code == "url-refused"


@pytest.mark.parametrize(
    ("status", "kind"), [(404, UsageError), (403, UsageError), (503, RetryableError), (429, RetryableError)]
)
def test_what_the_server_refuses(server: str, status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=f"the server answers {status}"):
        fetch(f"{server}/{status}")


@pytest.mark.parametrize("path", ["/slow", "/slow-head"])
def test_what_takes_too_long(server: str, path: str) -> None:
    with pytest.raises(RetryableError, match="cannot be fetched"):
        fetch(server + path, seconds=0.3)


def test_a_certificate_that_nobody_vouches_for(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    allow_here(monkeypatch)
    with pytest.raises(RetryableError, match="CERTIFICATE_VERIFY_FAILED"):
        fetch(f"{server}/preset.yaml")


def test_a_name_that_means_a_private_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """One bad address among good ones is enough: which would be taken is up to chance."""

    def resolve(*args: object, **kwargs: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("93.184.215.14", "192.168.1.1")]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(UsageError, match=r"192\.168\.1\.1 is an address of a private network"):
        fetch("https://rebinding.example/preset.yaml")

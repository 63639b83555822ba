"""A preset from the web: https only, bounded in size and time, never from an address of a private network."""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from skyreels_cli.errors import RetryableError, UsageError, printable
from skyreels_cli.recipe.sharing.archive import MAX_ARCHIVE

SECONDS = 20.0
MAX_REDIRECTS = 4
HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
CHUNK = 1 << 16


def is_url(text: str) -> bool:
    """Whether a text names a place on the web, or tries to."""
    return "://" in text[:12]


def fetch(url: str, seconds: float = SECONDS) -> bytes:
    """What lies behind a URL; redirects are followed under the same rules.

    Raises UsageError `url-refused`, RetryableError `url-unreachable`.
    """
    deadline = time.monotonic() + seconds
    for _ in range(MAX_REDIRECTS + 1):
        answer = _get(_checked(url), deadline)
        if isinstance(answer, bytes):
            return answer
        url = urljoin(url, answer.target)
    raise _refused(url, f"it leads on more than {MAX_REDIRECTS} times")


@dataclass(frozen=True)
class _Redirect:
    target: str


@dataclass(frozen=True)
class _Place:
    url: str
    host: str
    port: int
    path: str


class _PinnedConnection(http.client.HTTPSConnection):
    """Connects to an address that has been looked at, and not to what the name means a moment later."""

    def __init__(self, place: _Place, address: str, timeout: float) -> None:
        super().__init__(place.host, place.port, timeout=timeout, context=ssl.create_default_context())
        self._address = address

    def connect(self) -> None:
        """Connect, and check the certificate against the name."""
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = self._context.wrap_socket(plain, server_hostname=self.host)  # type: ignore[attr-defined]

    def abort(self) -> None:
        """End whatever waits for the server, from another thread; a timeout begins anew with every byte."""
        if self.sock:
            with suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)


def _checked(url: str) -> _Place:
    """The parts of a URL that may be fetched."""
    try:
        parts = urlsplit(url)
        port = parts.port or 443
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except (ValueError, UnicodeError):
        raise _refused(url, "it is no URL") from None
    if parts.scheme != "https":
        raise _refused(url, "only https:// is fetched")
    if not HOST.fullmatch(host) or parts.username or parts.password:
        raise _refused(url, "it names no host, or a user")
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    if not (path.isascii() and path.isprintable() and " " not in path):
        raise _refused(url, "it is no URL")
    return _Place(url, host, port, path)


def _get(place: _Place, deadline: float) -> bytes | _Redirect:
    try:
        address = _public_address(place)
        connection = _PinnedConnection(place, address, _left(deadline))
        watchdog = threading.Timer(_left(deadline), connection.abort)
        watchdog.start()
        try:
            connection.request("GET", place.path, headers={"User-Agent": "skyreels", "Accept": "*/*"})
            answer = connection.getresponse()
            if answer.status in (301, 302, 303, 307, 308):
                return _Redirect(answer.headers.get("Location", ""))
            if answer.status != 200:
                raise _failed(place, answer.status)
            return _body(place, answer, deadline)
        finally:
            watchdog.cancel()
            connection.close()
    except (OSError, http.client.HTTPException) as error:
        raise RetryableError("url-unreachable", f"{printable(place.url)} cannot be fetched: {error}") from error


def _body(place: _Place, answer: http.client.HTTPResponse, deadline: float) -> bytes:
    content = bytearray()
    while chunk := answer.read1(CHUNK):
        content += chunk
        if len(content) > MAX_ARCHIVE:
            raise _refused(place.url, f"it is larger than {MAX_ARCHIVE >> 20} MB")
    _left(deadline)  # one that was aborted looks like one that is complete
    return bytes(content)


def _public_address(place: _Place) -> str:
    """The first address of a host, if all of them are public; UsageError `url-refused`."""
    found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        number = ipaddress.ip_address(address.partition("%")[0])
        mapped = getattr(number, "ipv4_mapped", None) or number
        if not mapped.is_global or mapped.is_multicast:
            raise _refused(place.url, f"{address} is an address of a private network")
    return addresses[0]


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("it takes too long")
    return left


def _refused(url: str, reason: str) -> UsageError:
    return UsageError("url-refused", f"{printable(url)} is not fetched: {reason}", "download it, and import the file")


def _failed(place: _Place, status: int) -> UsageError | RetryableError:
    kind = RetryableError if status in (408, 429) or status >= 500 else UsageError
    return kind("url-unreachable", f"{printable(place.url)} cannot be fetched: the server answers {status}")

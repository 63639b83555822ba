"""Hugging Face and ModelScope on this machine: repositories over HTTP as both clients ask for them, with faults."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

LARGE = (".safetensors", ".pth", ".gguf")
"""What these hubs keep in LFS, and serve by a redirect to another place."""


def git_blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class LoopbackHub:
    """Repositories by id, each a dict of file contents, and what is to go wrong with them.

    `statuses` are answered in turn to requests whose path contains the key; `cuts` end the connection after so many
    bytes of a file, once for each entry; `damaged` files have a wrong byte, once; `bytes_per_second` slows content
    down; `gated` repositories answer like those for which access must be granted. `served` counts bytes of content,
    `asked` requests for it.
    """

    repositories: dict[str, dict[str, bytes]] = field(default_factory=dict)
    statuses: dict[str, list[int]] = field(default_factory=dict)
    cuts: dict[str, list[int]] = field(default_factory=dict)
    damaged: set[str] = field(default_factory=set)
    gated: set[str] = field(default_factory=set)
    bytes_per_second: float | None = None
    served: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    tokens: set[str] = field(default_factory=set)
    content_tokens: set[str] = field(default_factory=set)
    address: str = ""

    @property
    def elsewhere(self) -> str:
        """The same server under another name, as large files lie on another host."""
        return self.address.replace("127.0.0.1", "localhost")

    def add(self, repo: str, folder: Path) -> None:
        """Publish what is in a folder."""
        files = [file for file in folder.rglob("*") if file.is_file()]
        self.repositories[repo] = {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}

    def commit(self, repo: str) -> str:
        """The hash of what the repository holds now."""
        files = self.repositories[repo]
        return hashlib.sha1(repr(sorted((path, sha256(data)) for path, data in files.items())).encode()).hexdigest()

    def content(self, etag: str) -> tuple[str, bytes]:
        """Path and content of what has this SHA-256."""
        every = ((path, data) for files in self.repositories.values() for path, data in files.items())
        return next((path, data) for path, data in every if sha256(data) == etag)


class Answer(BaseHTTPRequestHandler):
    """One request."""

    hub: LoopbackHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        """Be quiet."""

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        path, query = unquote(url.path), {key: values[0] for key, values in parse_qs(url.query).items()}
        if authorization := self.headers.get("Authorization"):
            (self.hub.content_tokens if path.startswith("/cdn") else self.hub.tokens).add(authorization)
        for part, statuses in self.hub.statuses.items():
            if part in self.path and statuses:
                self._send(statuses.pop(0), {"error": "as the test wants it"})
                return
        for pattern, answer in ROUTES.items():
            if found := re.fullmatch(pattern, path):
                answer(self, *found.groups(), **({"query": query} if "v1" in pattern else {}))
                return
        self._send(404, {"error": "no such page"})

    def hf_info(self, repo: str, revision: str | None) -> None:
        files = self.hub.repositories.get(repo)
        if repo in self.hub.gated:
            self._send(403, {"error": "ask its owner"}, {"X-Error-Code": "GatedRepo"})
        elif files is None:
            self._send(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
        elif revision not in (None, "main", self.hub.commit(repo)):
            self._send(404, {"error": "Invalid rev id"}, {"X-Error-Code": "RevisionNotFound"})
        else:
            siblings = [self._sibling(path, data) for path, data in files.items()]
            card = {"license": "other", "license_name": "loopback-license"}
            self._send(200, {"id": repo, "sha": self.hub.commit(repo), "siblings": siblings, "cardData": card})

    def hf_tree(self, repo: str, revision: str) -> None:
        """The listing that the library's own snapshot download asks for."""
        entries = [
            {"type": "file", "path": path, "size": len(data), "oid": git_blob(data), "lfs": self._lfs(data)}
            for path, data in self.hub.repositories[repo].items()
        ]
        self._send(200, [entry if entry["path"].endswith(LARGE) else {**entry, "lfs": None} for entry in entries])

    def hf_file(self, repo: str, revision: str, path: str) -> None:
        data = self.hub.repositories.get(repo, {}).get(path)
        if data is None:
            self._send(404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"})
            return
        commit = {"X-Repo-Commit": self.hub.commit(repo)}
        if path.endswith(LARGE):
            linked = {"X-Linked-Size": str(len(data)), "X-Linked-ETag": f'"{sha256(data)}"'}
            self._send(302, {}, {**commit, **linked, "Location": f"{self.hub.elsewhere}/cdn/{sha256(data)}"})
        else:
            self._content(path, data, {**commit, "ETag": f'"{git_blob(data)}"'})

    def cdn(self, etag: str) -> None:
        path, data = self.hub.content(etag)
        self._content(path, data, {"ETag": f'"{etag}"'})

    def modelscope_files(self, repo: str, query: dict[str, str]) -> None:
        files = self.hub.repositories.get(repo)
        if files is None:
            self._send(404, {"Code": 10010205001, "Success": False, "Message": "no such model"})
            return
        entries = [
            {"Path": path, "Name": Path(path).name, "Size": len(data), "Sha256": sha256(data), "Type": "blob"}
            for path, data in files.items()
        ]
        self._send(200, {"Code": 200, "Success": True, "Data": {"Files": entries}})

    def modelscope_file(self, repo: str, query: dict[str, str]) -> None:
        path = query["FilePath"]
        self._content(path, self.hub.repositories[repo][path], {})

    def _sibling(self, path: str, data: bytes) -> dict[str, Any]:
        entry = {"rfilename": path, "size": len(data), "blobId": git_blob(data)}
        return entry | ({"lfs": self._lfs(data)} if path.endswith(LARGE) else {})

    def _lfs(self, data: bytes) -> dict[str, Any]:
        return {"sha256": sha256(data), "oid": sha256(data), "size": len(data), "pointerSize": 134}

    def _content(self, path: str, data: bytes, headers: dict[str, str]) -> None:
        start = int(found[1]) if (found := re.match(r"bytes=(\d+)-", self.headers.get("Range", ""))) else 0
        if start >= len(data) > 0:
            self._send(416, {}, {"Content-Range": f"bytes */{len(data)}"})
            return
        ranged = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
        self.send_response(206 if start else 200)
        for name, value in {**headers, **ranged, "Accept-Ranges": "bytes"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data) - start))
        self.end_headers()
        if self.command != "HEAD":
            self._body(path, data, start)

    def _body(self, path: str, data: bytes, start: int) -> None:
        hub = self.hub
        hub.asked[path] += 1
        if path in hub.damaged:
            hub.damaged.discard(path)
            data = data[:-1] + bytes([data[-1] ^ 1])
        end = start + hub.cuts[path].pop(0) if hub.cuts.get(path) else len(data)
        step = 16384
        for place in range(start, min(end, len(data)), step):
            piece = data[place : min(place + step, end)]
            self.wfile.write(piece)
            hub.served[path] += len(piece)
            if hub.bytes_per_second:
                time.sleep(len(piece) / hub.bytes_per_second)
        if end < len(data):
            self._hang_up()

    def _hang_up(self) -> None:
        """End in the middle, as a broken line does."""
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def _send(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


ROUTES = {
    r"/api/v1/models/([^/]+/[^/]+)/repo/files": Answer.modelscope_files,
    r"/api/v1/models/([^/]+/[^/]+)/repo": Answer.modelscope_file,
    r"/api/models/([^/]+/[^/]+)/tree/([^/]+)": Answer.hf_tree,
    r"/api/models/([^/]+/[^/]+?)(?:/revision/(.+))?": Answer.hf_info,
    r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)": Answer.hf_file,
    r"/cdn/([0-9a-f]{64})": Answer.cdn,
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args: Any) -> None:
        """A client that hung up is what tests are about."""


@contextmanager
def serve(hub: LoopbackHub) -> Iterator[LoopbackHub]:
    """The hub, reachable at its `address` until the block ends."""
    server = _Server(("127.0.0.1", 0), type("Handler", (Answer,), {"hub": hub}))
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()

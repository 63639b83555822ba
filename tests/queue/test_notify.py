from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from skyreels_cli.queue import leases
from skyreels_cli.queue.job import Job
from skyreels_cli.queue.notify import Notifier, terminal_alert
from skyreels_cli.queue.store import Store

from .conftest import film, new_job


@pytest.fixture
def ended(store: Store, films: Path) -> dict[str, Job]:
    """A job that succeeded, one that failed, one that was put back."""
    owner = leases.register(store, "cpu")
    for number, prompt in enumerate(("a; echo 'b' $HOME", "two", "three")):
        store.add(new_job(films / f"{number}.mp4", prompt))
        leases.claim(store, owner)
    leases.succeed(store, owner, 1, None, {"output": "x"}, film(1))
    leases.fail(store, owner, 2, None, {"code": "internal", "message": "it broke", "hint": None, "exit_code": 1})
    leases.release(store, owner, 3, None)
    return {job.state: store.job(job.id) for job in store.jobs()}


@pytest.fixture
def complaints() -> list[str]:
    return []


def tell(notifier: Notifier, *jobs: Job) -> None:
    for job in jobs:
        notifier.job_ended(job)
    notifier.wait(20)


def test_commands_get_the_job_in_variables_and_as_json(
    ended: dict[str, Job], complaints: list[str], tmp_path: Path
) -> None:
    said, stdin = tmp_path / "said", tmp_path / "stdin"
    finished = f'echo "$SKYREELS_JOB|$SKYREELS_STATE|$SKYREELS_PROMPT|$SKYREELS_OUTPUT" >> {said}; cat > {stdin}'
    failed = f'echo "$SKYREELS_JOB|$SKYREELS_STATE|$SKYREELS_ERROR" >> {said}'
    tell(Notifier(complaints.append, finished, failed), *ended.values())
    good, bad = ended["succeeded"], ended["failed"]
    assert sorted(said.read_text().splitlines()) == sorted(
        [
            f"1|succeeded|a; echo 'b' $HOME|{good.output}",
            f"{bad.id}|failed|it broke",
        ]
    )
    message = json.loads(stdin.read_text())
    assert (message["skyreels"], message["event"], message["job"]["id"]) == (1, "job_succeeded", 1)
    assert complaints == []


def test_a_command_that_fails_costs_one_line(ended: dict[str, Job], complaints: list[str]) -> None:
    tell(Notifier(complaints.append, "exit 3"), ended["succeeded"])
    (complaint,) = complaints
    assert complaint.startswith("the hook for job 1 did not work")
    assert "exit status 3" in complaint


@pytest.fixture
def server() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A web server on this machine and what was posted to it."""
    posted: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append({"path": self.path, "type": self.headers["Content-Type"], **json.loads(body)})
            self.send_response(204 if self.path == "/hook" else 500)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    http = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{http.server_port}", posted
    http.shutdown()
    http.server_close()


def test_webhooks_get_the_job(
    ended: dict[str, Job], complaints: list[str], server: tuple[str, list[dict[str, Any]]]
) -> None:
    url, posted = server
    tell(Notifier(complaints.append, webhook=f"{url}/hook"), *ended.values())
    found = {post["event"]: post for post in posted}
    assert set(found) == {"job_succeeded", "job_failed"}
    assert found["job_failed"]["job"]["error"]["message"] == "it broke"
    assert {post["type"] for post in posted} == {"application/json"}
    assert complaints == []


def test_a_webhook_that_is_down_costs_one_line(
    ended: dict[str, Job], complaints: list[str], server: tuple[str, list[dict[str, Any]]]
) -> None:
    tell(Notifier(complaints.append, webhook=f"{server[0]}/broken"), ended["succeeded"])
    tell(Notifier(complaints.append, webhook="http://127.0.0.1:9"), ended["succeeded"])
    assert [text.startswith("the webhook for job 1 did not work") for text in complaints] == [True, True]


def test_the_terminal_is_alerted_without_smuggled_control_characters() -> None:
    assert terminal_alert("job 1\x1b[2J\x07 done") == "\033]9;job 1[2J done\033\\\a"

"""What can go wrong with a hub, as one of our errors that says what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from skyreels_cli.errors import RetryableError, SkyreelsError, UsageError, did_you_mean, first_line
from skyreels_cli.hub.catalogue import RELEASES
from skyreels_cli.hub.download.wanted import TITLES, Fetch
from skyreels_cli.hub.entry import SourceName

LOGIN: dict[SourceName, str] = {"hf": "hf auth login", "modelscope": "modelscope login --token TOKEN"}
NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
CHANGED = {"RevisionNotFoundError", "EntryNotFoundError", "RemoteEntryNotFoundError"}
ABSENT = {"RepositoryNotFoundError", "HFValidationError", "NotExistError", "NotFoundError"}
REFUSED = {"AuthenticationError", "PermissionDeniedError"}
"""Classes of both clients, by name, so that neither need be imported."""

SERVER_ERRORS = range(500, 600)


@contextmanager
def hub_failures(want: Fetch) -> Iterator[None]:
    """Raise the errors of a hub's client, and of the disk, as ours."""
    try:
        yield
    except SkyreelsError:
        raise
    except Exception as error:
        raise as_error(error, want) from error


def as_error(error: Exception, want: Fetch) -> SkyreelsError:
    """The error to report for an exception of a client; those that are worth another try are RetryableError."""
    if isinstance(error, SkyreelsError):
        return error
    names, status = {kind.__name__ for kind in type(error).__mro__}, status_of(error)
    if isinstance(error, OSError) and error.errno in NO_SPACE:
        message = f"{want.repo} could not be stored: {error.strerror}; what has arrived is kept"
        return SkyreelsError("disk-full", message, f"make room (skyreels models list), then again: {want.command}")
    if "LocalEntryNotFoundError" in names:  # the library's word for a hub that it cannot reach
        return _passing(error, want, status)
    return _refused(names, status, error, want) or _passing(error, want, status)


def _refused(names: set[str], status: int | None, error: Exception, want: Fetch) -> SkyreelsError | None:
    """The error for a refusal that no other attempt would change; None if it is none."""
    hub, repo, again = TITLES[want.source], want.repo, want.command
    login = f"{LOGIN[want.source]}, then: {again}"
    if "OfflineModeIsEnabled" in names:
        return UsageError("offline", f"{repo} cannot be fetched: HF_HUB_OFFLINE is set", f"HF_HUB_OFFLINE=0 {again}")
    if "GatedRepoError" in names:
        message = f"{repo} is gated: its owner must grant you access at https://huggingface.co/{repo}"
        return UsageError("model-gated", message, login)
    if names & CHANGED:
        return UsageError("model-changed", f"{repo} has changed on {hub}: {first_line(error)}", again)
    if names & ABSENT or status == 404:
        near = did_you_mean(repo, (name for release in RELEASES for name in release.repositories))
        message = f"there is no model {repo} on {hub}, or it is private{near}"
        return UsageError("model-not-found", message, login)
    if status in (401, 403) or names & REFUSED:
        return UsageError("model-forbidden", f"{hub} does not let you have {repo}: {first_line(error)}", login)
    return None


def _passing(error: Exception, want: Fetch, status: int | None) -> SkyreelsError:
    """The error for a failure that may be over in a while, or is this machine's disk's."""
    source, repo, again = want.source, want.repo, want.command
    if status == 429:
        message = f"{TITLES[source]} has had too many requests from here"
        return RetryableError("rate-limited", message, f"wait some minutes or log in ({LOGIN[source]}), then: {again}")
    if status in SERVER_ERRORS:
        message = f"{TITLES[source]} fails with status {status}"
        return RetryableError("network", message, f"wait a while, then: {again}")
    if isinstance(error, OSError) and error.errno is not None and not _is_connection(error):
        return SkyreelsError("download-failed", f"{repo} could not be stored: {error}", f"then again: {again}")
    message = f"{repo} could not be fetched from {TITLES[source]}: {first_line(error)}"
    return RetryableError("network", message, _way_round(source, again))


def _way_round(source: SourceName, again: str) -> str:
    from urllib.request import getproxies

    proxies = getproxies()
    if proxy := proxies.get("https") or proxies.get("http"):
        return f"is the proxy {_without_password(proxy)} right (HTTPS_PROXY)? then: {again}"
    mirror = "HF_ENDPOINT=https://MIRROR " if source == "hf" else ""
    return f"check the network, or take a mirror: {mirror}{again}"


def _without_password(proxy: str) -> str:
    return proxy.rpartition("@")[2]


def _is_connection(error: BaseException) -> bool:
    return isinstance(error, ConnectionError | TimeoutError) or hasattr(error, "request")


def status_of(error: BaseException) -> int | None:
    """The status of the response behind an exception, if there was one."""
    status = getattr(getattr(error, "response", None), "status_code", None) or getattr(error, "status_code", None)
    return status if isinstance(status, int) else None

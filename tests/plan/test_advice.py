"""What is advised for machines of many sizes, and our memory figures beside the reference's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from skyreels_cli.hub.catalogue import RELEASES
from skyreels_cli.plan.advice import advise, best
from skyreels_cli.plan.machine import Machine
from skyreels_cli.plan.reference import reference_peak

ADVICE = {
    8: ("df-1.3b-540p", "model", "bfloat16"),
    12: ("df-1.3b-540p", "model", "bfloat16"),
    24: ("df-14b-540p", "stream", "float32"),
    48: ("df-14b-540p", "none", "float32"),
    80: ("df-14b-540p", "none", "float32"),
}


@pytest.mark.parametrize("gigabytes", ADVICE)
def test_the_model_to_begin_with_on_a_card(gigabytes: int) -> None:
    chosen = best(advise(Machine.with_gpu(gigabytes * 1e9)))
    assert chosen is not None
    assert (chosen.model, chosen.offload, chosen.vae) == ADVICE[gigabytes]
    assert chosen.options == f"--model {chosen.model}", "the rest is chosen when a film is planned"


def test_a_mac_with_32_gb_and_a_bare_laptop() -> None:
    mac = best(advise(Machine.mac(32e9)))
    assert mac is not None
    assert (mac.model, mac.offload, mac.storage) == ("df-1.3b-540p", "none", "file")
    assert best(advise(Machine.cpu(4, 16e9))) is None


@pytest.mark.parametrize("gigabytes", ADVICE)
def test_advice_fits_and_a_larger_card_never_gets_worse_advice(gigabytes: int) -> None:
    machine = Machine.with_gpu(gigabytes * 1e9)
    larger = {each.model: each for each in advise(Machine.with_gpu(2 * gigabytes * 1e9))}
    for each in advise(machine):
        if each.fits:
            assert machine.holds(each.device_peak, each.host_peak)
            assert larger[each.model].fits
            assert SIZES.index(larger[each.model].resolution) <= SIZES.index(each.resolution)


def test_a_known_card_is_known_by_its_name() -> None:
    assert Machine.with_card("NVIDIA GeForce RTX 3090", 25.4e9, 64e9).rate == 28e12
    assert Machine.with_card("NVIDIA H100 80GB HBM3", 85e9, 256e9).rate == 400e12


SIZES = ("720P", "540P", "640x368", "480x272")
STATED = {"df-1.3b-540p": 14.7, "df-14b-540p": 51.2, "t2v-14b-540p": 43.4, "i2v-14b-540p": 43.4, "i2v-1.3b-540p": 14.7}


@pytest.mark.parametrize("release", [r for r in RELEASES if r.alias in STATED], ids=lambda release: release.alias)
def test_memory_beside_the_reference_s(release) -> None:  # type: ignore[no-untyped-def] # noqa: ANN001
    """The reference expands 6 vectors for each of 51,000 tokens in float32, twice; here they are per latent frame."""
    peak = reference_peak(release)
    assert peak is not None
    assert peak["stated_bytes"] == STATED[release.alias] * 1e9
    width = 1536 if "1.3b" in release.alias else 5120
    assert peak["modulation_bytes"] == 2 * 6 * 51_000 * width * 4
    assert peak["ours_bytes"]["offload_model"] < peak["stated_bytes"]


def test_where_nothing_is_stated() -> None:
    assert all(reference_peak(release) is None for release in RELEASES if release.native == "720P")


def test_every_release_is_planned_without_network_and_without_torch(tmp_path: Path) -> None:
    picture = Path(__file__).parents[1] / "golden" / "first.png"
    code = f"""
import socket, sys
def no_network(*args, **options): raise AssertionError("the network was asked")
socket.socket.connect = socket.create_connection = no_network
from skyreels_cli.cli.main import main
for alias in {[release.alias for release in RELEASES]!r}:
    image = ["--image", {str(picture)!r}] if alias.startswith("i2v") else []
    assert main(["generate", "x", "--model", alias, "--dry-run", "-q", *image]) == 0, alias
assert not {{"torch", "diffusers", "transformers"}} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2], stdout=subprocess.DEVNULL)

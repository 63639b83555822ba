"""The suite of videos with the lowest and the newest libraries that pyproject.toml allows.

    python tests/media/try_versions.py [--output tests/media/versions.txt]

Each pair is installed into a folder of its own, which goes before everything else on the path.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PAIRS = [("18.1.0", "0.6.0"), ("18.1.0", "0.8.1")]
"""av, imageio-ffmpeg."""
SUITE = ("tests/media", "tests/film/test_given_videos.py")
ROOT = Path(__file__).parents[2]


def try_pair(av: str, program: str) -> str:
    """Install, run, and say in a few lines what came out."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder]
        subprocess.run([*pip, f"av=={av}", f"imageio-ffmpeg=={program}"], check=True, stderr=subprocess.DEVNULL)
        surroundings = os.environ | {"PYTHONPATH": folder, "OMP_NUM_THREADS": "1"}
        versions = (
            "import av, imageio_ffmpeg as f; print(av.__version__, av.ffmpeg_version_info, f.get_ffmpeg_version())"
        )
        asked = [sys.executable, "-c", versions]
        found = subprocess.run(asked, env=surroundings, capture_output=True, text=True, check=True)
        suite = [sys.executable, "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider", *SUITE]
        ran = subprocess.run(suite, env=surroundings, capture_output=True, text=True, check=False, cwd=ROOT)
    kept = [line for line in ran.stdout.splitlines() if line.startswith(("FAILED", "ERROR")) or " passed" in line]
    return "\n  ".join([f"av {av}, imageio-ffmpeg {program}", found.stdout.strip(), *kept])


def main() -> None:
    """Try all pairs, print, and keep the result if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    text = "\n".join(try_pair(*pair) for pair in PAIRS) + "\n"
    print(text)
    if arguments.output:
        arguments.output.write_text(text)


if __name__ == "__main__":
    main()

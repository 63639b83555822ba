"""How new frames must be encoded to follow a given stream without it being encoded again."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from skyreels_cli.media.codecs import ENCODERS, coding_arguments
from skyreels_cli.media.footage import Colour, Footage
from skyreels_cli.media.reader import EXACT_COLOUR

MILLISECONDS = Fraction(1, 1000)
"""Matroska's unit of time; elsewhere a track chooses its own."""
PROFILES = {"Constrained Baseline": "baseline", "Baseline": "baseline", "Main": "main", "High": "high"}
TURN_BACK = {0: [], 90: ["transpose=cclock"], 180: ["hflip", "vflip"], 270: ["transpose=clock"]}
"""From upright to the orientation in which frames are coded, by the rotation (clockwise) that players apply."""


def can_be_followed(footage: Footage, codec: str) -> bool:
    """Whether new frames of this codec may be appended as they are; a trial join has the last word."""
    return footage.codec == codec and codec in ENCODERS and footage.rotation in TURN_BACK


def following_suffix(footage: Footage) -> str:
    """The container for pieces that follow: the one that can count time as the stream does."""
    return ".mkv" if footage.times.time_base == MILLISECONDS else ".mp4"


def following_options(footage: Footage, film: tuple[int, int], inner: tuple[int, int], quality: float) -> list[str]:
    """ffmpeg's output options, from RGB frames of the film to coded frames like the footage's.

    Of each frame, whose size is `film`, the centre of size `inner` is the picture; it gets the footage's size.
    """
    width, height = footage.facts.width, footage.facts.height
    left, top = ((outside - inside) // 2 for outside, inside in zip(film, inner, strict=True))
    picture = [
        f"crop={inner[0]}:{inner[1]}:{left}:{top}",
        f"scale={width}:{height}:flags=lanczos+{EXACT_COLOUR}",
        *TURN_BACK[footage.rotation],
        code_colour(footage.colour, footage.facts.pix_fmt),
        f"setsar={footage.pixel_aspect.numerator}/{footage.pixel_aspect.denominator}",
    ]
    coding = [*coding_arguments(footage.codec, quality), *_stream_options(footage)]
    if following_suffix(footage) == ".mp4":
        coding += ["-video_track_timescale", str(footage.times.time_base.denominator)]
    return ["-vf", ",".join(picture), *coding]


def reencoding_options(footage: Footage, codec: str, quality: float) -> list[str]:
    """ffmpeg's output options to encode the whole footage once more, upright, so that new frames can follow it.

    ffv1 loses nothing; the others become 4:2:0, which needs even sides: an odd row or column is cut off.
    """
    colour = footage.colour
    lossless = codec == "ffv1"
    if not lossless and not footage.facts.pix_fmt.startswith("yuv"):
        colour = Colour("tv", "bt709", "bt709", "bt709")
    steps = [f"settb={1 / footage.fps}", "setpts=N"]
    if not lossless:
        steps += ["crop=trunc(iw/2)*2:trunc(ih/2)*2", code_colour(colour, "yuv420p")]
    return ["-vf", ",".join(steps), *coding_arguments(codec, quality), "-fps_mode", "passthrough"]


def code_colour(colour: Colour, pix_fmt: str) -> str:
    """Filters that convert to a pixel format and tag what was done."""
    return (
        f"scale=out_color_matrix={colour.swscale_matrix}:out_range={colour.range}:flags=lanczos+{EXACT_COLOUR},"
        f"format={pix_fmt.replace('yuvj', 'yuv')},setparams=range={colour.range}:colorspace={colour.matrix}"
        f":color_primaries={colour.primaries}:color_trc={colour.transfer}"
    )


def _stream_options(footage: Footage) -> Sequence[str]:
    """The profile, and B-frames that are decoded no earlier than those of the footage, or times would collide."""
    flat = ["-bf", "0"] if footage.times.delay == 0 else []
    if footage.codec == "h264":
        profile = PROFILES.get(footage.profile)
        pyramid = ["-x264-params", "b-pyramid=none"] if footage.times.delay == 1 else []
        return [*flat, *pyramid, *(["-profile:v", profile] if profile else [])]
    if footage.codec == "h265":
        # Headers in the stream: they need not be those of the footage.
        parameters = "log-level=error:repeat-headers=1" + (":b-pyramid=0" if footage.times.delay == 1 else "")
        return [*flat, "-x265-params", parameters]
    return []

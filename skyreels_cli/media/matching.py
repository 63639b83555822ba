"""How new frames must be encoded to follow a given stream without it being encoded again."""

from __future__ import annotations

from pathlib import Path

from skyreels_cli.media.codecs import BT709, ENCODERS, Coding, converted, encoder_options
from skyreels_cli.media.encoder import VideoEncoder
from skyreels_cli.media.filters import EXACT
from skyreels_cli.media.reader import decoded, opaque
from skyreels_cli.media.video import Colour, Orientation, Video

LOSSLESS_FORMATS = ("bgr0", "gray", *(f"yuv{s}p{depth}" for s in (420, 422, 444) for depth in ("", "10le", "12le")))
"""What ffv1 codes as it is; all else becomes RGB."""
DEEP = ("p10", "p12", "p14", "p16")
PROFILES = {"Constrained Baseline": "baseline", "Baseline": "baseline", "Main": "main", "High": "high"}


def can_be_followed(video: Video, codec: str) -> bool:
    """Whether new frames of this codec may be appended as they are; a trial join has the last word."""
    return video.codec == codec and codec in ENCODERS and video.counted


def following_coding(video: Video, film: tuple[int, int], inner: tuple[int, int], quality: float) -> Coding:
    """From RGB frames of the film to coded frames like the video's.

    Of each frame, whose size is `film`, the centre of size `inner` is the picture; it gets the video's size.
    """
    left, top = ((outside - inside) // 2 for outside, inside in zip(film, inner, strict=True))
    turned = video.orientation.transposed
    width, height = (video.height, video.width) if turned else (video.width, video.height)
    picture = [
        f"crop={inner[0]}:{inner[1]}:{left}:{top}",
        f"scale={width}:{height}:{EXACT}",
        *_turned_back(video.orientation),
        *converted(video.colour, video.pix_fmt),
    ]
    options = encoder_options(video.codec, quality) | _stream_options(video)
    return Coding(video.codec, options, tuple(picture), video.pix_fmt, video.colour, video.pixel_aspect)


def reencode(video: Video, path: Path, codec: str, quality: float) -> None:
    """Encode a video's pictures once more, as they are coded, into a stream that new frames can follow.

    ffv1 loses nothing; the others become 4:2:0, which needs even sides: an odd row or column is cut off.
    """
    coding, times = _once_more(video, codec, quality), video.times
    with VideoEncoder(path, width=video.width, height=video.height, fps=video.fps, coding=coding) as encoder:
        number = -1
        for index, frame in enumerate(opaque(decoded(video.path))):
            since = times.seconds(min(index, video.frames - 1)) - times.seconds(0)
            number = max(number + 1, round(since * video.fps))  # where frames were dropped, the sound waits too
            encoder.write_frame(frame, number)


def _once_more(video: Video, codec: str, quality: float) -> Coding:
    """Upright and progressive; with the colours and, where the codec can, the depth that the video has."""
    read = f"in_color_matrix={video.colour.swscale_matrix}:in_range={video.colour.swscale_range}"
    filters = ["bwdif=mode=send_frame:deint=interlaced"] if video.interlaced else []
    orientation, aspect = video.orientation, video.pixel_aspect
    filters += ["transpose=cclock_flip"] if orientation.transposed else []
    filters += [*(["hflip"] if orientation.mirrored else []), *(["vflip"] if orientation.flipped else [])]
    if codec == "ffv1":
        pix_fmt = video.pix_fmt if video.pix_fmt in LOSSLESS_FORMATS else "bgr0"
        colour = video.colour if pix_fmt == video.pix_fmt else Colour(full_range=True)
    else:
        pix_fmt = "yuv420p10le" if any(depth in video.pix_fmt for depth in DEEP) else "yuv420p"
        colour = video.colour if video.pix_fmt.startswith("yuv") else BT709
        filters.append("crop=trunc(iw/2)*2:trunc(ih/2)*2")
    if pix_fmt != video.pix_fmt:
        written = f"out_color_matrix={colour.swscale_matrix}:out_range={colour.swscale_range}"
        filters += [f"scale={read}:{written}:{EXACT}", f"format={pix_fmt}"]
    aspect = 1 / aspect if aspect and orientation.transposed else aspect
    return Coding(codec, encoder_options(codec, quality), tuple(filters), pix_fmt, colour, aspect)


def _turned_back(orientation: Orientation) -> list[str]:
    """Filters from upright frames to those that players turn."""
    swapped = ["transpose=cclock_flip"] if orientation.transposed else []
    return [*(["hflip"] if orientation.mirrored else []), *(["vflip"] if orientation.flipped else []), *swapped]


def _stream_options(video: Video) -> dict[str, str]:
    """The profile, and no frames that refer further ahead than those of the video, for which players make room."""
    flat = {"bf": "0"} if video.times.delay == 0 else {}
    pyramid = video.times.delay == 1
    if video.codec == "h264":
        profile = PROFILES.get(video.profile)
        shallow = {"x264-params": "b-pyramid=none"} if pyramid else {}
        return flat | shallow | ({"profile": profile} if profile else {})
    if video.codec == "h265":
        return flat | {"x265-params": "log-level=error:repeat-headers=1" + (":b-pyramid=0" if pyramid else "")}
    return {}

"""What comes along with a video's pictures when it is copied: sound, subtitles, cover, attachments, chapters, tags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Self

import av
from av import Packet
from av.container import InputContainer, OutputContainer
from av.stream import Disposition, Stream

from skyreels_cli.media.video import Video, opened

COPIED = ("audio", "subtitle", "attachment")
COVERS = {"mjpeg": ("cover.jpg", "image/jpeg"), "png": ("cover.png", "image/png")}
WITH_COVERS = ("mp4", "mov")


def misfits(video: Path, output: Path, kinds: Sequence[str]) -> list[str]:
    """What comes with a video and the container of `output` cannot hold, of these kinds: `subtitle (subrip)`."""
    with opened(video) as source, av.open(f"file:{output}", "w") as unwritten:  # no file before its first packet
        return [_words(s) for s in source.streams if s.type in kinds and not _is_cover(s) and not _fits(s, unwritten)]


def _words(stream: Stream) -> str:
    return f"{stream.type} ({stream.metadata.get('filename') or stream.name or 'unknown'})"


def _fits(stream: Stream, film: OutputContainer) -> bool:
    if stream.type == "attachment":
        return film.format.name == "matroska"
    return stream.codec_context is not None and stream.codec_context.codec.name in film.supported_codecs


def _is_cover(stream: Stream) -> bool:
    return bool(stream.disposition & Disposition.attached_pic)


class Companions:
    """The streams of a video other than its pictures, on their way into another file."""

    def __init__(self, source: InputContainer, film: OutputContainer, shift: Fraction) -> None:
        self._source, self._film, self._shift = source, film, shift
        self._streams: dict[int, Stream] = {}
        film.metadata.update(source.metadata)
        film.set_chapters(source.chapters())
        for stream in source.streams:
            if _is_cover(stream):
                self._add_cover(stream)
            elif stream.type in COPIED and _fits(stream, film):
                self._add(stream)

    @classmethod
    @contextmanager
    def of(cls, video: Video, film: OutputContainer) -> Iterator[Self]:
        """Those of a video, as long as its file is open."""
        with opened(video.path) as source:
            yield cls(source, film, -video.start)

    def packets(self) -> Iterator[Packet[Stream]]:
        """Yield their packets as they are, later by as much as the pictures are."""
        if not self._streams:
            return
        for packet in self._source.demux([self._source.streams[index] for index in self._streams]):
            if not packet.size:
                continue
            shift = round(self._shift / packet.time_base)
            for name in ("pts", "dts"):
                if (tick := getattr(packet, name)) is not None:
                    setattr(packet, name, tick + shift)
            packet.dts = packet.pts if packet.dts is None else packet.dts
            packet.stream = self._streams[packet.stream_index]
            yield packet

    def _add(self, stream: Stream) -> None:
        copy = self._film.add_stream_from_template(stream, opaque=True)
        copy.metadata.update(stream.metadata)
        copy.disposition = stream.disposition
        if stream.type != "attachment":
            self._streams[stream.index] = copy

    def _add_cover(self, stream: Stream) -> None:
        """Tag the film with a picture: in mp4 it is a stream of a kind of its own, in Matroska an attachment."""
        if self._film.format.name in WITH_COVERS:
            self._add(stream)
        elif self._film.format.name == "matroska" and stream.codec_context.name in COVERS:
            with opened(Path(self._source.name.removeprefix("file:"))) as again:
                picture = next(packet for packet in again.demux(again.streams[stream.index]) if packet.size)
                self._film.add_attachment(*COVERS[stream.codec_context.name], bytes(picture))

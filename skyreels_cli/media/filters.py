"""A chain of FFmpeg's filters that decoded frames go through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from av import VideoFrame
from av.filter import Graph

EXACT = "flags=lanczos+accurate_rnd+full_chroma_int+full_chroma_inp"
"""How frames are scaled and their colours converted."""


class FilterChain:
    """Filters in FFmpeg's notation (`scale=80:48`), built anew whenever the frames' size or format changes."""

    def __init__(self, filters: Sequence[str]) -> None:
        self._filters = filters
        self._graph: Graph | None = None
        self._shape: tuple[int, int, str] | None = None

    def push(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """Yield what comes out once this frame is in."""
        shape = frame.width, frame.height, frame.format.name
        if shape != self._shape:
            yield from self.end()
            self._graph, self._shape = self._built(frame), shape
        assert self._graph is not None
        self._graph.vpush(frame)
        yield from self._ready()

    def end(self) -> Iterator[VideoFrame]:
        """Yield what filters that look ahead still hold."""
        if self._graph:
            self._graph.vpush(None)
            yield from self._ready()

    def over(self, frames: Iterable[VideoFrame]) -> Iterator[VideoFrame]:
        """Yield what comes out for all of these frames."""
        for frame in frames:
            yield from self.push(frame)
        yield from self.end()

    def _ready(self) -> Iterator[VideoFrame]:
        assert self._graph is not None
        while True:
            try:
                yield self._graph.vpull()
            except (BlockingIOError, EOFError):
                return

    def _built(self, frame: VideoFrame) -> Graph:
        graph = Graph()
        source = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
        )
        nodes = [graph.add(name, arguments or None) for name, _, arguments in (f.partition("=") for f in self._filters)]
        graph.link_nodes(source, *nodes, graph.add("buffersink")).configure()
        return graph

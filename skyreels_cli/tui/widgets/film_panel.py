"""The film that is being rendered: windows, noise levels, steps, times, and drift of its look."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from textual.content import Content

from skyreels_cli.media.drawing import bar, curve, noise_wave, windows_strip
from skyreels_cli.output import byte_size, clock, frame_range
from skyreels_cli.queue.degrade import describe
from skyreels_cli.queue.job import Job
from skyreels_cli.tui.view import View
from skyreels_cli.tui.widgets.changing_lines import ChangingLines

WAVE_ROWS = 4
TALL = 12
"""Lines from which on the wave and the drift get several."""
DRIFTS = ("luma", "saturation", "contrast", "sharpness")
# A change of the look by less than this (of a range of 1) is not seen: it shall not look like one in the curve either.
UNSEEN_DRIFT = 0.01


class FilmPanel(ChangingLines):
    """Draws `Job.progress` of the running job."""

    def __init__(self, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self.border_title = "film"
        self._job: Job | None = None
        self._orphan = False

    def show(self, view: View) -> None:
        """Draw the running job of a reading."""
        orphan = view.film is not None and view.is_orphan(view.film)
        if (view.film, orphan) != (self._job, self._orphan):
            self._job, self._orphan = view.film, orphan
            self._draw()

    def on_mount(self) -> None:
        """Show that nothing is rendered yet."""
        self._draw()

    def on_resize(self) -> None:
        """Redraw, as the strips depend on the width."""
        self._draw()

    def _draw(self) -> None:
        job = self._job
        title = f"film {job.id}" if job else "film"
        if title != self.border_title:  # a title draws everything anew
            self.border_title = title
        if job is None:
            self.draw([Content.styled("nothing is being rendered", "$foreground-muted")])
        else:
            self.draw(self._told(job, job.progress))

    def _told(self, job: Job, progress: dict[str, Any]) -> Iterator[Content]:
        yield Content.styled(" ".join(job.prompt.split())[: max(self.size.width, 1)], "bold")
        if self._orphan:
            yield Content.styled("its worker has died; the next one goes on where it stopped", "$text-warning")
        elif job.request:
            yield Content.styled(f"{job.request} asked: it stops after this step", "$text-warning")
        if progress.get("windows"):
            yield self._windows(progress)
            yield from self._noise(progress)
            yield self._steps(progress)
        if progress:
            yield Content(_left(progress))
        yield Content(_facts(job, progress))
        yield from self._drifts(progress)

    def _windows(self, progress: dict[str, Any]) -> Content:
        window, windows = progress["window"], progress["windows"]
        done = window - 1 + progress["step"] / max(progress["steps"], 1)
        before, now, after = windows_strip(windows, done, max(8, self.size.width - 22))
        strip = ((before, "$success"), (now, "$warning"), (after, "$foreground-disabled"))
        return Content.assemble("windows ", *strip, f" {window} of {windows}")

    def _noise(self, progress: dict[str, Any]) -> Iterator[Content]:
        """Noise level of each latent frame; in async mode low levels spread from left to right."""
        noise = progress["noise"]
        rows = WAVE_ROWS if self.size.height >= TALL else 1
        wave = noise_wave(noise, max(8, self.size.width - 26), rows)
        for number, line in enumerate(wave):
            is_last = number == rows - 1
            said = f" {len(noise)} latent frames" if is_last and noise else ""
            yield Content.assemble("noise   " if is_last else " " * 8, (line, "$accent"), (said, "$foreground-muted"))

    def _steps(self, progress: dict[str, Any]) -> Content:
        step, steps = progress["step"], progress["steps"]
        if progress["stage"] == "decoding":
            return self._decoding(progress["frames"] - progress["first_frame"], progress["new_frames"])
        pace = progress.get("step_seconds")
        done, to_do = bar(step / max(steps, 1), max(8, self.size.width - 34))
        said = f" {step} of {steps}" + (f", {pace:.3g} s/step" if pace else "")
        return Content.assemble("steps   ", (done, "$primary"), (to_do, "$foreground-disabled"), said)

    def _decoding(self, frames: int, all_frames: int) -> Content:
        done, to_do = bar(frames / max(all_frames, 1), max(8, self.size.width - 34))
        said = f" {frames} of {all_frames} frames"
        return Content.assemble("decode  ", (done, "$primary"), (to_do, "$foreground-disabled"), said)

    def _drifts(self, progress: dict[str, Any]) -> Iterator[Content]:
        """One curve per quality of the look, over the windows that are done; all on one line where lines are few."""
        drifts = [window["drift"] for window in progress.get("windows_done", ()) if window.get("drift")]
        if len(drifts) < 2:
            return
        past = {name: [float(drift[name]) for drift in drifts if name in drift] for name in DRIFTS}
        if self.size.height >= TALL:
            width = max(6, self.size.width - 32)
            yield Content.styled(
                "look    how the windows differ from the first one, in % of full scale", "$foreground-muted"
            )
            for name, values in past.items():
                yield Content(" " * 8) + _drift(values, width, f"{name} {100 * values[-1]:+z.1f}")
        else:
            width = max(3, min((self.size.width - 11) // len(past) - 6, 12))
            line = (_drift(values, width, f"{name[:3]}{round(100 * values[-1]):+}") for name, values in past.items())
            yield Content("drift % ") + Content(" ").join(line)


def _drift(values: list[float], width: int, words: str) -> Content:
    """A curve of differences to the first window, with words behind it."""
    middle, span = (min(values) + max(values)) / 2, max(max(values) - min(values), UNSEEN_DRIFT)
    drawn = curve(values, width, middle - span / 2, middle + span / 2)
    return Content.assemble((drawn, "$primary"), f" {words}")


def _left(progress: dict[str, Any]) -> str:
    window, film = progress.get("window_seconds_left"), progress.get("seconds_left")
    words = [f"window {clock(window)}"] if window is not None else []
    words += [f"film {clock(film)}" if film is not None else "not known before the first step"]
    return f"left    {', '.join(words)}"


def _facts(job: Job, progress: dict[str, Any]) -> str:
    """What is done between steps, the frames of the window, peak memory, and earlier attempts."""
    words = [progress.get("stage") or ("" if progress.get("windows") else "starting")]
    if progress.get("windows"):
        words += [f"{frame_range(progress['first_frame'], progress['new_frames'])} of {progress['total_frames']}"]
    words += [f"peak {byte_size(progress['peak_memory_bytes'])}"] if progress.get("peak_memory_bytes") else []
    words += [f"attempt {job.attempts} of {job.max_attempts}"] if job.attempts > 1 else []
    words += [f"less memory: {describe(step)}" for step in job.degradations[-1:]]
    return "frames  " + "; ".join(word for word in words if word)

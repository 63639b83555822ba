"""The job under the cursor beside the list, where the screen is wide: a frame, facts, plan, recipe, and its log."""

from __future__ import annotations

from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.film.index.frames import last_frame, preview_of, small_frames, telling_frames
from skyreels_cli.media.reader import Frame
from skyreels_cli.media.video import open_video
from skyreels_cli.queue.job import Job
from skyreels_cli.tui.graphics import Graphics
from skyreels_cli.tui.job_text import fact_lines, job_facts, recipe_facts
from skyreels_cli.tui.plan_text import plan_lines
from skyreels_cli.tui.view import View
from skyreels_cli.tui.widgets.log_tail import LogTail
from skyreels_cli.tui.widgets.picture import Picture


class DetailPane(Vertical):
    """Shows `view.detail`; of a finished film one telling frame at a time, between which `step` goes to and fro."""

    class TellingFrame(Message):
        """A frame of the job's film, what it is, and which one of how many."""

        def __init__(self, frame: Frame | None, caption: str = "", place: int = 0) -> None:
            super().__init__()
            self.frame = frame
            self.caption = caption
            self.place = place

    def __init__(self, folder: Path, graphics: Graphics | None = None, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._folder = folder
        self._graphics = graphics
        self._job: Job | None = None
        self._seen: tuple[object, ...] = ()
        self._place = 0

    def compose(self) -> ComposeResult:
        """Lay out the sections."""
        yield Picture(self._graphics, "detail-picture")
        with Horizontal(id="detail-texts"):
            for name in ("facts", "recipe"):
                with VerticalScroll(id=f"detail-{name}"):
                    yield Static()
        with VerticalScroll(id="detail-plan"):
            yield Static()
        yield LogTail(id="detail-log")

    def on_mount(self) -> None:
        """Set the titles; keys stay with the list."""
        for name in ("facts", "plan", "recipe", "log"):
            section = self.query_one(f"#detail-{name}")
            section.border_title = name
            section.can_focus = False

    def show(self, view: View) -> None:
        """Draw the job of a reading."""
        job = view.detail
        if job is None or not self.display:
            return
        if self._job is None or job.id != self._job.id:
            self._place = 0
        if job != self._job:
            self._job = job
            self._write("facts", fact_lines(job_facts(job, dict(view.why).get(job.id, ""))))
            self._write("plan", Content("\n".join(plan_lines(job.plan))))
            self._write("recipe", fact_lines(recipe_facts(job)))
            self.query_one("#detail-facts").border_title = f"job {job.id}"
        self.query_one(LogTail).follow(self._folder / "logs" / f"{job.id}.log")
        self._look(job)

    def step(self, by: int) -> None:
        """Show another frame of a finished film."""
        if self._job and self._job.state == "succeeded":
            self._place += by
            self._look(self._job)

    def _look(self, job: Job) -> None:
        """Read the frame if it is another one, or was written anew."""
        seen = (job.id, self._place, preview_of(job.output_path))
        if seen != self._seen:
            self._seen = seen
            self._read(job.output_path, self._place, finished=job.state == "succeeded")

    @work(thread=True, exclusive=True, group="detail", exit_on_error=False)
    def _read(self, output: Path, place: int, *, finished: bool) -> None:
        try:
            self.post_message(self._telling(output, place) if finished else self._newest(output))
        except (SkyreelsError, OSError, StopIteration):
            self.post_message(self.TellingFrame(None))

    def _telling(self, output: Path, place: int) -> TellingFrame:
        video = open_video(output)
        numbers, captions = telling_frames(video)
        place %= len(numbers)
        frame = next(small_frames(video, [numbers[place]]))
        return self.TellingFrame(frame, f"{captions[place]} of {video.frames}  (, and . step)", place)

    def _newest(self, output: Path) -> TellingFrame:
        preview = preview_of(output)
        return self.TellingFrame(last_frame(preview[0]) if preview else None, "newest frame")

    @on(TellingFrame)
    def show_frame(self, message: TellingFrame) -> None:
        """Draw what was read."""
        picture = self.query_one("#detail-picture", Picture)
        picture.border_title = message.caption or "no frame yet"
        picture.set_class(message.frame is not None, "-there")
        picture.show(message.frame)

    def _write(self, section: str, text: Content) -> None:
        self.query_one(f"#detail-{section}").query_one(Static).update(text)

"""A recipe as a form: for a new job, from a preset if one likes, and for a job that waits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Footer, Input, Label, Select, Static, TextArea

from skyreels_cli.errors import SkyreelsError
from skyreels_cli.order.enhance.enhance import Enhanced, Wish
from skyreels_cli.order.enhance.stage import enhance_alone
from skyreels_cli.queue.job import NewJob
from skyreels_cli.queue.store import Store
from skyreels_cli.recipe.enhancement import Enhancement
from skyreels_cli.recipe.presets.find import list_presets
from skyreels_cli.recipe.sharing.load import load_preset
from skyreels_cli.settings import load_settings
from skyreels_cli.tui.plan_text import plan_lines
from skyreels_cli.tui.proposal import FormStart, field_of, option_fields, propose, start_from
from skyreels_cli.tui.screens.confirm import Confirm
from skyreels_cli.tui.widgets.recipe_fields import RecipeFields, TextField

# Planning takes 5 to 40 ms: once the fingers rest, not at every key.
PAUSE_SECONDS = 0.25


class JobForm(Screen[NewJob]):
    """Shows the plan, or what is wrong, while one types; dismissed with the job to save, or with None.

    `folder` is the queue's, `number` the job that is edited. An empty field is left to the model.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save", id="save", priority=True),
        Binding("ctrl+g", "enhance", "Enhance prompt", id="enhance", priority=True),
        Binding("ctrl+z", "take_back", "Take back", id="take-back", priority=True),
        Binding("escape", "leave", "Leave"),
    ]

    class Loaded(Message):
        """What the form begins with."""

        def __init__(self, start: FormStart) -> None:
            super().__init__()
            self.start = start

    class Proposed(Message):
        """What the fields come to; `to_save` if they were read in order to be saved."""

        def __init__(self, outcome: NewJob | SkyreelsError, *, to_save: bool = False) -> None:
            super().__init__()
            self.outcome = outcome
            self.to_save = to_save

    class Completed(Message):
        """What a prompt enhancer made of the prompt, and the record for the recipe."""

        def __init__(self, text: Enhanced, record: Enhancement | None) -> None:
            super().__init__()
            self.text = text
            self.record = record

    def __init__(self, folder: Path, number: int | None = None) -> None:
        super().__init__()
        self._folder = folder
        self._number = number
        self._start = FormStart({}, {})
        self._timer: Timer | None = None
        self._saving = False
        self._own_prompt: str | None = None

    def compose(self) -> ComposeResult:
        """Lay out the fields, and beside or below them the plan."""
        with Horizontal(id="form"):
            with RecipeFields(id="fields"):
                if self._number is None:
                    names = [
                        (f"{preset.name}: {preset.title or preset.description}", preset.name)
                        for preset in self._presets()
                    ]
                    with Horizontal(classes="field"):
                        yield Label("preset")
                        yield Select(names, prompt="none", id="preset", compact=True)
            with VerticalScroll(id="proposal", can_focus=False):
                yield Static(id="proposal-text")
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Read what the form begins with."""
        self.query_one("#fields").border_title = f"job {self._number}" if self._number else "a new job"
        self.query_one("#proposal").border_title = "plan"
        self.query_one("#prompt").focus()
        self._load(None)

    @on(Select.Changed, "#preset")
    def take_preset(self, event: Select.Changed) -> None:
        """Begin anew from a preset."""
        if event.value is not Select.NULL:
            self._load(str(event.value))

    @work(thread=True, exclusive=True, group="load", exit_on_error=False)
    def _load(self, preset: str | None) -> None:
        try:
            self.post_message(self.Loaded(self._start_of(preset)))
        except SkyreelsError as error:
            self.post_message(self.Proposed(error))

    def _start_of(self, preset: str | None) -> FormStart:
        if preset:
            draft = load_preset(preset, load_settings().presets_dir)
            return start_from(draft.model_dump(mode="json", by_alias=True, exclude_none=True))
        if self._number is None:
            return FormStart({}, {})
        store = Store(self._folder)
        try:
            job = store.job(self._number)
            return start_from(store.assets.resolve(job.draft), job)
        finally:
            store.database.close()

    @on(Loaded)
    def fill(self, message: Loaded) -> None:
        """Put the values into the fields; a prompt that was typed stays."""
        self._start = message.start
        self.query_one(RecipeFields).fill(message.start.values)
        self._propose_soon()

    @on(Input.Changed)
    @on(TextArea.Changed)
    def _propose_soon(self) -> None:
        if self._timer:
            self._timer.stop()
        self._timer = self.set_timer(PAUSE_SECONDS, self._propose)

    def _propose(self) -> None:
        self._plan_it(self._start, self.query_one(RecipeFields).values, to_save=self._saving)

    @work(thread=True, exclusive=True, group="plan", exit_on_error=False)
    def _plan_it(self, start: FormStart, typed: dict[str, str], *, to_save: bool) -> None:
        try:
            outcome: NewJob | SkyreelsError = propose(start, typed)
        except SkyreelsError as error:
            outcome = error
        self.post_message(self.Proposed(outcome, to_save=to_save))

    @on(Proposed)
    def show(self, message: Proposed) -> None:
        """Show the plan, or what is wrong and what would work."""
        if isinstance(message.outcome, SkyreelsError):
            text = Content.styled(message.outcome.message, "$text-error")
            hint = f"\n\ntry: {message.outcome.hint}" if message.outcome.hint else ""
            text += Content.styled(hint, "$foreground-muted")
        else:
            text = Content("\n".join(plan_lines(message.outcome.plan)))
            recipe = message.outcome.recipe
            self.query_one(RecipeFields).follow(recipe, option_fields(recipe), str(message.outcome.output))
        fields = self.query_one(RecipeFields)
        wrong = message.outcome if isinstance(message.outcome, SkyreelsError) else None
        field = field_of(wrong, list(fields.values)) if wrong else None
        fields.point_at(field)
        self.query_one("#proposal").set_class(isinstance(message.outcome, SkyreelsError), "-wrong")
        self.query_one("#proposal-text", Static).update(text)
        if message.to_save and self._saving:
            self._saving = False
            self._leave_with(message.outcome, field)

    def action_enhance(self) -> None:
        """Have the prompt completed by the enhancer that is set up."""
        prompt = self.query_one("#prompt", TextField).value
        if prompt.strip():
            self.notify("the prompt is being completed …", timeout=2)
            self._write(prompt)

    @work(thread=True, exclusive=True, group="write", exit_on_error=False)
    def _write(self, prompt: str) -> None:
        try:
            self.post_message(self.Completed(*enhance_alone(Wish(prompt=prompt))))
        except SkyreelsError as error:
            self.app.call_from_thread(self.notify, error.message, severity="warning", markup=False)

    @on(Completed)
    def take_text(self, message: Completed) -> None:
        """Put the text into the prompt's field, or say why there is none."""
        done, field = message.text, self.query_one("#prompt", TextField)
        if field.value != done.wish.prompt:
            self.notify("the prompt was changed meanwhile: it stays", severity="warning")
        elif message.record is None:
            self.notify("; ".join(done.notes), severity="warning", markup=False)
        else:
            self._own_prompt = done.wish.prompt
            self._record(message.record)
            field.value = done.text
            self.notify(f"completed by {done.provider}; ctrl+z takes it back", markup=False)

    def action_leave(self) -> None:
        """Leave, after asking if something was typed that would be lost."""
        typed = {name: text for name, text in self.query_one(RecipeFields).values.items() if text.strip()}
        if typed == {name: text for name, text in self._start.values.items() if text.strip()}:
            self.dismiss(None)
        else:
            question = Confirm("Leave? What you have typed is lost.", "Leave")
            self.app.push_screen(question, self._leave_if)

    def _leave_if(self, yes: bool | None) -> None:
        if yes:
            self.dismiss(None)

    def action_take_back(self) -> None:
        """Put one's own words back, or undo what was typed last."""
        if self._own_prompt is None:
            self.query_one("#prompt", TextField).undo()
        else:
            self.query_one("#prompt", TextField).value = self._own_prompt
            self._own_prompt = None
            self._record(None)

    def _record(self, enhancement: Enhancement | None) -> None:
        kept = {name: value for name, value in self._start.kept.items() if name != "enhanced"}
        if enhancement:
            kept["enhanced"] = enhancement.model_dump(mode="json")
        self._start = replace(self._start, kept=kept)

    def action_save(self) -> None:
        """Read the fields once more before the job is saved: keys that came just before, in one gulp, count too."""
        self._saving = True
        self._propose_soon()

    def _leave_with(self, new: NewJob | SkyreelsError, field: str | None) -> None:
        if isinstance(new, SkyreelsError):
            self.notify(new.message, severity="warning", markup=False)
            if field:
                self.query_one(RecipeFields).go_to(field)
        else:
            self.dismiss(new)

    def _presets(self) -> list[Any]:
        return [preset for preset in list_presets(load_settings().presets_dir) if not preset.problem]

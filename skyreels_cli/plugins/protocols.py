"""What each kind of plugin must do: shapes, units and lifecycle, on one page (`executor.py` has the executors).

Names: b batch (always 1), f latent frames, n = f · tokens per frame, d width of the transformer, h × w latent pixels.
A *row* is one pass over the timestep matrix of a window, a *layer* one of the transformer's blocks, a *block* a run of
latent frames that share a noise level, a *branch* one side of the guidance: `cond` (the prompt), `uncond` (the negative
prompt) or `no_history` (the prompt, but not what came before).

State dicts hold tensors, numbers, strings, and lists and dicts of them; no None. They are written to disk between two
rows and read back by another process; there, tensors arrive on the device of the latents.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from torch import Tensor

Branch = Literal["cond", "uncond", "no_history"]
Span = tuple[int, int]  # a range of latent frames, `start … stop-1`
Kernel = Callable[["Tensor", "Tensor", "Tensor"], "Tensor"]  # attention: query, key, value `(b, n, heads, head size)`


# --- schedulers --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SchedulerSetting:
    """What a scheduler is made for: the recipe's steps and shift, and whether the model is a DF model."""

    steps: int
    shift: float
    diffusion_forcing: bool


class Scheduler(Protocol):
    """Integrates one group of latent frames from noise to clean latents.

    Frames that are at the same noise level in every row share one object; in async mode several are at work in one
    window, each at its own step. An object lives for one window. It is called once per step, in order.
    """

    timesteps: tuple[int, ...]
    """T timesteps from the noisiest on, in 0 … 999: what the model is told."""

    sigmas: tuple[float, ...]
    """T + 1 noise levels in 1 … 0; the last is 0. A sample at sigma s is (1 − s) · clean + s · noise."""

    def step(self, velocity: Tensor, sample: Tensor) -> Tensor:
        """The sample at the next sigma, from the model's `velocity`; both `(1, c, f, h, w)` in float32."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """What the next steps depend on."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state, bit for bit, in a scheduler that was made for the same setting."""
        ...


# --- caches ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CacheSetting:
    """The window that a cache is made for; in a rolling film one of its turns, which has rows and blocks of its own.

    `blocks` cover all latent frames of a forward pass, an end frame included; `layers` and `width` are those of the
    transformer (30 × 1536 for 1.3B, 40 × 5120 for 14B), and a number of its hidden states takes `element_bytes`. On
    several GPUs the `branches` are those of this rank, and a pass holds fewer tokens of each frame than
    `tokens_per_frame`.
    """

    family: str
    window: int
    rows: int
    steps: int
    branches: tuple[Branch, ...]
    blocks: tuple[Span, ...]
    tokens_per_frame: int
    layers: int
    width: int
    element_bytes: int = 2

    @property
    def hidden_bytes(self) -> int:
        """Size of the hidden states `(b, n, d)` of one branch."""
        return self.blocks[-1][1] * self.tokens_per_frame * self.width * self.element_bytes


@dataclass(frozen=True)
class CacheMemory:
    """The most bytes that a cache holds while a layer runs, and a few words on what they are, for people."""

    size: int
    basis: str


class Pass(Protocol):
    """One forward pass of one branch, as a cache finds it between the patch embedding and the output head."""

    row: int
    branch: Branch
    timesteps: tuple[int, ...]
    """Timestep of each latent frame in 0 … 999."""
    moving: tuple[bool, ...]
    """For each latent frame, whether the scheduler will use its velocity in this row. The prefix, the end frame, blocks
    that are finished and blocks that have not begun are there only to be attended to."""
    time: Tensor
    """Embedded timesteps `(b, f, d)`."""
    modulation: Tensor
    """Shifts, scales and gates that the layers derive from it `(b, f, 6, d)`."""

    def run(
        self,
        x: Tensor,
        start: int = 0,
        stop: int | None = None,
        frames: Sequence[int] | None = None,
        memory: Any = None,
        *,
        keep_keys: bool = False,
    ) -> Tensor:
        """The hidden states behind layers `start … stop-1`; `x` `(b, n, d)` may be overwritten: clone what you need.

        With `keep_keys` these layers keep the keys and values of every frame for this branch, until the window ends
        (2 · n · d numbers for each layer). With `frames` (ascending, whole blocks) `x` holds only the tokens of these
        frames: they attend to the keys that were kept of the others, and their own are kept in turn. `memory` is
        deprecated, and kept for plugins that give an object of `skyreels_cli.model.key_memory`.
        """
        ...

    def agree(self, number: float) -> float:
        """The mean of this number over all ranks, the same on each.

        Every number that decides what runs, and follows from `x`, must go through here: a rank has only its share of
        the tokens, and ranks that decide differently wait for each other until that is an error, ten minutes later.
        """
        ...


class Cache(Protocol):
    """Skips or replaces the work of the layers. A fresh object is made for every window: nothing can leak over."""

    def run(self, x: Tensor, call: Pass) -> Tensor:
        """The hidden states behind the last layer, from those before the first: `(b, n, d)` both.

        Called once per row and branch of the setting, `cond` first. A cache that wants no shortcut returns
        `call.run(x)`.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """What the rest of the window depends on; asked for only if its spec says `checkpointable`."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a state, bit for bit."""
        ...

    def close(self) -> dict[str, Any]:
        """The window is over, or was interrupted; what is returned (plain data) is told in the event `cache_used`."""
        ...


# --- parallel backends -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Load:
    """What is to be divided: attention heads, the tokens of one latent frame, guidance branches (1 to 3)."""

    heads: int
    tokens_per_frame: int
    branches: int
    causal: bool
    """Whether attention is block-causal."""


class Parallel(Protocol):
    """One rank's share of the work when several GPUs of one machine render a film.

    The program starts a process (rank) for each GPU, with torch.distributed set up (nccl; gloo on CPUs), and ends all
    if one dies. Rank 0 makes the film and gives every window's first latents and texts to the others; from there all
    denoise side by side. Each holds all latents of the window and steps its schedulers; in a forward pass each has
    some of the branches and, between patch embedding and output head, some of the tokens.
    """

    def split(self, load: Load, ranks: int) -> str:
        """How so many ranks share a load, for people: `2 branches × 2 shares of the tokens`.

        Asked before anything is loaded, outside of torch.distributed; raises UsageError naming the numbers of ranks
        that divide the load if this one does not.
        """
        ...

    def start(self, load: Load) -> None:
        """Make process groups; called once, on every rank, before anything below."""
        ...

    def branches(self, count: int) -> tuple[int, ...]:
        """Which of a window's branches, one to three, this rank computes."""
        ...

    def gather_branches(self, velocities: Sequence[Tensor], count: int) -> list[Tensor]:
        """The velocities of all branches, from those of this rank's."""
        ...

    def shard(self, x: Tensor, frames: int) -> Tensor:
        """Tokens of this rank out of `(b, n, d)`: the same part of each of the `frames`, which lie one after the other.

        So a layer finds whole frames, if narrower ones, and a cache may run any of them: nothing is out of balance.
        """
        ...

    def gather(self, x: Tensor, frames: int) -> Tensor:
        """All tokens `(b, n, d)` in their order, from each rank's."""
        ...

    def attend(self, query: Tensor, key: Tensor, value: Tensor, frames: int, kernel: Kernel, plain: bool) -> Tensor:
        """Self-attention of this rank's queries to all tokens; all `(b, this rank's tokens, heads, head size)`.

        `kernel` computes it from all tokens of as many heads as you like. If it is `plain` (dense, every token there)
        you may use another in its place; else it keeps keys or has a causal order, and each rank must always give it
        the same heads and all tokens of the `frames` in their order.
        """
        ...

    def agree(self, number: float) -> float:
        """The mean of this number over all ranks, the same on each."""
        ...


# --- prompt enhancers --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class WritingTask:
    """What a prompt enhancer shall write; it can be sent to another process as JSON.

    A language model needs only `messages` (and `image`): they hold the program's instruction, the person's words and,
    if the first answer was of no use, that answer and what was wrong with it. One that works by rules reads the other
    fields.
    """

    prompt: str
    """The person's own words, in any language."""
    messages: tuple[dict[str, str], ...]
    """`{"role": …, "content": …}` of `system`, `user` and, asked again, `assistant` and `user`."""
    shots: int = 1
    """Paragraphs to write: one for each shot of a film that goes from one to the next."""
    max_words: int = 150
    """Most words of a paragraph."""
    seed: int = 0
    """The same seed gives the same text, as far as that can be had."""
    image: str | None = None
    """File of the picture that the film starts from or, if it goes on with a video, of that video's last frame."""
    film_model: str | None = None
    """The model that will render the film, if that is known; some know few words."""


@dataclass(frozen=True)
class Writing:
    """What an enhancer wrote: a paragraph, or one for each shot, those behind the first begun by `CUT:` or `THEN:`."""

    text: str
    model: str | None = None
    """The language model that wrote it, by a name that says nothing about this machine. None if none did: the text is
    not asked for again then, and may be in the language of the prompt."""
    saw_image: bool = False
    """Whether the task's image was looked at."""


class PromptEnhancer(Protocol):
    """Writes the long, concrete prompt that a short one stands for.

    The program makes the task, and cleans and checks what comes back, whoever wrote it.
    """

    def write(self, task: WritingTask, show: Callable[[str], object]) -> Writing:
        """Do the task; `show` may be called with each piece of text as it comes, for a person who waits.

        Raises SkyreelsError for what a person can mend: RetryableError if the same call may work later.
        """
        ...

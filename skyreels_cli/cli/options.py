"""The options that commands share, declared once; None means "not typed", and never overrides a preset."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

from typer import Option

from skyreels_cli.cli.completion import (
    cache_names,
    camera_words,
    enhancer_names,
    model_names,
    parallel_names,
    plugin_options,
    preset_names,
    scheduler_names,
)
from skyreels_cli.film.placement import Attention, Offload
from skyreels_cli.recipe.choices import AskedDtype, AskedWeightsDtype, Aspect, Codec, ColorMatch, Join, Vae

# One panel of `--help` each.
Render = partial(Option, rich_help_panel="What to render")
Sampling = partial(Option, rich_help_panel="Sampling")
Weights = partial(Option, rich_help_panel="The weights")
Experiment = partial(Option, rich_help_panel="Experimental")
Plugin = partial(Option, rich_help_panel="Plugins")
Long = partial(Option, rich_help_panel="Films of several windows")
File = partial(Option, rich_help_panel="The file")
Machine = partial(Option, rich_help_panel="This machine")
Everywhere = partial(Option, rich_help_panel="Every command")
Before = partial(Option, rich_help_panel="Before rendering")
Watch = partial(Option, rich_help_panel="While it renders")
Later = partial(Option, hidden=True)


@dataclass(frozen=True)
class GlobalOptions:
    """What every command understands; the names are those of `Output`'s switches."""

    json: Annotated[bool, Everywhere("--json", help="One JSON envelope on stdout.")] = False
    events: Annotated[bool, Everywhere("--events", help="NDJSON events, then the envelope.")] = False
    quiet: Annotated[bool, Everywhere("--quiet", "-q", help="Only the essential result.")] = False
    verbose: Annotated[bool, Everywhere("--verbose", "-v", help="Say more.")] = False
    debug: Annotated[bool, Everywhere("--debug", help="Tracebacks.")] = False
    no_input: Annotated[bool, Everywhere("--no-input", help="Never ask.")] = False


@dataclass(frozen=True)
class RecipeOptions:
    """What to render; most names are those of `recipe.schema.Draft`, `cli.request` turns the others into them."""

    prompt: Annotated[str | None, Render("--prompt", metavar="TEXT", help="The same as PROMPT.")] = None
    negative_prompt: Annotated[str | None, Render(metavar="TEXT", help="What to keep out.")] = None
    preset: Annotated[
        list[str] | None,
        Render(
            metavar="NAME|FILE|CODE|URL",
            autocompletion=preset_names,
            help="A recipe to start from; the last wins.",
        ),
    ] = None
    camera: Annotated[
        list[str] | None,
        Render(metavar="WORD", autocompletion=camera_words, help="How the camera sees or moves: close-up, dolly-in."),
    ] = None
    model: Annotated[
        str | None,
        Render("--model", "--model-id", metavar="NAME|FOLDER|FILE|REPO", autocompletion=model_names, help="The model."),
    ] = None
    resolution: Annotated[str | None, Render(metavar="540P|720P|WxH", help="Size in pixels.")] = None
    aspect: Annotated[Aspect | None, Render(help="Shape of the picture.")] = None
    num_frames: Annotated[int | None, Render(metavar="N", help="Length: exactly N come out.")] = None
    duration: Annotated[str | None, Render(metavar="10s|2m|inf", help="Length in time instead.")] = None
    shots: Annotated[
        str | None, Render(metavar="FILE.yaml|N", help="A prompt and a length for each; how many a story has.")
    ] = None
    story: Annotated[str | None, Render(metavar="TEXT", help="Have a storyboard written, and render it.")] = None
    prompt_enhancer: Annotated[
        str | None,
        Render(metavar="[NAME]", autocompletion=enhancer_names, help="Have the prompt completed: see enhance-prompt."),
    ] = None
    fps: Annotated[str | None, Render(metavar="24|23.976|24000/1001", help="Frames per second.")] = None
    image: Annotated[str | None, Render(metavar="FILE", help="The first frame.")] = None
    end_image: Annotated[str | None, Render(metavar="FILE", help="The last frame.")] = None
    video: Annotated[str | None, Render("--video-path", metavar="FILE", help="Go on with it; see extend.")] = None
    seed: Annotated[int | None, Render(metavar="N", help="Same seed, same film.")] = None

    inference_steps: Annotated[int | None, Sampling(metavar="N", help="Denoising steps.")] = None
    guidance_scale: Annotated[float | None, Sampling(metavar="X", help="Pull towards the prompt; 1: none.")] = None
    shift: Annotated[float | None, Sampling(metavar="X", help="More steps at high noise.")] = None
    scheduler: Annotated[str | None, Sampling(metavar="NAME", autocompletion=scheduler_names, help="The solver.")] = (
        None
    )
    ar_step: Annotated[int | None, Sampling(metavar="N", help="Steps from block to block; 0: sync.")] = None
    causal_block_size: Annotated[int | None, Sampling(metavar="N", help="Latent frames per block.")] = None
    dtype: Annotated[AskedDtype | None, Weights(help="What is computed in; auto: what the machine does best.")] = None
    weights_dtype: Annotated[
        AskedWeightsDtype | None, Weights(help="How the weights rest in memory; auto: fp8 where it is short.")
    ] = None
    vae: Annotated[Vae | None, Weights(help="What the VAE computes in; tiled: bfloat16, part by part.")] = None
    base: Annotated[
        str | None,
        Weights(metavar="MODEL", autocompletion=model_names, help="Has the parts that a single file lacks."),
    ] = None
    lora: Annotated[list[str] | None, Weights(metavar="FILE[:X]", help="Change the model; as often as needed.")] = None
    causal_attention: Annotated[
        bool | None,
        Experiment("--causal-attention/--no-causal-attention", help="The weights were not made for it."),
    ] = None
    frame_sink: Annotated[
        bool | None, Experiment("--frame-sink/--no-frame-sink", help="Show each window the first frame.")
    ] = None

    base_num_frames: Annotated[int | None, Long(metavar="N", help="Frames of one window.")] = None
    overlap_history: Annotated[int | None, Long(metavar="N", help="Frames it takes over: 4k+1.")] = None
    reference_count: Annotated[bool | None, Long("--reference-count", help="Let the length count those.")] = None
    addnoise_condition: Annotated[
        str | None, Long(metavar="N|auto", help="Noise on those: 20 suits; auto: that of what follows.")
    ] = None
    join: Annotated[Join | None, Long(help="As what; rolling: there are none.")] = None
    color_match: Annotated[ColorMatch | None, Long(help="Hold the first window's colours.")] = None
    latent_anchor: Annotated[float | None, Long(metavar="0-1", help="Hold its latents' mean and spread.")] = None
    history_guidance: Annotated[float | None, Long(metavar="X", help="Pull towards what came before; 1: none.")] = None

    cache: Annotated[
        str | None, Plugin(metavar="NAME", autocompletion=cache_names, help="Skip work: see skyreels plugins.")
    ] = None
    option: Annotated[
        list[str] | None,
        Plugin(
            "-O",
            "--option",
            metavar="PLUGIN.OPTION=VALUE",
            autocompletion=plugin_options,
            help="Set up a plugin; as often as needed.",
        ),
    ] = None
    teacache: Annotated[bool | None, Plugin("--teacache", help="The same as --cache teacache.")] = None
    teacache_thresh: Annotated[float | None, Plugin(metavar="X", help="The same as -O teacache.threshold=X.")] = None
    use_ret_steps: Annotated[bool | None, Plugin("--use-ret-steps", help="The same as -O teacache.ret_steps=true.")] = (
        None
    )

    codec: Annotated[Codec | None, File(help="ffv1 (in .mkv) is lossless.")] = None
    quality: Annotated[float | None, File(metavar="0-10", help="10 is best.")] = None


@dataclass(frozen=True)
class MachineOptions:
    """How this machine computes; the names are those of `settings.Settings`, but for `use_usp`."""

    device: Annotated[str | None, Machine(metavar="auto|cuda|cuda:1|mps|cpu", help="Where to compute.")] = None
    offload: Annotated[Offload | None, Machine(help="What leaves the device between uses.")] = None
    attention: Annotated[Attention | None, Machine(help="The attention kernel.")] = None
    compile: Annotated[
        bool | None, Machine("--compile/--no-compile", help="Compile the layers: a slow first step, then quicker ones.")
    ] = None
    gpus: Annotated[int | None, Machine(min=1, metavar="N", help="Share each film among so many GPUs.")] = None
    parallel: Annotated[
        str | None, Machine(metavar="NAME", autocompletion=parallel_names, help="How; the best way if not said.")
    ] = None
    use_usp: Annotated[bool | None, Machine("--use-usp", help="The same as --parallel usp.")] = None
    outdir: Annotated[Path | None, File(metavar="FOLDER", help="Folder for films without -o.")] = None


@dataclass(frozen=True)
class FileOptions:
    """Where the film goes."""

    output: Annotated[
        Path | None, File("--output", "-o", metavar="FILE", help="Name of the film: .mp4 .mkv .mov .webm")
    ] = None
    overwrite: Annotated[bool, File("--overwrite", help="Replace a file of that name.")] = False
    keep_work: Annotated[bool, File("--keep-work", help="Keep the film's work folder when it is done.")] = False


@dataclass(frozen=True)
class FilmOptions:
    """All that says what film is wanted: the options of `generate`, `extend` and `queue add`."""

    recipe: RecipeOptions = RecipeOptions()
    file: FileOptions = FileOptions()
    machine: MachineOptions = MachineOptions()


@dataclass(frozen=True)
class PlanOptions:
    """Whether only the plan is wanted."""

    dry_run: Annotated[bool, Before("--dry-run", help="Print the plan; load nothing, render nothing.")] = False
    explain: Annotated[bool, Before("--explain", help="The plan, and why each value is what it is.")] = False


@dataclass(frozen=True)
class WatchOptions:
    """What a person sees and hears while a film is made."""

    preview: Annotated[
        bool | None,
        Watch("--preview/--no-preview", help="Show the newest frame meanwhile; no: no frames at the end either."),
    ] = None
    bell: Annotated[bool, Watch("--bell", help="Ring when it is done.")] = False

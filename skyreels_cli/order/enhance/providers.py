"""Which enhancer writes: the one that is named, the one of the settings, or the first that somebody has set up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from skyreels_cli.errors import PluginError
from skyreels_cli.plugins.manager import plugins
from skyreels_cli.plugins.options import make_options
from skyreels_cli.plugins.specs import EnhancerSpec

DEFAULT = "default"
"""What `--prompt-enhancer` means without a name."""
LOCAL = "qwen"
"""Who runs a language model that is named without saying who."""


@dataclass(frozen=True)
class Provider:
    """An enhancer with all that it is made from; `chosen_because` is empty if a person named it."""

    spec: EnhancerSpec
    options: Mapping[str, Any] = field(default_factory=dict)
    model: str | None = None
    chosen_because: str = ""

    @property
    def name(self) -> str:
        """What people type."""
        return self.spec.name

    def make(self) -> Any:
        """The `PromptEnhancer` itself, in this process."""
        return plugins().make(self.spec, make_options(self.spec, self.options), self.model)


def choose_provider(
    name: str | None = None, model: str | None = None, options: Mapping[str, Mapping[str, Any]] | None = None
) -> Provider:
    """The provider of that name (none, or `default`: the best one that is set up) with its options, checked.

    Raises PluginError `plugin-not-found` or `plugin-broken`, UsageError `bad-option`.
    """
    known = plugins()
    reason = ""
    if name in (None, DEFAULT):
        name, reason = _set_up(model)
    assert name is not None
    spec = known.find(EnhancerSpec, name)
    own = (options or {}).get(name, {})
    make_options(spec, own)
    return Provider(spec, own, model, reason)


def _set_up(model: str | None) -> tuple[str, str]:
    """The name of an enhancer that can be used as things are, and why it is that one."""
    from skyreels_cli.settings import load_settings

    settings = load_settings()
    if settings.enhancer:
        return settings.enhancer, "by the settings"
    if model and not settings.enhancer_url:
        return LOCAL, "as a language model is named"
    known = plugins()
    ready = [name for name, spec in known.specs(EnhancerSpec).items() if spec.ready and known.load(spec, spec.ready)()]
    if not ready:
        raise PluginError("plugin-not-found", "no prompt enhancer is set up", "skyreels plugins")
    others = "as no language model is set up" if ready == ["rules"] else "as it is set up"
    return ready[0], others

"""torch's compiler, which is imported when something is compiled: it takes as long as torch itself."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

import torch

COMPILER = "torch._dynamo"
MARKS = ("allow_in_graph", "assume_constant_result")
"""Decorators that return what they are given, and have the compiler know of it."""


class _Decorators:
    """Stands before the finders of modules until the compiler is imported, and then tells it what was decorated."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[Any], object]] = []
        self._compiler: Any = None

    def mark(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Keep a function for one of the `MARKS`."""
        self._waiting.append(lambda compiler: getattr(compiler, name)(function))
        return function

    def disable(self, function: Callable[..., Any] | None = None, *how: Any, **named: Any) -> Callable[..., Any]:
        """A function that is never compiled: as it is until the compiler is there, then as the compiler wraps it."""
        if function is None:
            return lambda decorated: self.disable(decorated, *how, **named)
        if self._compiler:
            known: Callable[..., Any] = self._compiler.disable(function, *how, **named)
            return known
        chosen = [function]
        self._waiting.append(lambda compiler: chosen.insert(0, compiler.disable(function, *how, **named)))

        @wraps(function)
        def call(*arguments: Any, **keywords: Any) -> Any:
            return chosen[0](*arguments, **keywords)

        return call

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """The compiler's own, with one thing more to do once it has been imported."""
        if name != COMPILER:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec and spec.loader:
            run = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                run(module)
                self._apply(module)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec

    def _apply(self, compiler: ModuleType) -> None:
        self._compiler = compiler
        for name, module in list(sys.modules.items()):  # some may have been imported before it
            if name.startswith(f"{COMPILER}."):
                vars(compiler).setdefault(name.removeprefix(f"{COMPILER}."), module)
        while self._waiting:
            self._waiting.pop(0)(compiler)


_DECORATORS = _Decorators()


class _StandIn(ModuleType):
    """`torch._dynamo` for a while: it has decorators, and for anything else the compiler comes."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(COMPILER) is self:
            if name in MARKS:
                return partial(_DECORATORS.mark, name)
            if name == "disable":
                return _DECORATORS.disable
            self.leave()
        return getattr(import_module(COMPILER), name)

    def leave(self) -> None:
        """Give the compiler its place."""
        if sys.modules.get(COMPILER) is self:
            del sys.modules[COMPILER], vars(torch)["_dynamo"]
            if _DECORATORS not in sys.meta_path:
                sys.meta_path.insert(0, _DECORATORS)


@contextmanager
def compiler_kept_waiting() -> Iterator[None]:
    """Do what only decorates functions for the compiler without importing it; it is told of them when it comes.

    Libraries do so while they are imported.
    """
    if COMPILER in sys.modules or (spec := find_spec(COMPILER)) is None:
        yield
        return
    stand_in = module_from_spec(spec)
    stand_in.__class__ = _StandIn
    assert isinstance(stand_in, _StandIn)
    sys.modules[COMPILER] = stand_in
    vars(torch)["_dynamo"] = stand_in
    try:
        yield
    finally:
        stand_in.leave()

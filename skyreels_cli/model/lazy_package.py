"""Packages whose own code waits until it is needed, though modules in them are imported.

Before it imports `a.b` Python runs the code of `a`, which in some libraries imports or reads hundreds of modules so as
to offer the names in them. Here `a` is there without having run, until somebody asks it for a name: everybody gets what
they would have got, and who asks for none of its names need not wait for all.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec
from threading import RLock
from types import ModuleType
from typing import Any


class LazyPackage(ModuleType):
    """A package whose code runs when it is asked for a name that it does not have yet."""

    _has_run: bool
    _lock: RLock

    @classmethod
    def install(cls, name: str) -> None:
        """Have a package wait, if it is there and has not run already."""
        spec = None if name in sys.modules else find_spec(name)
        if spec is None or spec.loader is None:
            return
        package = module_from_spec(spec)
        package.__class__ = cls
        vars(package).update(_has_run=False, _lock=RLock())
        sys.modules[name] = package
        parent, _, own = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], own, package)

    def __getattr__(self, name: str) -> Any:
        """A name that has not been set yet; none that whoever looks through all modules may ask for."""
        if not name.startswith("__"):
            self._run()
        offered = sys.modules[self.__name__]  # the code of some puts another module in its package's place
        return super().__getattribute__(name) if offered is self else getattr(offered, name)

    def _run(self) -> None:
        """Run the package's code, once."""
        with self._lock:
            if self._has_run:
                return
            assert self.__spec__
            assert self.__spec__.loader
            self._has_run = True
            try:
                self.__spec__.loader.exec_module(self)
            except BaseException:
                self._has_run = False
                raise

"""Importing later: modules and names that are loaded when they are first used.

PyMC, JAX, ArviZ and matplotlib each take longer to import than a small run takes, and most programs
need some of them only. A package offers its names by `names_from`, a module a library by `later`.
"""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any


class LaterModule(ModuleType):
    """Stands for a module that is imported when an attribute of it is first asked for."""

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self.__name__), name)

    def __dir__(self) -> list[str]:
        return dir(import_module(self.__name__))


def later(name: str) -> ModuleType:
    """Give a module that is imported when it is first used.

    Parameters
    ----------
    name : str
        Its full name.

    Returns
    -------
    ModuleType
        Stands for it.

    Examples
    --------
    >>> calendar = later("calendar")
    >>> calendar.isleap(2028)
    True
    """
    return LaterModule(name)


def names_from(
    package: str, modules: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Make ``__getattr__`` and ``__dir__`` of a package whose names come from modules [1]_.

    Parameters
    ----------
    package : str
        Name of the package.
    modules : mapping of str to str
        For each name of the package, the module that has it; or the module itself, for a module of
        the package. No other name may be that of a module of the package: importing that module
        would put it in the place of the name.

    Returns
    -------
    tuple of callable
        ``__getattr__`` and ``__dir__``.

    References
    ----------
    .. [1] PEP 562.
    """
    own = sys.modules[package]

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = import_module(modules[name])
        found = module if modules[name] == f"{package}.{name}" else getattr(module, name)
        setattr(own, name, found)
        return found

    def names() -> list[str]:
        return sorted({*vars(own), *modules})

    return get, names

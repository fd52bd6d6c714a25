"""What a command cannot do."""

from importlib.util import find_spec
from pathlib import Path


class CommandError(Exception):
    """A file or an argument of a command is at fault; its text is one sentence or two."""


def check_package(name: str, what: str, extra: str) -> None:
    """Refuse what takes a package that is not installed.

    Parameters
    ----------
    name : str
        The package.
    what : str
        What takes it, such as ``"Reading SPSS files"``.
    extra : str
        The extra of bayesmice that brings it.
    """
    if find_spec(name) is None:
        raise CommandError(
            f"{what} takes {name}, which is not installed: pip install 'bayesmice[{extra}]'."
        )


def check_new(path: Path, overwrite: bool) -> None:
    """Refuse to write over what is there already, or into a folder that is not."""
    if path.exists() and not overwrite:
        raise CommandError(f"{path} exists already. Give --overwrite to replace it.")
    if not path.parent.is_dir():
        raise CommandError(f"There is no folder {path.parent}, where {path.name} is to be written.")

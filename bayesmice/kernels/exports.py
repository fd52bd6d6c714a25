"""Exports: traced programs on disk, beside JAX's compilation cache.

Writing a PyMC model, turning it into JAX functions and tracing them takes longer than the sweeps of
a small run. What that gives, a program in StableHLO, is kept under the fingerprint of all that it
depends on, so that another process neither traces anything nor imports PyMC; JAX compiles it, or
finds it in its own cache. An export that cannot be read is made anew, and one that cannot be
written is not kept.
"""

import hashlib
import importlib.util
import json
import logging
import os
import platform
import sys
import tempfile
from functools import cache
from importlib import metadata
from pathlib import Path

import jax

logger = logging.getLogger(__name__)

SWITCH = "BAYESMICE_EXPORTS"
"""Environment variable; ``false`` turns exports off."""
FOLDER = "bayesmice-exports"
MAX_EXPORTS = 400
"""Files that are kept, of 0.1 MB each; beyond, the oldest go."""
PACKAGE = Path(__file__).parents[1]
LIBRARIES = ("blackjax", "jax", "jaxlib", "numpy", "pymc", "pytensor")


def exports_folder() -> Path | None:
    """Give the folder of exports; None where there is none.

    There is none where JAX's compilation cache is off or not in a folder, where `SWITCH` says so,
    without flatbuffers, which JAX writes exports with, and where a library was installed from a
    folder that can be edited, so that its version does not tell its code.
    """
    cache_folder = jax.config.jax_compilation_cache_dir
    if (
        not jax.config.jax_enable_compilation_cache
        or not cache_folder
        or "://" in cache_folder
        or os.environ.get(SWITCH, "true").lower() in ("false", "0")
        or not _can_export()
    ):
        return None
    return Path(cache_folder) / FOLDER


def fingerprint(*parts: object) -> str:
    """Give a name to a program by all that it depends on.

    Parameters
    ----------
    *parts : object
        What tells it from other programs of the same code; their representations count.

    Returns
    -------
    str
        64 hexadecimal digits, which change with the code of bayesmice, the versions of the
        libraries, their settings, and JAX's backend.
    """
    values = jax.config.values
    # An attribute is what holds in this thread; not all settings have one.
    settings = [(name, getattr(jax.config, name, values[name])) for name in sorted(values)]
    whole = (_code(), _versions(), _pytensor_settings(), settings, jax.default_backend(), parts)
    return hashlib.sha256(repr(whole).encode()).hexdigest()


def read_export(name: str) -> bytes | None:
    """Read what was kept under a fingerprint; None where nothing was, or not all of it is there."""
    folder = exports_folder()
    if folder is None:
        return None
    try:
        content = (folder / name).read_bytes()
    except OSError:
        return None
    digest, kept = content[:32], content[32:]
    return kept if hashlib.sha256(kept).digest() == digest else None


def write_export(name: str, kept: bytes) -> None:
    """Keep something under a fingerprint, where that is possible."""
    folder = exports_folder()
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Another process may read or write the same file: it appears at once, and whole.
        handle, part = tempfile.mkstemp(dir=folder, suffix=".part")
        with open(handle, "wb") as file:
            file.write(hashlib.sha256(kept).digest() + kept)
        Path(part).replace(folder / name)
        _drop_oldest(folder)
    except OSError as error:
        logger.debug("An exported program could not be kept in %s: %s", folder, error)


def _drop_oldest(folder: Path) -> None:
    files = sorted(folder.iterdir(), key=lambda file: file.stat().st_mtime)
    for file in files[:-MAX_EXPORTS]:
        file.unlink(missing_ok=True)


@cache
def _can_export() -> bool:
    if importlib.util.find_spec("flatbuffers") is None:
        return False
    origins = (metadata.distribution(name).read_text("direct_url.json") for name in LIBRARIES)
    return not any(json.loads(o).get("dir_info", {}).get("editable") for o in origins if o)


@cache
def _code() -> str:
    digest = hashlib.sha256()
    for file in sorted(PACKAGE.rglob("*.py")):
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


@cache
def _versions() -> tuple[str, ...]:
    return (platform.python_version(), *(metadata.version(name) for name in LIBRARIES))


def _pytensor_settings() -> tuple[str, ...]:
    """Give what PyTensor is, or would be, configured by."""
    files = os.environ.get("PYTENSORRC", "~/.pytensorrc").split(os.pathsep)
    texts = [Path(f).expanduser().read_text() for f in files if Path(f).expanduser().is_file()]
    loaded = sys.modules.get("pytensor")
    float_type = "float64" if loaded is None else str(loaded.config.floatX)
    return (os.environ.get("PYTENSOR_FLAGS", ""), *texts, float_type)

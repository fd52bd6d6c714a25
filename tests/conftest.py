"""The order in which files are handed to the processes that run them, and room for all of them."""

import os
import sys

import jax
import pytest

from bayesmice.kernels import make_room
from bayesmice.kernels.cache import configure_jax
from bayesmice.kernels.exports import FOLDER, SWITCH

# Tests change parts of programs, which no fingerprint of the code can know.
os.environ[SWITCH] = "false"

LONG = (
    "test_checkpoints",
    "test_conditional_draws",
    "test_coverage",
    "test_docs",
    "test_going_on",
    "test_published_designs",
    "test_readme",
    "test_simulation",
)
"""Files of few but long tests: begun last, they would keep one process busy and the others idle."""


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.stem not in LONG)


@pytest.fixture(scope="module", autouse=True)
def room_for_programs():
    """Let programs that tests compiled themselves not run a process out of memory maps."""
    make_room()


@pytest.fixture(autouse=True)
def no_figures_left():
    """Close what a test drew: matplotlib warns of many open figures."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def export_folder(tmp_path, monkeypatch):
    """Let exports be on in this process, in a folder of the test's own."""
    configure_jax()
    before = jax.config.jax_compilation_cache_dir
    monkeypatch.setenv(SWITCH, "true")
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    yield tmp_path / FOLDER
    jax.config.update("jax_compilation_cache_dir", before)

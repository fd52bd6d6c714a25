"""Which peers there are, how they are called, and whether they are at hand."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from speed.measuring import ProcessFailedError, child_environment, measure

HERE = Path(__file__).parent
LAST_WORDS = 300


class PeerMissingError(Exception):
    """A peer is not at hand; the text says why."""


@dataclass(frozen=True)
class Peer:
    """Other software.

    Attributes
    ----------
    name : str
        Its name in tables.
    find : callable
        Gives the command that its tasks are added to, or raises `PeerMissingError`.
    models : str
        Its conditional models, in words.
    """

    name: str
    find: Callable[[], Sequence[str]]
    models: str

    def command(self, task: str, *arguments: object) -> list[str]:
        """Give the command of a task."""
        return [*self.find(), task, *map(str, arguments)]

    def versions(self) -> Mapping[str, str]:
        """Ask for its versions.

        Raises
        ------
        PeerMissingError
            If it is not installed.
        """
        try:
            printed = measure(self.command("versions"), child_environment()).printed
        except ProcessFailedError as failure:
            raise PeerMissingError(failure.said) from failure
        return json.loads(printed)


def found_peers(names: Sequence[str]) -> tuple[dict[Peer, Mapping[str, str]], dict[str, str]]:
    """Part peers into those at hand, with their versions, and those that are not, with why."""
    found, missing = {}, {}
    for name in names:
        peer = PEERS[name]
        try:
            found[peer] = peer.versions()
        except PeerMissingError as reason:
            missing[name] = str(reason)
    return found, missing


def r_with(methods: str) -> Callable[[], list[str]]:
    """Make a finder of R's mice with some methods."""

    def find() -> list[str]:
        program = shutil.which("Rscript")
        if program is None:
            raise PeerMissingError("Rscript was not found")
        return [program, "--vanilla", str(HERE / "mice.R"), methods]

    return find


def in_our_environment(module: str) -> Callable[[], list[str]]:
    """Make a finder of a peer that is installed beside us."""
    return lambda: [sys.executable, "-m", f"speed.peers.{module}"]


def in_its_own_environment(script: str) -> Callable[[], list[str]]:
    """Make a finder of a peer whose environment uv makes from the script's own metadata."""

    def find() -> list[str]:
        path = HERE / script
        return [interpreter(path), str(path)]

    return find


@cache
def interpreter(script: Path) -> str:
    """Make the environment of a script, and give its interpreter.

    Raises
    ------
    PeerMissingError
        If there is no uv, or it cannot install what the script needs.
    """
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        raise PeerMissingError("uv was not found, which makes its environment")
    made = _said(uv, "sync", "--quiet", "--script", str(script))
    if made.returncode != 0:
        raise PeerMissingError(
            f"uv cannot make its environment: {made.stderr.strip()[-LAST_WORDS:]}"
        )
    return _said(uv, "python", "find", "--script", str(script)).stdout.strip()


def _said(*command: str) -> subprocess.CompletedProcess[str]:
    # From this folder, whose .python-version a manager of Pythons may need to find uv.
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=HERE)


PEERS: Mapping[str, Peer] = {
    peer.name: peer
    for peer in (
        Peer("R mice", r_with("drawn"), "norm, logreg, polr, polyreg"),
        Peer("R mice default", r_with("default"), "pmm, logreg, polr, polyreg"),
        Peer(
            "statsmodels",
            in_our_environment("statsmodels_mice"),
            "MICEData: predictive mean matching of every column, codes of levels as numbers",
        ),
        Peer(
            "scikit-learn",
            in_our_environment("scikit_learn"),
            "IterativeImputer(sample_posterior=True): BayesianRidge for every column, m times",
        ),
        Peer(
            "miceforest",
            in_its_own_environment("miceforest_kernel.py"),
            "LightGBM with mean matching",
        ),
        Peer(
            "pm.sample per visit",
            in_our_environment("fresh_sampling"),
            "a linear regression of PyMC, sampled anew in every visit",
        ),
    )
}

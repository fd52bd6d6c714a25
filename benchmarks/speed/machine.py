"""What machine figures come from."""

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("pymc", "pytensor", "jax", "jaxlib", "blackjax", "numpy", "pandas")
GIB = 2**30


def described_machine(peers: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Say where and with what was measured.

    Parameters
    ----------
    peers : mapping of str to mapping
        Versions, by the name of each peer.

    Returns
    -------
    dict of str to str
        By what they are about.
    """
    said = {
        "date": date.today().isoformat(),
        "processor": f"{processor()}, {os.process_cpu_count()} cores",
        "memory": f"{memory_bytes() / GIB:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "load when it began": f"{os.getloadavg()[0]:.1f}",
        "bayesmice": ", ".join(
            [f"bayesmice {version('bayesmice')}{revision()}", f"Python {platform.python_version()}"]
            + [f"{name} {version(name)}" for name in PACKAGES]
        ),
    }
    for name, versions in peers.items():
        said[name] = ", ".join(f"{package} {number}" for package, number in versions.items())
    return said


def processor() -> str:
    """Name the processor."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown processor"


def memory_bytes() -> int:
    """Give the size of the memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def revision() -> str:
    """Give the commit that is measured, where there is one."""
    git = shutil.which("git")
    if git is None:
        return ""
    command = [git, "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    said = subprocess.run(command, check=False, capture_output=True, text=True)
    return f" at {said.stdout.strip()}" if said.returncode == 0 else ""

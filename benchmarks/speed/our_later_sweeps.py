"""Seconds of one later sweep, when everything is compiled, as JSON.

Arguments: FOLDER MODELS M SHORTER LONGER PAIRS. Runs of fewer and of more sweeps alternate; the
difference is what the further sweeps cost, with all that is recorded of them. The memory right
after the imports is told too, and the most that a device with memory of its own held.
"""

import json
import sys
import time
from pathlib import Path

import jax

from bayesmice import MICE
from speed.datafiles import read_data
from speed.models.by_name import models_by_name


def resident_bytes() -> int:
    """Give the memory of this process, or 0 where the system does not tell."""
    path = Path("/proc/self/status")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))


after_imports = resident_bytes()
folder, models = sys.argv[1:3]
m, shorter, longer, pairs = map(int, sys.argv[3:])
data = read_data(Path(folder))
mice = MICE(data, models_by_name(models, data))


def seconds(sweeps: int, seed: int) -> float:
    start = time.perf_counter()
    mice.mice(m, sweeps, random_seed=seed, progressbar=False)
    return time.perf_counter() - start


seconds(shorter, 0)
found = []
for pair in range(pairs):
    short = seconds(shorter, pair)
    found.append((seconds(longer, pair) - short) / (longer - shorter))
device = jax.devices()[0].memory_stats() or {}
said = {
    "per_sweep": found,
    "after_imports_bytes": after_imports,
    "device_peak_bytes": device.get("peak_bytes_in_use", 0),
}
print(json.dumps(said))

"""How fast this device copies its own memory, as JSON: BYTES.

Run with ``JAX_PLATFORMS`` set to the device. The figure counts what is read and what is written.
"""

import json
import sys
import time

import jax
import jax.numpy as jnp

REPEATS = 10


def copy_bandwidth(n_bytes: int) -> float:
    """Give bytes read and written per second by the best of some copies of an array."""
    array = jnp.zeros(n_bytes // 4, jnp.float32)
    copy = jax.jit(lambda values: values + 1)
    copy(array).block_until_ready()
    best = float("inf")
    for _ in range(REPEATS):
        start = time.perf_counter()
        copy(array).block_until_ready()
        best = min(best, time.perf_counter() - start)
    return 2 * array.nbytes / best


if __name__ == "__main__":
    device = jax.devices()[0]
    found = {"device": device.device_kind, "bytes_per_second": copy_bandwidth(int(sys.argv[1]))}
    print(json.dumps(found))

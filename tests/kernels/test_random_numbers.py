"""The random numbers of a transition, drawn at once; fresh seeds, a false alarm in a million."""

import jax
import numpy as np
from scipy import stats

from bayesmice.kernels.kernel import random_numbers

ALARM = 5e-7


def test_uniform_and_normal_numbers_are_what_they_are_called() -> None:
    seed = int(np.random.SeedSequence().generate_state(1)[0])
    keys = jax.random.split(jax.random.key(seed), 20_000)
    uniform, normal = jax.vmap(lambda key: random_numbers(key, 2, 3))(keys)
    assert uniform.shape == (20_000, 2)
    assert normal.shape == (20_000, 3)
    assert np.isfinite(np.log(uniform)).all()
    assert np.isfinite(normal).all()
    assert stats.kstest(np.ravel(uniform), "uniform").pvalue > ALARM
    assert stats.kstest(np.ravel(normal), "norm").pvalue > ALARM
    together = np.corrcoef(np.concatenate([uniform, normal], axis=1).T)
    assert np.abs(together - np.eye(5)).max() < 5.5 / np.sqrt(20_000)

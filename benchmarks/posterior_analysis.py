"""Time the Bayesian analysis of 50 completed data sets against 50 warm runs of a single one.

    uv run benchmarks/posterior_analysis.py [--m 50] [--sampler blackjax]

A regression with five coefficients, 1,000 rows, 4 chains of 1,000 draws after 1,000 of adaptation.
The ratio has writing the models, comparing them, compiling the one program, sampling, convergence
diagnostics and the tree in its numerator; its denominator is m times the mean of warm sampling
alone. Nothing is taken from JAX's persistent cache.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import jax
import numpy as np
import pandas as pd
import pymc as pm

from bayesmice.analysis.bayesian import sample_posteriors
from bayesmice.analysis.coding import code_frame, find_columns
from bayesmice.kernels.analysis_models import write_analysis
from bayesmice.kernels.cache import configure_jax
from bayesmice.kernels.posterior_choice import posterior_sampler
from bayesmice.kernels.posterior_sampler import PosteriorSettings
from bayesmice.kernels.sharing import share_models

N, K = 1_000, 4
GOAL = 1.5
RUNS = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--m", type=int, default=50, help="imputations")
    parser.add_argument("--sampler", default="blackjax", help="blackjax or nutpie")
    chosen = parser.parse_args()
    jax.config.update("jax_enable_compilation_cache", False)
    frames = [completed(imputation) for imputation in range(chosen.m)]
    run_once = warm_sampler(frames[0], chosen.sampler)
    # Before and after, since other work on the machine comes and goes.
    singles = [run_once() for _ in range(RUNS)]
    began = time.perf_counter()
    tree = sample_posteriors(frames, regression, random_seed=1, sampler=chosen.sampler)
    total = time.perf_counter() - began
    one = statistics.mean(singles + [run_once() for _ in range(RUNS)])
    ratio = total / (chosen.m * one)
    print(f"programs compiled: {tree.attrs['programs_compiled']}")
    print(f"{chosen.m} data sets: {total:.1f} s, compilation included")
    print(f"one data set, warm: {one:.3f} s")
    print(f"ratio: {ratio:.2f} (goal: below {GOAL})")


def completed(imputation: int) -> pd.DataFrame:
    """Complete one data set; a tenth of each predictor differs between imputations."""
    rng, own = np.random.default_rng(0), np.random.default_rng(1 + imputation)
    x = rng.normal(size=(N, K))
    y = 1 + x @ np.arange(1, K + 1) + rng.normal(size=N)
    x[: N // 10] = own.normal(size=(N // 10, K))
    return pd.DataFrame(x, columns=[f"x{j}" for j in range(K)]).assign(y=y)


def regression(data: dict[str, object]) -> None:
    intercept = pm.Normal("intercept", 0, 10)
    slopes = pm.Normal("slopes", 0, 10, shape=K)
    sigma = pm.HalfNormal("sigma", 5)
    mu = intercept + sum(slopes[j] * data[f"x{j}"] for j in range(K))
    pm.Normal("y", mu, sigma, observed=data["y"])


def warm_sampler(frame: pd.DataFrame, sampler: str) -> Callable[[], float]:
    """Compile a program for one data set; return what samples it once and gives the seconds."""
    configure_jax()
    columns = find_columns([frame])
    coded = code_frame(frame, columns)
    model = write_analysis(regression, coded.values, {}, coded.rows, {}, 0)
    (shared,) = share_models([model])
    settings = PosteriorSettings(1_000, 1_000, 4, 1, 0.8, False)
    _, program = posterior_sampler(shared.model, settings, sampler)

    def run_once() -> float:
        began = time.perf_counter()
        with ThreadPoolExecutor(os.cpu_count()) as executor:
            program.begin(0, shared.data[0], executor)()
        return time.perf_counter() - began

    run_once()
    return run_once


if __name__ == "__main__":
    main()

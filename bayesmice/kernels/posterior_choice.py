"""The choice of what samples an analysis model."""

import pymc as pm

from bayesmice.errors import ModelError
from bayesmice.kernels.posterior import blackjax_sampler
from bayesmice.kernels.posterior_nutpie import NutpieSampler, load_nutpie
from bayesmice.kernels.posterior_sampler import (
    PosteriorSampler,
    PosteriorSettings,
    refuse_discrete,
)
from bayesmice.kernels.posterior_steps import StepsSampler

SAMPLERS = ("auto", "blackjax", "nutpie", "pymc")


def posterior_sampler(
    model: pm.Model, settings: PosteriorSettings, name: str
) -> tuple[str, PosteriorSampler]:
    """Choose what samples a model.

    Parameters
    ----------
    model : pm.Model
        A model whose data are named.
    settings : PosteriorSettings
        How to sample.
    name : str
        One of `SAMPLERS`. ``"auto"`` is BlackJAX, which needs no more than JAX and compiles in
        seconds, wherever JAX can run the model and all parameters are continuous, and PyMC's own
        step methods elsewhere.

    Returns
    -------
    tuple of (str, PosteriorSampler)
        The name of what was chosen, and the sampler.

    Raises
    ------
    ModelError
        If the one that was asked for cannot sample the model.
    """
    if name == "nutpie":
        load_nutpie()
        refuse_discrete(model)
        return name, NutpieSampler(model, settings)
    if name == "pymc":
        return name, StepsSampler(model, settings)
    try:
        return "blackjax", blackjax_sampler(model, settings)
    except ModelError:
        if name == "blackjax":
            raise
        return "pymc", StepsSampler(model, settings)

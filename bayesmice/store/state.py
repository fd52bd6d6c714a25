"""The state of chains in a tree, so that a run can go on from a file."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

CELLS, KEPT, LANE = "cells", "kept_cells", "lane_{}"


class Lane(Protocol):
    """Kernel states of chains that run the same program; see `bayesmice.scheduler.packing`."""

    @property
    def target(self) -> str:
        """The target."""

    @property
    def kernel(self) -> str:
        """Name of the kernel."""

    @property
    def chains(self) -> NDArray[np.intp]:
        """Their positions among all chains."""

    @property
    def visits(self) -> int:
        """How often the lane was visited."""

    @property
    def begins_anew(self) -> bool:
        """Whether its chains begin at the first visit."""

    @property
    def accepted(self) -> NDArray[np.float64]:
        """Sum of the acceptance rates of its first visits."""

    @property
    def values(self) -> NDArray[Any] | None:
        """Kernel states."""


def state_dataset(
    cells: NDArray[np.float64], kept: Mapping[int, NDArray[np.float64]], lanes: Sequence[Lane]
) -> xr.Dataset:
    """Hold where chains stand.

    Parameters
    ----------
    cells : ndarray of shape (n_chains, n_cells)
        Cells of the last sweep.
    kept : mapping of int to ndarray of shape (n_chains, n_cells)
        Cells of earlier sweeps that imputations are taken from.
    lanes : sequence of Lane
        Kernel states.

    Returns
    -------
    xarray.Dataset
        ``cells``, ``kept_cells`` where there are any, and ``lane_0``, ``lane_1``, ... with the
        kernel state of each lane as numbers (or text), and what else is known of it as attributes.
    """
    variables: dict[str, xr.Variable] = {
        CELLS: xr.Variable(
            ("state_chain", "cell"), cells, {"long_name": "drawn cells of the last sweep"}
        )
    }
    coords = {}
    if kept:
        variables[KEPT] = xr.Variable(
            ("kept_sweep", "state_chain", "cell"),
            np.stack([kept[sweep] for sweep in sorted(kept)]),
            {"long_name": "drawn cells of sweeps that imputations are taken from"},
        )
        coords["kept_sweep"] = np.array(sorted(kept))
    for position, lane in enumerate(lanes):
        name = LANE.format(position)
        attributes = {
            "long_name": f"kernel states of {lane.target}",
            "target": lane.target,
            "kernel": lane.kernel,
            "chains": json.dumps(lane.chains.tolist()),
            "visits": lane.visits,
            "begins_anew": int(lane.begins_anew),
            "is_kept": int(lane.values is not None),
        }
        values = lane.values
        if values is None:
            values = np.zeros((len(lane.chains), 0))
        if values.ndim == 1:  # text
            variables[name] = xr.Variable((f"{name}_chain",), values, attributes)
        else:
            both = np.column_stack([values, lane.accepted])
            dims = (f"{name}_chain", f"{name}_number")
            variables[name] = xr.Variable(dims, both, attributes)
    return xr.Dataset(variables, coords, {"long_name": "where the chains stand"})


def read_state(
    state: xr.Dataset,
) -> tuple[NDArray[np.float64], dict[int, NDArray[np.float64]], list[dict[str, Any]]]:
    """Read what `state_dataset` holds.

    Parameters
    ----------
    state : xarray.Dataset
        The group ``state`` of a tree.

    Returns
    -------
    tuple of (ndarray, dict of int to ndarray, list of dict)
        Cells, kept cells, and for each lane its attributes by the names of `Lane`.
    """
    kept = {}
    if KEPT in state:
        sweeps = state["kept_sweep"].to_numpy().tolist()
        kept = dict(zip(sweeps, state[KEPT].to_numpy(), strict=True))
    lanes = []
    for position in range(sum(str(name).startswith("lane_") for name in state.data_vars)):
        stored = state[LANE.format(position)]
        attributes, values = stored.attrs, stored.to_numpy()
        is_text = values.ndim == 1
        n_chains = len(values)
        lanes.append(
            {
                "target": str(attributes["target"]),
                "kernel": str(attributes["kernel"]),
                "chains": np.array(json.loads(attributes["chains"]), dtype=np.intp),
                "visits": int(attributes["visits"]),
                "begins_anew": bool(attributes["begins_anew"]),
                "accepted": np.zeros(n_chains) if is_text else values[:, -1],
                "values": (values if is_text else values[:, :-1])
                if attributes["is_kept"]
                else None,
            }
        )
    return state[CELLS].to_numpy(), kept, lanes

"""Zarr folders: imputations that are read when they are wanted, one at a time.

A folder says how many files and bytes each of its arrays has, since Zarr itself takes a file that
is not there for an array of fill values. What is read later is read from the same folder or not at
all: a run that saves checkpoints replaces its folder again and again.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from bayesmice.errors import StoreError

ATTRIBUTES = ".zattrs"
ORDER, SIZES = "order", "sizes"
"""What a folder says of itself besides the attributes of the tree."""
LATER = ("log_likelihood", "posterior_predictive", "prior_predictive")
"""Groups of conditional models that grow with the rows; they are read later too."""

type Sizes = dict[str, list[int]]
"""By array, its number of files and of bytes."""


def write_folder(tree: xr.DataTree, folder: Path) -> None:
    """Write a tree into a new folder, with every imputation of a column in a file of its own."""
    imputations = tree["imputations"].to_dataset()
    chunks = {
        str(name): {"chunks": (1, max(array.shape[1], 1))}
        for name, array in imputations.data_vars.items()
    }
    _ordered(tree).to_zarr(
        folder, mode="w", zarr_format=2, consolidated=False, encoding={"/imputations": chunks}
    )
    attributes = folder / ATTRIBUTES
    said = json.loads(attributes.read_text()) | {SIZES: dict(_sizes(folder))}
    attributes.write_text(json.dumps(said))


def read_folder(folder: Path) -> xr.DataTree:
    """Read a tree that `write_folder` wrote: small groups at once, imputations when wanted.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    DataTree

    Raises
    ------
    StoreError
        If files are missing or truncated.
    """
    check_installed()
    stamp = Stamp.of(folder)
    wanted = _wanted_sizes(folder)
    found = dict(_sizes(folder))
    for name, size in wanted.items():
        if found.get(name) != size:
            raise StoreError(
                f"{os.fspath(folder)!r} is truncated: the array {name!r} has "
                f"{_in_words(found.get(name, [0, 0]))}, and was written with "
                f"{_in_words(size)}. Write the folder again, or restore it from a copy."
            )
    opened = xr.open_datatree(
        folder,
        engine="zarr",
        consolidated=False,
        chunks=None,
        cache=False,
        decode_times=False,
        decode_timedelta=False,
    )
    groups = {node.path: _read_group(node, stamp, wanted) for node in opened.subtree}
    stamp.check()
    return _in_order(xr.DataTree.from_dict(groups))


def check_installed() -> None:
    """Raise a StoreError if Zarr is not installed."""
    if find_spec("zarr") is None:
        raise StoreError(
            "Zarr folders need the package zarr, which is not installed. Install bayesmice[zarr], "
            "or use a netCDF file: a path that does not end with '.zarr'."
        )


def is_zarr(folder: Path) -> bool:
    """Tell whether a folder is one that Zarr wrote."""
    return any((folder / name).is_file() for name in (".zgroup", ATTRIBUTES, "zarr.json"))


@dataclass(frozen=True)
class Stamp:
    """Tells one folder from another that has taken its place.

    Attributes
    ----------
    folder : Path
        Where it is.
    mark : tuple of int
        Device, number and time of its attributes: of two folders that are there at the same time
        the numbers differ, of others the times.
    """

    folder: Path
    mark: tuple[int, ...]

    @classmethod
    def of(cls, folder: Path) -> "Stamp":
        """Take the stamp of a folder."""
        return cls(folder, cls._mark(folder))

    @staticmethod
    def _mark(folder: Path) -> tuple[int, ...]:
        try:
            found = os.stat(folder / ATTRIBUTES)
        except FileNotFoundError:
            return ()
        return found.st_dev, found.st_ino, found.st_mtime_ns

    def check(self) -> None:
        """Raise a StoreError if the folder is not the one that was opened."""
        if self._mark(self.folder) != self.mark:
            raise StoreError(
                f"{os.fspath(self.folder)!r} was replaced or removed since it was opened, and its "
                "imputations are read when they are wanted. Open it again with "
                "bm.open_imputations."
            )


class LaterArray(BackendArray):
    """An array of a folder that is read when it is wanted.

    Parameters
    ----------
    source : Variable
        The array as xarray opened it.
    name : str
        Where it is in the folder.
    stamp : Stamp
        The folder.
    size : list of int
        Files and bytes that it was written with.
    """

    def __init__(self, source: xr.Variable, name: str, stamp: Stamp, size: list[int]) -> None:
        self.shape, self.dtype = source.shape, source.dtype
        self._source, self._name, self._stamp, self._size = source, name, stamp, size

    def __getitem__(self, key: Any) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> NDArray[np.generic]:
        self._stamp.check()
        values: NDArray[np.generic] = self._source[key].to_numpy()
        self._stamp.check()
        size = _size(self._stamp.folder / self._name)
        if size != self._size:
            raise StoreError(
                f"{os.fspath(self._stamp.folder)!r} has changed since it was opened: the array "
                f"{self._name!r} has {_in_words(size)}, and was written with "
                f"{_in_words(self._size)}."
            )
        return values


def _read_group(node: xr.DataTree, stamp: Stamp, sizes: Mapping[str, list[int]]) -> xr.Dataset:
    dataset = node.to_dataset(inherit=False).drop_encoding()
    is_later = node.name == "imputations" or node.name in LATER
    if not is_later:
        return dataset.load()
    for name in dataset.coords:
        dataset[name].load()
    later = {}
    for name, array in dataset.data_vars.items():
        where = f"{node.path}/{name}".lstrip("/")
        own = LaterArray(array.variable, where, stamp, sizes.get(where, [0, 0]))
        lazy: Any = indexing.LazilyIndexedArray(own)
        data = indexing.CopyOnWriteArray(lazy)
        later[name] = xr.Variable(array.dims, data, array.attrs)
    return dataset.assign(later)


def _ordered(tree: xr.DataTree) -> xr.DataTree:
    """Write down the order of groups and variables, which a folder does not keep."""
    groups = {node.path: node.to_dataset(inherit=False) for node in tree.subtree}
    order = {path: list(map(str, dataset.data_vars)) for path, dataset in groups.items()}
    groups["/"] = groups["/"].assign_attrs({ORDER: json.dumps(order)})
    return xr.DataTree.from_dict(groups)


def _in_order(tree: xr.DataTree) -> xr.DataTree:
    """Bring groups and variables into the order that was written down."""
    order = json.loads(tree.attrs.pop(ORDER, "{}"))
    tree.attrs.pop(SIZES, None)
    if set(order) != set(tree.groups):
        return tree
    found = {node.path: node.to_dataset(inherit=False) for node in tree.subtree}
    groups = {}
    for path, names in order.items():
        dataset = found[path]
        groups[path] = dataset.drop_vars(names).assign({name: dataset[name] for name in names})
    return xr.DataTree.from_dict(groups)


def _wanted_sizes(folder: Path) -> Sizes:
    """Read how large the arrays were when the folder was written; empty for one of others."""
    attributes = folder / ATTRIBUTES
    said = json.loads(attributes.read_text()) if attributes.is_file() else {}
    sizes: Sizes = said.get(SIZES, {})
    return sizes


def _sizes(folder: Path) -> Iterator[tuple[str, list[int]]]:
    for description in sorted(folder.rglob(".zarray")):
        array = description.parent
        yield array.relative_to(folder).as_posix(), _size(array)


def _size(array: Path) -> list[int]:
    """Count the files of an array, and their bytes; those that only describe it are none."""
    try:
        sizes = [entry.stat().st_size for entry in os.scandir(array) if entry.name[0] != "."]
    except FileNotFoundError:
        return [0, 0]
    return [len(sizes), sum(sizes)]


def _in_words(size: list[int]) -> str:
    files = "1 file" if size[0] == 1 else f"{size[0]} files"
    return f"{files} of {size[1]} bytes together"

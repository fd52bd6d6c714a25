"""Trees on disk: netCDF files that are written whole or not at all."""

import os
import tempfile
from pathlib import Path

import xarray as xr

from bayesmice.errors import StoreError
from bayesmice.store.tree import FORMAT, GROUPS


def write_netcdf(tree: xr.DataTree, path: str | os.PathLike[str]) -> Path:
    """Write a tree to a netCDF file.

    The file is written beside its place and moved there when it is complete, so a crash leaves an
    older file as it was.

    Parameters
    ----------
    tree : xarray.DataTree
        The tree.
    path : path-like
        Where to.

    Returns
    -------
    Path
        The file.
    """
    destination = Path(path)
    # In a folder of its own: a temporary file of tempfile's would keep its private permissions.
    with tempfile.TemporaryDirectory(dir=destination.parent, prefix=".bayesmice-") as folder:
        partial = Path(folder) / destination.name
        tree.to_netcdf(partial, engine="h5netcdf")
        partial.replace(destination)
    return destination


def read_netcdf(path: str | os.PathLike[str]) -> xr.DataTree:
    """Read a tree that `write_netcdf` wrote into memory.

    Parameters
    ----------
    path : path-like
        The file.

    Returns
    -------
    xarray.DataTree
        The tree.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    StoreError
        If the file is not netCDF, or not one of ours, or of a format that this version does not
        read.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no file {os.fspath(path)!r}.")
    try:
        with xr.open_datatree(path, engine="h5netcdf") as opened:
            tree = opened.load()
    except (OSError, ValueError, KeyError) as error:
        raise StoreError(
            f"{os.fspath(path)!r} cannot be read as a netCDF file: {error}. It may be truncated or "
            "of another kind."
        ) from error
    absent = [group for group in GROUPS if group not in tree.children]
    if tree.attrs.get("format") == FORMAT and absent:
        raise StoreError(
            f"{os.fspath(path)!r} lacks the group {absent[0]!r}, so it cannot be opened. It may be "
            "a part of a tree; write the whole one with Imputations.to_netcdf."
        )
    found = tree.attrs.get("format")
    if found != FORMAT:
        raise StoreError(
            f"{os.fspath(path)!r} says its format is {found!r}; this version of bayesmice reads "
            f"{FORMAT!r}. "
            "Open it with the version that wrote it."
        )
    return tree

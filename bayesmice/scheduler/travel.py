"""Travelling: where a batch stands, as bytes for another process.

Kernel states travel as they are. The programs that they belong to do not: they are known by the
name of their target and kernel, and found again among those of the other process.
"""

import io
import pickle
from collections.abc import Sequence
from typing import Any

from bayesmice.errors import ModelError
from bayesmice.kernels.visits import Program
from bayesmice.scheduler.batches import Batch
from bayesmice.scheduler.strands import Strand

type ProgramName = tuple[int, str, bool]
"""Strand, target, and whether it is the alternative of its target."""


def packed(strands: Sequence[Strand], batch: Batch) -> bytes:
    """Write where a batch stands as bytes.

    Raises
    ------
    ModelError
        If the state of a kernel cannot leave its process.
    """
    names = {id(program): name for name, program in _programs(strands).items()}

    class Packer(pickle.Pickler):
        def persistent_id(self, obj: Any) -> ProgramName | None:
            return names.get(id(obj))

    written = io.BytesIO()
    try:
        Packer(written, protocol=pickle.HIGHEST_PROTOCOL).dump(batch)
    except (TypeError, pickle.PicklingError) as error:
        raise ModelError(
            f"The chains of a conditional model cannot be sent to another process: {error}. Run "
            "it without client=."
        ) from error
    return written.getvalue()


def unpacked(strands: Sequence[Strand], written: bytes) -> Batch:
    """Read where a batch stands from what `packed` wrote, also in another process."""
    programs = _programs(strands)

    class Unpacker(pickle.Unpickler):
        def persistent_load(self, pid: Any) -> Program:
            return programs[pid]

    batch: Batch = Unpacker(io.BytesIO(written)).load()
    return batch


def _programs(strands: Sequence[Strand]) -> dict[ProgramName, Program]:
    return {
        (place, name, is_other): program
        for place, strand in enumerate(strands)
        for name, target in strand.course.targets.items()
        for is_other, program in ((False, target.program), (True, target.alternative))
        if program is not None
    }

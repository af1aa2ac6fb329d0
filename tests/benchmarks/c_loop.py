"""The same evaluation as a plain C loop, compiled with the machine's C compiler."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from rebal_tui.engine.arrays.day_context import DayContext
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.kernels import other_holding_values, slot_prices

_SOURCE = Path(__file__).with_name("kernel.c")


def compiled(folder: Path) -> ctypes.CDLL | None:
    """Compile the loop to a library in a folder; None without a C compiler."""
    compiler = next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)
    if compiler is None:
        return None
    library = folder / "kernel.so"
    flags = ["-O3", "-march=native", "-shared", "-fPIC", "-lm"]
    subprocess.run([compiler, str(_SOURCE), "-o", str(library), *flags], check=True)
    return ctypes.CDLL(str(library))


def c_evaluation(
    frame: BookFrame, day_context: DayContext
) -> Callable[[], np.ndarray[tuple[int], np.dtype[np.uint8]]] | None:
    """A function that evaluates a frame whose accounts are all in one block; None without a C compiler."""
    with tempfile.TemporaryDirectory() as folder:
        library = compiled(Path(folder))
    if library is None:
        return None
    block = max(frame.blocks, key=lambda b: len(b.rows))
    table, members, accounts = frame.table, block.members, frame.accounts
    outcome = np.zeros(len(frame), np.uint8)
    arrays = [
        block.qty, block.rows, block.local, slot_prices(frame, block), block.target.astype(np.float64),
        block.limit, table.cash_weight[members] / 10_000, table.count[members], table.cooldown[members],
        day_context.calendar[members].astype(np.uint8), table.active[members].astype(np.uint8), accounts.cash,
        accounts.reserved, accounts.cash_floor, accounts.rebalanced_on, accounts.system_run_on, accounts.marks,
    ]  # fmt: skip
    contiguous = [np.ascontiguousarray(array) for array in arrays]
    sizes = (len(block.rows), len(block.qty), len(members))

    def run() -> np.ndarray[tuple[int], np.dtype[np.uint8]]:
        besides = other_holding_values(frame)[1]
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in (*contiguous, besides)]
        library.evaluate(
            *(ctypes.c_int64(size) for size in sizes), *pointers, ctypes.c_int64(day_context.day),
            ctypes.c_void_p(outcome.ctypes.data),
        )  # fmt: skip
        return outcome

    return run

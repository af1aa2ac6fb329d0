"""A disk that fails below SQLite: the n-th write, sync, truncation, opening or mapping of the log's index.

The SQLite that Python has loaded gets a custom VFS through ctypes: the system's VFS with a few calls replaced. The
program runs unchanged, and no compiler is needed. A VFS stays registered until the process ends: use it in a child.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import os
import random
import signal
import sqlite3
from collections import Counter
from collections.abc import Callable
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_int64, c_void_p
from dataclasses import dataclass
from enum import StrEnum, auto
from pathlib import Path
from typing import Any

IOERR_WRITE, IOERR_FSYNC, IOERR_TRUNCATE, IOERR_SHMMAP, FULL, CANTOPEN = 778, 1034, 1546, 5386, 13, 14


class Call(StrEnum):
    """A disk operation."""

    WRITE = auto()
    SYNC = auto()
    TRUNCATE = auto()
    OPEN = auto()
    MAP = auto()


class Fault(StrEnum):
    """The failure of a disk operation."""

    WRITE_ERROR = auto()
    SHORT_WRITE = auto()
    DISK_FULL = auto()
    SYNC_ERROR = auto()
    TRUNCATE_ERROR = auto()
    OPEN_ERROR = auto()
    MAP_ERROR = auto()
    KILL = auto()
    POWER_CUT = auto()


CALLS: dict[Fault, frozenset[Call]] = {
    Fault.WRITE_ERROR: frozenset({Call.WRITE}),
    Fault.SHORT_WRITE: frozenset({Call.WRITE}),
    Fault.DISK_FULL: frozenset({Call.WRITE}),
    Fault.SYNC_ERROR: frozenset({Call.SYNC}),
    Fault.TRUNCATE_ERROR: frozenset({Call.TRUNCATE}),
    Fault.OPEN_ERROR: frozenset({Call.OPEN}),
    Fault.MAP_ERROR: frozenset({Call.MAP}),
    Fault.KILL: frozenset({Call.WRITE, Call.SYNC, Call.TRUNCATE}),
    Fault.POWER_CUT: frozenset({Call.WRITE, Call.SYNC, Call.TRUNCATE}),
}
"""The calls at which a fault can occur; they are counted together."""
_CODES = {
    Fault.WRITE_ERROR: IOERR_WRITE,
    Fault.SHORT_WRITE: IOERR_WRITE,
    Fault.DISK_FULL: FULL,
    Fault.SYNC_ERROR: IOERR_FSYNC,
    Fault.TRUNCATE_ERROR: IOERR_TRUNCATE,
    Fault.OPEN_ERROR: CANTOPEN,
    Fault.MAP_ERROR: IOERR_SHMMAP,
}


@dataclass(frozen=True)
class Plan:
    """The fault at the n-th of its calls, counted from 1; with `lasting`, at every later one too."""

    fault: Fault
    number: int
    lasting: bool = False


_Open = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, POINTER(c_int))
_Write = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_Truncate = CFUNCTYPE(c_int, c_void_p, c_int64)
_Sync = CFUNCTYPE(c_int, c_void_p, c_int)
_Map = CFUNCTYPE(c_int, c_void_p, c_int, c_int, c_int, c_void_p)


class _Vfs(ctypes.Structure):
    """`sqlite3_vfs`, version 3."""

    _fields_ = [
        ("version", c_int),
        ("file_size", c_int),
        ("longest_path", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("data", c_void_p),
        ("open", _Open),
        *((f"call_{number}", c_void_p) for number in range(14)),
    ]


class _Methods(ctypes.Structure):
    """`sqlite3_io_methods`, version 3."""

    _fields_ = [
        ("version", c_int),
        ("close", c_void_p),
        ("read", c_void_p),
        ("write", _Write),
        ("truncate", _Truncate),
        ("sync", _Sync),
        *((f"call_{number}", c_void_p) for number in range(7)),
        ("map", _Map),
        *((f"late_call_{number}", c_void_p) for number in range(5)),
    ]


def sqlite_library() -> ctypes.CDLL | None:
    """The SQLite library that the module `sqlite3` is linked with; None when the interpreter links it statically."""
    file = getattr(_sqlite3, "__file__", None)
    library = ctypes.CDLL(file)
    try:
        library.sqlite3_sourceid.restype = c_char_p
    except AttributeError:
        if file is None:
            return None
        raise
    with sqlite3.connect(":memory:") as connection:
        source_id = connection.execute("SELECT sqlite_source_id()").fetchone()[0]
    connection.close()
    assert library.sqlite3_sourceid().decode() == source_id, "another SQLite than Python's was found"
    return library


@dataclass
class _Unsynced:
    """Data that a power cut may undo: the previous content of a file, and its previous size."""

    path: str
    offset: int
    before: bytes
    size: int


class FaultyDisk:
    """The VFS of every file that SQLite opens afterwards in this process. `counts` counts each call."""

    def __init__(self, plan: Plan | None = None) -> None:
        library = sqlite_library()
        assert library is not None
        self.counts: Counter[Call] = Counter()
        self.fired = False
        self._plan = plan
        self._number = 0
        self._methods: dict[int, _Methods] = {}
        self._paths: dict[int, str] = {}
        self._unsynced: list[_Unsynced] = []
        library.sqlite3_vfs_find.restype = POINTER(_Vfs)
        library.sqlite3_vfs_find.argtypes = [c_char_p]
        library.sqlite3_vfs_register.argtypes = [POINTER(_Vfs), c_int]
        system = library.sqlite3_vfs_find(None)
        assert system.contents.version >= 2
        self._system = system
        self._vfs = _Vfs.from_buffer_copy(system.contents)
        self._vfs.next, self._vfs.name = None, b"faulty"
        self._vfs.open = _Open(self._guarded(self._open))
        assert library.sqlite3_vfs_register(ctypes.byref(self._vfs), 1) == 0
        sqlite3.connect("file:nowhere?mode=memory", uri=True).close()

    @staticmethod
    def _guarded(call: Callable[..., int]) -> Callable[..., int]:
        """Exit on an exception in a callback; SQLite would take it for success."""

        def guarded(*arguments: Any) -> int:
            try:
                return call(*arguments)
            except BaseException:
                import traceback

                traceback.print_exc()
                os._exit(70)

        return guarded

    def _fails(self, call: Call) -> Fault | None:
        """Count a call; returns its fault, if any."""
        self.counts[call] += 1
        plan = self._plan
        if plan is None or call not in CALLS[plan.fault]:
            return None
        self._number += 1
        if self._number == plan.number or (plan.lasting and self._number > plan.number):
            self.fired = True
            return plan.fault
        return None

    def _open(self, _vfs: int, name: int | None, file: int, flags: int, out: Any) -> int:
        pointer = c_void_p.from_address(file)
        if self._fails(Call.OPEN):
            pointer.value = None
            return _CODES[Fault.OPEN_ERROR]
        code = int(self._system.contents.open(ctypes.addressof(self._system.contents), name, file, flags, out))
        if pointer.value is not None:
            pointer.value = ctypes.addressof(self._replaced(pointer.value))
            self._paths[file] = ctypes.string_at(name).decode() if name else ""
        return code

    def _replaced(self, address: int) -> _Methods:
        """The methods of a file type, with those that can fail replaced."""
        if address not in self._methods:
            system = _Methods.from_address(address)
            copied = _Methods.from_buffer_copy(system)
            copied.write = _Write(self._guarded(self._write(system)))
            copied.truncate = _Truncate(self._guarded(self._truncate(system)))
            copied.sync = _Sync(self._guarded(self._sync(system)))
            if system.version >= 2 and system.map:
                copied.map = _Map(self._guarded(self._map(system)))
            self._methods[address] = copied
        return self._methods[address]

    def _write(self, system: _Methods) -> Callable[..., int]:
        def write(file: int, data: int, size: int, offset: int) -> int:
            fault = self._fails(Call.WRITE)
            self._note(file, offset, size)
            if fault in (Fault.SHORT_WRITE, Fault.KILL, Fault.POWER_CUT):
                system.write(file, data, size // 2, offset)
            return self._answer(fault) if fault else system.write(file, data, size, offset)

        return write

    def _truncate(self, system: _Methods) -> Callable[..., int]:
        def truncate(file: int, size: int) -> int:
            fault = self._fails(Call.TRUNCATE)
            if fault:
                return self._answer(fault)
            self._note(file, size, 1 << 40)
            return int(system.truncate(file, size))

        return truncate

    def _sync(self, system: _Methods) -> Callable[..., int]:
        def sync(file: int, flags: int) -> int:
            fault = self._fails(Call.SYNC)
            if fault:
                return self._answer(fault)
            code = int(system.sync(file, flags))
            self._unsynced = [one for one in self._unsynced if one.path != self._paths[file]]
            return code

        return sync

    def _map(self, system: _Methods) -> Callable[..., int]:
        def shared(file: int, region: int, size: int, extend: int, out: int) -> int:
            fault = self._fails(Call.MAP)
            return self._answer(fault) if fault else system.map(file, region, size, extend, out)

        return shared

    def _note(self, file: int, offset: int, size: int) -> None:
        path = self._paths[file]
        if self._plan is None or self._plan.fault is not Fault.POWER_CUT or not path:
            return
        with Path(path).open("rb") as opened:
            length = os.fstat(opened.fileno()).st_size
            before = os.pread(opened.fileno(), min(size, max(length - offset, 0)), offset)
        self._unsynced.append(_Unsynced(path, offset, before, length))

    def _answer(self, fault: Fault) -> int:
        if fault is Fault.POWER_CUT:
            self._lose()
        if fault in (Fault.POWER_CUT, Fault.KILL):
            os.kill(os.getpid(), signal.SIGKILL)
        return _CODES[fault]

    def _lose(self) -> None:
        """Of the writes that were not synced, some reached the disk and some did not, in any order."""
        dice = random.Random(self._number)
        for one in reversed(self._unsynced):
            if dice.random() < 0.5 and os.path.exists(one.path):
                with Path(one.path).open("r+b") as opened:
                    os.pwrite(opened.fileno(), one.before, one.offset)
                    if one.size <= one.offset and dice.random() < 0.5:
                        os.ftruncate(opened.fileno(), one.size)

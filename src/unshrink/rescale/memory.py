"""How much memory there is, and what pictures take of it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from dataclasses import dataclass
from math import prod
from pathlib import Path

from unshrink.errors import LimitError
from unshrink.nn.parts import Part, Size
from unshrink.rescale.tiles import MOST_EXTRA, computed, cut

SHARE = 0.5
"""Of the memory that is free when the engine starts on a picture: what it may take where nothing is said."""
UNKNOWN = 2 * 1024**3
"""Bytes taken to be free where the system does not say."""
AT_START = 320 * 1024**2
"""Bytes that Python and torch hold before any work, where the system does not say."""
TORCH = 640 * 1024**2
"""Bytes of addresses that torch takes when it is imported, most of them never used."""
WORK = 64 * 1024**2
"""Bytes for the libraries' buffers, beside the features of a sub-network's tile."""
KEPT = 256 * 1024**2
"""Bytes of gaps between what tiles hold, which the allocator keeps for the next one; see `return_large_blocks`."""
READING = 8.0
"""Bytes a pixel while a picture is decoded: 4 in the decoder, 3 as RGB, and some rows on their way."""
PROGRESSIVE = 6.0
"""Bytes a pixel more for the coefficients of a progressive JPEG."""
WRITING = 7.0
"""Bytes a pixel beside the picture while it is encoded as PNG, JPEG or TIFF: 4 in the encoder, and the file."""
FLOAT = 4
_M_MMAP_THRESHOLD = -3  # of malloc.h
_LARGE_BLOCK = 4 * 1024**2

_MEMORY_FILES = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)
"""Limit and use of the control group, version 2 and 1, as they are seen from inside a container."""


@dataclass(frozen=True)
class Memory:
    """What the process may hold, in bytes of resident memory, libraries included."""

    limit: int
    asked: bool = False
    """Whether the user named it; else it is a share of what was free."""

    @property
    def room(self) -> int:
        """Bytes that may still be taken."""
        return max(0, self.limit - resident())

    def smaller(self) -> Memory:
        """A quarter of the room, for another try with smaller tiles."""
        return Memory(resident() + self.room // 4, self.asked)

    def require(self, more: float, what: str) -> None:
        """Raise LimitError where `more` bytes beside what is held now do not fit, naming `what` they are for."""
        needed = resident() + more
        if needed > self.limit:
            raise _too_little(needed, self, what)

    def tiles(self, size: Size, *, unit: int, floats: float, reserve: float, halo: int) -> list[Part]:
        """Tiles of a picture of `size`, with `halo` around them and sides that are multiples of `unit`.

        Each of their pixels takes `floats`; `reserve` bytes are kept for other things. Raises LimitError where not even
        the smallest tile fits.
        """
        reserve += WORK
        room = self.limit - resident() - reserve
        of_pixel = floats * FLOAT
        tiles = cut(size, halo=halo, unit=unit, most=(room - KEPT) / of_pixel)
        if tiles and computed(tiles, size, halo) <= (1 + MOST_EXTRA) * prod(size):
            return tiles
        return_large_blocks()
        tiles = cut(size, halo=halo, unit=unit, most=room / of_pixel)
        if not tiles:
            least = min(size[0], unit + 2 * halo) * min(size[1], unit + 2 * halo) * of_pixel
            raise _too_little(resident() + reserve + least, self, "the network")
        return tiles


def memory(limit: int | None = None) -> Memory:
    """What may be used: `limit` bytes, or for None a share of what the machine and its control group leave free."""
    if limit is not None:
        return Memory(limit, asked=True)
    return Memory(resident() + int(SHARE * available()))


def require_torch() -> None:
    """Raise LimitError where `ulimit -v` leaves no room for torch, whose import would end in errors of many kinds."""
    free = None if "torch" in sys.modules else _free_in_address_space()
    if free is not None and free < TORCH:
        raise LimitError(
            f"There is too little memory for torch, which networks run on: it takes {TORCH / 1e9:.1f} GB of addresses, "
            f"and {free / 1e9:.1f} GB are left (ulimit -v); allow more."
        )


def available() -> int:
    """Bytes that the process could still take without the system swapping or stopping it."""
    found = [_free_in_machine(), _free_in_address_space(), *(_free_in_group(*files) for files in _MEMORY_FILES)]
    return min((free for free in found if free is not None), default=UNKNOWN)


def resident() -> int:
    """Bytes of memory that this process holds now."""
    with contextlib.suppress(OSError, ValueError, IndexError, AttributeError):
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return AT_START


def trim_heap() -> None:
    """Hand memory that was freed back to the system, where the allocator would keep it for the next time (glibc)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def return_large_blocks() -> None:
    """Have the allocator hand back every large block as soon as it is free (glibc).

    Networks then take about 40 % longer, for the system clears each block anew.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)


def _free_in_machine() -> int | None:
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def _free_in_address_space() -> int | None:
    """What `ulimit -v` leaves: it counts what is reserved, not only what is used."""
    try:
        from resource import RLIM_INFINITY, RLIMIT_AS, getrlimit
    except ImportError:  # not on Windows
        return None
    limit = getrlimit(RLIMIT_AS)[0]
    if limit == RLIM_INFINITY:
        return None
    with contextlib.suppress(OSError, ValueError, IndexError):
        reserved = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
        return max(0, limit - reserved)
    return None


def _free_in_group(limit: str, used: str) -> int | None:
    with contextlib.suppress(OSError, ValueError):  # "max" is no number: no limit
        return max(0, int(Path(limit).read_text(encoding="ascii")) - int(Path(used).read_text(encoding="ascii")))
    return None


def _too_little(needed: float, memory: Memory, what: str) -> LimitError:
    source = "are allowed (--memory)" if memory.asked else "may be used of what is free"
    return LimitError(
        f"There is too little memory for {what}: it takes about {needed / 1e9:.1f} GB in all, and "
        f"{memory.limit / 1e9:.1f} GB {source}; allow more, close other programs, or cut the picture into pieces."
    )

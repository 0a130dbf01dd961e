"""How many processors there are to work with: those that this process may use, less what others keep busy."""

from __future__ import annotations

import contextlib
import math
import os
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")


def wait_passively() -> None:
    """Have threads sleep while they wait for each other. To be called before torch is imported; what is set stays.

    By default they spin, which on a machine with other work keeps the very thread waiting that they wait for.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("KMP_BLOCKTIME", "0")


def processors() -> int:
    """Processors that this process may use: of the machine, of its affinity, of its control groups; at least 1."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.floor(min(count, *_quotas(), count)))


def idle_processors() -> int:
    """Those of `processors` that nobody keeps busy now, by the load of the last minute; at least 1."""
    free = (os.cpu_count() or 1) - load()
    return max(1, min(processors(), round(free)))


def load() -> float:
    """Processes that ran or wanted to, on the average of the last minute; 0 where the system does not say."""
    with contextlib.suppress(OSError, AttributeError):
        return os.getloadavg()[0]
    return 0.0


def _quotas() -> list[float]:
    """The processors that each control group above this process allows it, version 2 and 1."""
    found = [_quota(folder / "cpu.max") for folder in _own_groups()]
    pair = [_number(_GROUPS / "cpu" / name) for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us")]
    if pair[0] and pair[1] and pair[0] > 0:
        found.append(pair[0] / pair[1])
    return [quota for quota in found if quota]


def _own_groups() -> list[Path]:
    own = "/"
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            if line.startswith("0::"):
                own = line[3:]
    group = _GROUPS / own.strip("/")
    return [folder for folder in (group, *group.parents) if folder == _GROUPS or _GROUPS in folder.parents]


def _quota(path: Path) -> float | None:
    with contextlib.suppress(OSError, ValueError):  # "max" is no number: no limit
        allowed, period = path.read_text(encoding="ascii").split()
        return int(allowed) / int(period)
    return None


def _number(path: Path) -> float | None:
    with contextlib.suppress(OSError, ValueError):
        return float(path.read_text(encoding="ascii"))
    return None

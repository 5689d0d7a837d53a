"""What a container may use: limits of Linux's control groups, versions 1 and 2.

https://docs.kernel.org/admin-guide/cgroup-v2.html; `docker run --cpus=1.5 --memory=8g` sets them,
and so do Kubernetes and Slurm.
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
GROUPS_OF_PROCESS = Path("/proc/self/cgroup")  # lines `number:controllers:path`
# Where the trees begin: of version 2, and of version 1 by controller.
TREES = ("", "unified", "cpu", "cpu,cpuacct", "memory")


def num_cpus() -> float | None:
    """Return how many processors' time this process may take, such as 1.5; None: no limit."""
    limits = [
        float(quota) / float(period)
        for quota, period in (text.split() for text in _limits("cpu.max"))
        if quota != "max"
    ]
    for quota, period in zip(
        _limits("cpu.cfs_quota_us"), _limits("cpu.cfs_period_us"), strict=True
    ):
        if float(quota) > 0:  # -1 is no limit
            limits.append(float(quota) / float(period))
    return min(limits, default=None)


def memory_bytes() -> float | None:
    """Return how many bytes of memory this process and others of its group may take; None: all."""
    limits = [*_limits("memory.max"), *_limits("memory.limit_in_bytes")]
    return min((float(text) for text in limits if text != "max"), default=None)


def _limits(name: str) -> Iterator[str]:
    """Yield what stands in the files of a name, of this process's groups and those above."""
    for folder in _folders():
        with suppress(OSError):
            yield (folder / name).read_text(encoding="ascii").strip()


def _folders() -> list[Path]:
    groups = {"/"}
    with suppress(OSError):
        lines = GROUPS_OF_PROCESS.read_text(encoding="utf-8", errors="replace").splitlines()
        groups |= {line.split(":", 2)[2] for line in lines}
    # Within a container its own group is often the root, whatever it is called outside.
    places = {place for group in groups for place in (Path(group), *Path(group).parents)}
    return [ROOT / tree / str(place).lstrip("/") for tree in TREES for place in sorted(places)]

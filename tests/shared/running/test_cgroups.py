"""A container's share of processors and memory is what a stage and the plan go by."""

import os

import numpy as np  # noqa: F401 - so that its library of linear algebra is loaded
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from commands.plan import estimates
from stages.shared.running import cgroups, engine

IN_DOCKER = "0::/\n"
NESTED = "0::/user.slice/job.scope\n"
VERSION_1 = "4:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc\n"


@pytest.fixture
def limited(tmp_path, monkeypatch):
    """Lay these files below the tree of control groups, of a process in these groups."""
    monkeypatch.delenv("SUBSET_CORES", raising=False)
    monkeypatch.setattr(cgroups, "ROOT", tmp_path / "cgroup")
    monkeypatch.setattr(cgroups, "GROUPS_OF_PROCESS", tmp_path / "groups")
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(64)), raising=False)

    def lay(groups, files):
        if groups is not None:
            (tmp_path / "groups").write_text(groups)
        for name, content in files.items():
            path = tmp_path / "cgroup" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{content}\n")

    return lay


@pytest.mark.parametrize(
    ("groups", "files", "cores"),
    [
        (IN_DOCKER, {"cpu.max": "100000 100000"}, 1),
        (IN_DOCKER, {"cpu.max": "150000 100000"}, 2),  # 1.5 processors keep two threads busy
        (IN_DOCKER, {"cpu.max": "20000 100000"}, 1),
        (IN_DOCKER, {"cpu.max": "max 100000"}, 64),
        (IN_DOCKER, {"cpu.max": "12800000 100000"}, 64),  # more than there are
        (IN_DOCKER, {}, 64),
        (NESTED, {"user.slice/job.scope/cpu.max": "400000 100000"}, 4),
        # The tightest of those above counts.
        (
            NESTED,
            {"user.slice/job.scope/cpu.max": "max 100000", "user.slice/cpu.max": "300000 100000"},
            3,
        ),
        (VERSION_1, {"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, 2),
        (VERSION_1, {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 64),
        (
            VERSION_1,
            {
                "cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "50000",
                "cpu,cpuacct/docker/abc/cpu.cfs_period_us": "10000",
            },
            5,
        ),
        (None, {"cpu.max": "700000 100000"}, 7),  # without /proc
    ],
)
def test_cores_are_those_that_the_container_may_use(limited, groups, files, cores):
    limited(groups, files)
    assert engine.num_cores() == cores
    assert (engine.num_workers(1), engine.num_loaders()) == (cores, cores)


def test_what_the_user_sets_counts_more_than_the_quota(limited, monkeypatch):
    limited(IN_DOCKER, {"cpu.max": "100000 100000"})
    monkeypatch.setenv("SUBSET_CORES", "3")
    assert engine.num_cores() == 3


def threads_of_numpy():
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}


@pytest.mark.parametrize(
    ("quota", "threads", "told"), [("100000", {1}, "1"), ("max", {2}, None), ("300000", {3}, "3")]
)
def test_libraries_compute_in_as_many_threads(limited, monkeypatch, quota, threads, told):
    """Two are as many as the machine has: a library may be told of more, and less than a share."""
    monkeypatch.setenv("OMP_NUM_THREADS", "")  # so that it is taken back
    monkeypatch.delenv("OMP_NUM_THREADS")
    limited(IN_DOCKER, {"cpu.max": f"{quota} 100000"})
    with threadpool_limits(2):
        engine.limit_threads()
        assert threads_of_numpy() == threads
    assert os.environ.get("OMP_NUM_THREADS") == told


@pytest.mark.parametrize(
    ("groups", "files", "most"),
    [
        (IN_DOCKER, {"memory.max": "1000"}, 1000),
        (IN_DOCKER, {"memory.max": "max"}, None),
        (NESTED, {"user.slice/memory.max": "500", "user.slice/job.scope/memory.max": "max"}, 500),
        (VERSION_1, {"memory/docker/abc/memory.limit_in_bytes": "2000"}, 2000),
        (VERSION_1, {"memory/memory.limit_in_bytes": "9223372036854771712"}, None),
    ],
)
def test_the_plan_goes_by_the_memory_of_the_container(limited, groups, files, most):
    without = estimates._memory()
    limited(groups, files)
    assert estimates._memory() == (most or without)

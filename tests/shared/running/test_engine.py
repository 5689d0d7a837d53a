"""Tests for stages/shared/running/engine.py: on which device."""

import os
import runpy
import subprocess
import sys

import pytest
from toy import ROOT

from stages.shared.errors import ParamsError
from stages.shared.running import engine


@pytest.mark.parametrize(("wanted", "expected"), [("cpu", False), ("cuda", True), ("tpu", True)])
def test_what_is_asked_for_by_name_is_looked_for_with_torch(wanted, expected, monkeypatch):
    monkeypatch.setenv("SUBSET_DEVICE", wanted)
    assert engine.has_gpu() is expected


def test_a_device_that_is_unknown_or_not_there_is_refused(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setenv("SUBSET_DEVICE", "tpu")
    with pytest.raises(ParamsError, match="is 'tpu'; choose one of auto, cpu, cuda"):
        engine.device_name()
    monkeypatch.setenv("SUBSET_DEVICE", "cuda")
    with pytest.raises(ParamsError, match="torch finds no GPU"):
        engine.device_name()


def test_an_empty_variable_is_none(monkeypatch):
    for name in ("ENGINE", "DEVICE", "WORKERS", "LOADERS", "CORES"):
        monkeypatch.delenv(f"SUBSET_{name}", raising=False)
    unset = engine.on_cluster(), engine.wanted_device(), engine.num_workers(1), engine.num_loaders()
    for name in ("ENGINE", "DEVICE", "WORKERS", "LOADERS", "CORES"):
        monkeypatch.setenv(f"SUBSET_{name}", "")
    found = engine.on_cluster(), engine.wanted_device(), engine.num_workers(1), engine.num_loaders()
    assert found == unset


# Four blocks are written, dropped and written again; counted are the pages of the second time.
WRITE_TWICE = """
import resource
from stages.shared.running import engine
{call}
for _ in range(2):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [bytearray(1 << 24) for _ in range(4)]
    del blocks
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="of glibc")
def test_freed_memory_is_used_again_without_asking_the_kernel():
    faults = []
    for call in ("", "engine.keep_freed_memory()"):
        code = WRITE_TWICE.format(call=call)
        shown = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=ROOT
        )
        faults.append(int(shown.stdout))
    pages = 4 * (1 << 24) // 4096
    assert faults[0] > pages / 2
    assert faults[1] < pages / 100


@pytest.mark.parametrize(
    ("given", "spins"),
    [({}, "10000"), ({"GOMP_SPINCOUNT": "5"}, "5"), ({"OMP_WAIT_POLICY": "ACTIVE"}, None)],
)
def test_threads_that_wait_sleep_soon_unless_the_environment_says_more(given, spins, monkeypatch):
    monkeypatch.setattr(os, "environ", dict(given))

    runpy.run_path(str(ROOT / "stages/__init__.py"))

    assert os.environ.get("GOMP_SPINCOUNT") == spins

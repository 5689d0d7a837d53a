"""Run a stage as the command line does, on what it must refuse."""

import importlib
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import toy

from stages.shared import artifacts
from stages.shared.artifacts import Checkpoint, Voter
from stages.shared.running import command


def everything_below(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return content and time of every file."""
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def line_of(monkeypatch, capsys) -> Callable[..., str]:
    """Run a stage in the working folder, which it must refuse; return the line that it says.

    It ends with code 1 and this one line, and everything that was there before is as it was.
    """

    def run(stage: str, *arguments: str) -> str:
        main = importlib.import_module(f"stages.{stage}.__main__").main
        monkeypatch.setattr(sys, "argv", [stage, *arguments])
        monkeypatch.delenv("SUBSET_DEBUG", raising=False)
        before = everything_below(Path())
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            command.run(main)
        said = capsys.readouterr()
        assert ended.value.code == 1
        assert everything_below(Path()) == before
        assert said.out == ""
        assert said.err.startswith("error: ")
        assert said.err.endswith("\n")
        assert said.err.count("\n") == 1
        return said.err.removeprefix("error: ").removesuffix("\n")

    return run


CHECKPOINTS = [
    Checkpoint(member, 2, validation_accuracy=0.5, is_best=True, is_last=True) for member in (0, 1)
]


@pytest.fixture(scope="session")
def ensemble(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ensemble")
    toy.write_ensemble(folder, CHECKPOINTS)
    return folder


@pytest.fixture
def toy_files(project, prepared, ensemble, monkeypatch):
    """Write what all stages read, and what an earlier run wrote."""
    monkeypatch.setenv("SUBSET_DEVICE", "cpu")
    monkeypatch.setenv("SUBSET_WORKERS", "1")
    shutil.copytree(prepared, "toy")
    shutil.copytree(ensemble, "toy/ensemble/seed-0")
    Path("weights").touch()  # random ones
    rng = np.random.default_rng(0)
    for name, dtype in artifacts.SIGNAL_DTYPES.items():
        shape = (2, 100) if name.endswith("_MN") else 100
        artifacts.save_array(Path(f"signals/seed-0/{name}.npy"), rng.random(shape).astype(dtype))
    artifacts.save_voters(Path("signals/seed-0"), [Voter(0, 0, 2, 0.5), Voter(1, 1, 2, 0.5)])
    artifacts.save_array(Path("signals/seed-0/sampled_S.npy"), np.arange(10))
    artifacts.save_array(
        Path("signals/seed-0/voter_entropy_MS.npy"), rng.random((2, 10), np.float32)
    )
    artifacts.save_dynamics(Path("dynamics/seed-0"), artifacts.no_dynamics())
    artifacts.save_scores(Path("scores/seed-0.npy"), rng.random(100))
    artifacts.save_table(Path("lists/reference.csv"), ["sample_id", "score"], [])
    artifacts.save_subset(Path("subsets/0.2/seed-0.csv"), toy.picks(list(range(20))))
    artifacts.save_subset(Path("subsets/0.5/seed-0.csv"), toy.picks(list(range(50))))
    artifacts.save_subset(Path("proposals/0.5/seed-0/top.csv"), toy.picks(list(range(50))))
    artifacts.save_subset(Path("comparison/selected/seed-0.csv"), toy.picks(list(range(50))))
    for name in (
        "orders/0.5/seed-0.npy",
        "ensemble/model.json",
        "models/model.json",
        "history/seed-0.csv",
    ):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("what an earlier run wrote")

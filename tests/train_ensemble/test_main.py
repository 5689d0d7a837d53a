"""Tests for stages/train_ensemble."""

import in_process
import toy

from stages.shared import artifacts
from stages.shared.artifacts import tracking
from stages.train_ensemble.__main__ import main


def test_an_ensemble_lies_beside_its_history_and_its_dynamics(prepared, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    in_process.patch(monkeypatch)
    content = toy.default_params()
    content["train_ensemble"].update(
        {"members": 2, "length": {"epochs": 2}, "batch_size": 8, "track": "gradient_norm"}
    )
    content["select"]["candidates"] = "all"
    content["predict_pool"]["voters"].update({"count": 1, "stride": 1})
    toy.write_params(tmp_path, content)
    artifacts.save_subset(tmp_path / "subset/seed-0.csv", toy.picks([7, 3, 40, 3]))

    (tmp_path / "weights").touch()  # random ones
    names = ("none", "subset", "weights", "ensemble", "history", "dynamics")
    main(prepared, *(tmp_path / name for name in names))

    assert artifacts.load_ensemble(tmp_path / "ensemble/seed-0").num_members == 2
    assert len(artifacts.load_history(tmp_path / "history/seed-0.csv")) == 4
    dynamics = artifacts.load_dynamics(tmp_path / "dynamics/seed-0", 60)
    assert dynamics.row_R.tolist() == [3, 7, 40]
    assert dynamics.el2n_MR.shape == (2, 3)
    assert dynamics.sampled_S.tolist() == [3, 7, 40]
    assert len(dynamics.kept_events_ES) == len(
        artifacts.load_ensemble(tmp_path / "ensemble/seed-0").checkpoints
    )
    tracked = tracking.load_tracked(tmp_path / "dynamics/seed-0")
    assert tracked.row_S.tolist() == [3, 7, 40]
    assert tracked.gradient_norm_MES.shape == (2, 3, 3)

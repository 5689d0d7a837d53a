"""What is said of real trainings: of detectors that have seen 60 batches, and of longer ones."""

import shutil

import numpy as np
import pytest
import toy
from finished_run import subset

from commands.preset.presets import text
from stages.evaluate.__main__ import main as evaluate
from stages.prepare.__main__ import main as prepare
from stages.report.numbers.conclusions import conclude
from stages.report.numbers.draws import Draw
from stages.report.run.reading import Folders, load_comparison, load_targets
from stages.report.words.headline import finding
from stages.report.words.wording import details
from stages.shared import artifacts
from stages.shared.settings.params import load_params
from stages.train_subset_model.__main__ import main as train

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("on_cpu")]
MODEL = "unet_detector_small"
CHANGES = ("random_seeds=1", "train_subset_model.members=2")


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """The scenes of presets/detection_cpu.yaml, and the two subsets that are compared."""
    folder = tmp_path_factory.mktemp("scenes")
    shutil.copytree(toy.ROOT / "lists", folder / "lists")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        (folder / "params.yaml").write_text(text("detection_cpu", CHANGES))
        folders = Folders.below(folder / "data")
        prepare(folders.prepared, folder / "data/scratch")
        num = artifacts.load_meta(folders.prepared).num_samples["train"]
        rows = np.random.default_rng(0).permutation(num)
        for name, picked in (("selected", rows[: num // 2]), ("full", rows)):
            path = folders.comparison / name / f"{toy.DRAW}.csv"
            artifacts.save_subset(path, subset(picked))
    return folder, folders


def conclusion(scenes, monkeypatch, updates, subsets):
    folder, folders = scenes
    monkeypatch.chdir(folder)
    compared = f"compare.subsets=[{', '.join(subsets)}]"
    changes = (*CHANGES, compared, f"train_subset_model.length.updates={updates}")
    (folder / "params.yaml").write_text(text("detection_cpu", changes))
    params = load_params()
    for name in params.compare.subsets:
        key = f"{MODEL}-{name}"
        models = folder / "data/subset_models" / key
        weights = folder / "weights"
        weights.touch()  # random ones
        none = folder / "none"
        where = none, folders.comparison / name, folder / "data/scratch", weights
        train(MODEL, folders.prepared, *where, models, folders.histories / key)
        evaluate(folders.prepared, folder / "none", models, folders.evaluation / key)
    [draw] = params.draws
    meta = artifacts.load_meta(folders.prepared)
    comparison = load_comparison(draw, meta, folders)
    targets = load_targets(draw, meta, folders)
    return conclude([Draw(draw, meta, comparison, targets, 1.0)], MODEL)


def test_detectors_that_have_seen_60_batches_guess_and_nothing_is_said_to_be_better(
    scenes, monkeypatch
):
    """They see where something is, and do not tell one digit from another."""
    found = conclusion(scenes, monkeypatch, 60, ("selected", "full"))
    assert list(found.guessing) == ["full", "selected"]
    words = "; ".join([finding(found), *details(found)])
    assert "trained on everything and the subset it does little more than guess" in words
    assert "better than" not in words


def test_detectors_that_have_learnt_classes_do_not_guess(scenes, monkeypatch):
    found = conclusion(scenes, monkeypatch, 400, ("selected",))
    assert found.guessing == {}
    assert "guess" not in " ".join(details(found))

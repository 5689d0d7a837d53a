"""A race by real DVC commands, on the digits with trainings of 40 updates."""

import json

import pipeline
import pytest
import toy
from ruamel.yaml import YAML

from stages.shared.artifacts import load_order, load_subset


def change(path, **changes):
    """Change keys of params.yaml, dotted with two underscores."""
    yaml = YAML()
    content = yaml.load(path)
    toy.set_values(content, changes)
    yaml.dump(content, path)


@pytest.mark.slow
def test_dvc_runs_a_race_and_a_changed_margin_trains_nothing_again(tmp_path):
    checkout = pipeline.tiny_checkout(tmp_path)
    params = checkout.folder / "params.yaml"
    change(
        params,
        random_seeds=2,
        rounds=[{"from": 0.0625, "to": 0.125}],
        train_ensemble__members=2,
        compare__subsets=["selected", "random"],
        race__entrants={"hardest": {}, "cut": {"outliers": {"fraction": 0.1}}},
        race__judges=2,
        race__holdout=0.2,
    )

    output = checkout.dvc("repro")

    assert "race@round0" in output.ran
    assert "race to 0.125: of 2 draws won" in output.text
    data = checkout.folder / "data"
    for draw in ("seed-0", "seed-1"):
        result = json.loads((data / f"races/0.125/{draw}.json").read_text())
        proposals = data / "proposals/0.125" / draw
        winner = (proposals / f"{result['winner']}.csv").read_bytes()
        assert (data / f"subsets/0.125/{draw}.csv").read_bytes() == winner
        assert (data / f"comparison/selected/{draw}.csv").read_bytes() == winner
        held_out = set(load_order(proposals / "held_out.npy", 1294).tolist())
        assert len(held_out) == 258
        assert result["num_samples"] == 144 + 258
        judged = [*proposals.glob("random-*.csv"), *proposals.glob("judged/*.csv")]
        assert len(judged) == 4 + 2
        for path in judged:
            assert not held_out & set(load_subset(path, 1294).index_P.tolist()), path
    verdict = " ".join((checkout.folder / "metrics/verdict.txt").read_text().split())
    assert "- Race to 0.125: " in verdict
    assert ", by accuracy on 402 judged samples" in verdict
    assert "race" in (checkout.folder / "plots/tables/costs.csv").read_text()
    assert 'id="race"' in (checkout.folder / "plots/report.html").read_text()

    before = checkout.members()
    change(params, race__margin=100.0)
    output = checkout.dvc("repro")

    assert "race@round0" in output.ran
    assert not [name for name in output.ran if name.startswith(("train_ensemble", "select"))]
    # A target's new subset trains; judges are found.
    assert len(checkout.members()) - len(before) <= 4
    plan = checkout.run("python", "-m", "commands.plan")
    assert "Nothing to run" in plan.text

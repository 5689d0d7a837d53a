"""What is refused before anything is trained is what `select` would trip over, and no more."""

from pathlib import Path

import numpy as np

from stages.select import __main__ as stage
from stages.shared import artifacts
from stages.shared.choosing.demands import check_demands
from stages.shared.choosing.limits import load_limits
from stages.shared.choosing.sampling import seed_rows, unscored
from stages.shared.errors import ParamsError
from stages.shared.settings.params import load_params

PREPARED, SIGNALS, SCORES = Path("prepared"), Path("signals"), Path("scores")
DYNAMICS, GROUPS = Path("dynamics"), Path("near_duplicates")
OLD, NEW, ORDER = Path("subsets/old"), Path("proposals/new"), Path("orders/new")
FOLDERS = PREPARED, SIGNALS, DYNAMICS, SCORES, OLD, GROUPS, NEW, ORDER


def a_round(rng):
    """Return some settings of a round whose first subset is known: a growing one, or from all."""
    start = 1.0 if rng.random() < 0.3 else 0.2
    most = 0.95 if start < 1 else 0.9
    changes = {
        "random_seeds": 1,
        "seed_size": start,
        "rounds": [{"from": start, "to": round(rng.uniform(0.3, most), 2)}],
        "compare.subsets": ["selected"],
        "select.candidates": "all" if start < 1 and rng.random() < 0.2 else "remaining",
        "select.outliers": {"fraction": round(rng.choice([0, rng.uniform(0, 0.3)]), 2)},
        "race.judges": 2,
        "race.random": 2,
    }
    if rng.random() < 0.6:
        own = {"outliers": {"fraction": round(rng.uniform(0, 0.4), 2)}}
        changes |= {
            "race.entrants": {"hardest": {}, "own": own},
            "race.holdout": round(rng.choice([0, rng.uniform(0, 0.33)]), 2),
        }
    num_excluded, num_included = rng.choice([0, 1], 2) * rng.integers(20, size=2)
    # Candidates that must be picked may be outliers or not, which is not known before.
    num_included *= start < 1 and changes["select.candidates"] == "remaining"
    return changes, int(num_excluded), int(num_included)


def passes(call, *arguments):
    try:
        call(*arguments)
    except ParamsError:
        return False
    return True


def test_a_round_is_refused_if_and_only_if_select_could_not_make_it(project, monkeypatch):
    artifacts.save_scores(SCORES / "seed-0.npy", np.arange(100.0))
    rng, found = np.random.default_rng(8), []
    ids = project.sample_ids
    for _ in range(120):
        changes, num_excluded, num_included = a_round(rng)
        shuffled = rng.permutation(ids).tolist()
        project.write_list("exclude", shuffled[:num_excluded])
        project.write_list("include", shuffled[50 : 50 + num_included])
        project.change({"race.entrants": {}, "race.holdout": 0.0} | changes)
        params = load_params()
        limits = load_limits(PREPARED, ids, params.select)
        start, to = params.sizes
        artifacts.save_subset(OLD / "seed-0.csv", unscored(seed_rows(start, params, ids, limits)))
        is_allowed = passes(check_demands, params, limits)
        with monkeypatch.context() as patch:
            patch.setattr(stage, "check_demands", lambda *_: None)
            works = passes(stage.main, str(start), str(to), *FOLDERS)
        assert is_allowed == works, (changes, num_excluded, num_included)
        found.append(works)
    assert min(found.count(True), found.count(False)) > 30


def test_a_shrinking_round_that_some_draws_of_the_holdout_allow_is_not_refused(
    project,
):
    """Of half of train the holdout has 15 in the mean: 50 - 15 < 36 is no reason to refuse all."""
    artifacts.save_scores(SCORES / "seed-0.npy", np.arange(100.0))
    race = {"race.entrants": {"hardest": {}}, "race.holdout": 0.3, "compare.subsets": ["selected"]}
    rounds = [{"from": 0.5, "to": 0.36}]
    project.change({"random_seeds": 1, "seed_size": 0.5, "rounds": rounds, **race})
    params, ids = load_params(), project.sample_ids
    limits = load_limits(PREPARED, ids, params.select)
    works = []
    for seed in range(8):
        drawn = seed_rows(0.5, params.model_copy(update={"random_seed": seed}), ids, limits)
        artifacts.save_subset(OLD / "seed-0.csv", unscored(drawn))
        works.append(passes(stage.main, "0.5", "0.36", *FOLDERS))
    assert {*works} == {True, False}
    check_demands(params, limits)

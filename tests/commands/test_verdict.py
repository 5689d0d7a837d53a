"""The verdict over runs: what may be taken together, and real experiments under DVC."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import two_way
from finished_run import METRICS, evaluated
from pipeline import Checkout

from commands.verdict import __main__ as verdict
from commands.verdict.__main__ import require_alike, verdicts_of_groups, with_metric
from stages.report.numbers.conclusions import conclude
from stages.report.numbers.draws import draw_of
from stages.report.words.wording import basis_in_words
from stages.shared import artifacts
from stages.shared.errors import DataError, UserError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def with_seed(finished):
    """Return a function that gives the finished run another random seed and other parameters."""
    run = draw_of(finished.results())

    def make(random_seed, **changes):
        params = run.params.model_copy(update={"random_seed": random_seed, **changes})
        return replace(run, params=params)

    return make


# --- what may be taken together ------------------------------------------------------------------


def test_runs_that_differ_by_their_random_seed_alone_are_taken_together(with_seed):
    require_alike({"a": with_seed(0), "b": with_seed(1), "c": with_seed(2)})


def test_runs_that_differ_otherwise_are_refused_by_the_name_of_the_parameter(with_seed):
    other = with_seed(1)
    select = other.params.select.model_copy(update={"min_per_class": 3})
    with pytest.raises(DataError) as found:
        require_alike({"a": with_seed(0), "b": with_seed(1, select=select)})
    assert str(found.value) == (
        "a and b: differ in select.min_per_class (0 and 3); they may differ by random_seed alone"
    )


def test_a_parameter_that_one_run_lacks_is_named_too(with_seed):
    found = with_seed(1).params.select.outliers
    select = with_seed(1).params.select
    lacking = with_seed(1, select=select.model_copy(update={"outliers": "all_voters_disagree"}))
    assert found.fraction == 0
    with pytest.raises(DataError, match=r"select\.outliers\.fraction \(0\.0 and absent\)"):
        require_alike({"a": with_seed(0), "b": lacking})


def test_the_same_random_seed_twice_is_refused(with_seed):
    with pytest.raises(DataError, match="b and c: have the same random_seed 4; each draw"):
        require_alike({"a": with_seed(0), "b": with_seed(4), "c": with_seed(4)})


def test_runs_on_other_data_are_refused(with_seed):
    run = with_seed(1)
    other = replace(run, meta=replace(run.meta, fingerprint="another"))
    with pytest.raises(DataError, match="a and b: have other prepared data; it must be the same"):
        require_alike({"a": with_seed(0), "b": other})


def test_no_experiments_are_one_line():
    with pytest.raises(DataError, match="the current commit has no experiments"):
        next(verdicts_of_groups([]))


# --- all experiments, in groups ----------------------------------------------------------------


@pytest.fixture
def lines_of(monkeypatch):
    """Return a function that returns the lines on experiments, given the draws of each."""

    def lines(experiments):
        def load(name):
            if isinstance(experiments[name], UserError):
                raise experiments[name]
            return experiments[name]

        monkeypatch.setattr(verdict, "load_draws", load)
        return list(verdicts_of_groups(list(experiments)))

    return lines


def test_experiments_of_other_settings_are_groups_of_their_own(with_seed, lines_of):
    lines = lines_of(
        {
            "a": {"a": with_seed(0)},
            "b": {"b": with_seed(0, acquisition="entropy")},
            "c": {"c": with_seed(1)},
            "d": {"d seed-1": with_seed(1, acquisition="entropy"), "d seed-2": with_seed(2)},
        }
    )
    together = {seed: with_seed(seed) for seed in (0, 1, 2)}
    assert lines == [
        f"acquisition={with_seed(0).params.acquisition} (a, c, d):",
        *verdict._lines(together, None),
        "",
        "acquisition=entropy (b, d):",
        *verdict._lines({0: with_seed(0), 1: with_seed(1)}, None),
        "",
    ]


def test_one_group_names_its_experiments_and_a_draw_counts_once(with_seed, lines_of):
    lines = lines_of({"a": {"a": with_seed(0)}, "b": {"b": with_seed(0)}})
    assert lines == ["a, b:", *verdict._lines({"a": with_seed(0)}, None), ""]


def test_an_experiment_that_cannot_be_read_is_named_and_left_out(with_seed, lines_of):
    lines = lines_of({"a": {"a": with_seed(0)}, "b": DataError("b: cannot be read")})
    assert lines == [
        "a:",
        *verdict._lines({"a": with_seed(0)}, None),
        "",
        "left out: b: cannot be read",
    ]


# --- another metric ------------------------------------------------------------------------------


def with_ensembles(draw, right):
    """Let ensembles be right on so many of the 60 test samples, whatever their members are."""
    targets = {}
    for (model, subset), found in draw.targets.items():
        row_T = np.arange(60) < right[subset]
        evaluation = replace(
            found.evaluation,
            ensemble=found.evaluation.ensemble | {"accuracy": float(row_T.mean())},
            values=found.evaluation.values | {"ensemble_accuracy": row_T[None]},
        )
        targets[model, subset] = replace(found, evaluation=evaluation)
    return replace(draw, targets=targets)


def test_ensembles_of_several_draws_have_an_interval_over_draws_and_samples(with_seed):
    """Chitta et al. 2020, Fig. 3: mean of three trials, each of which is an ensemble."""
    draws = [
        with_ensembles(with_seed(seed), {"selected": num, "random": 42, "full": 42})
        for seed, num in enumerate((44, 46, 48))
    ]
    found = conclude([with_metric(draw, "ensemble_accuracy") for draw in draws], "resnet8")
    difference_RT = np.zeros((3, 60))
    for row_T, num in zip(difference_RT, (44, 46, 48), strict=True):
        row_T[42:num] = 100
    for entry in found.against.values():
        assert entry.value == pytest.approx(20 / 3)
        assert entry.reach == pytest.approx(two_way.reach(difference_RT))
    assert "Ensemble accuracy on test, 95 % intervals, 3 draws of" in basis_in_words(found)
    members = conclude(draws, "resnet8")
    assert members.against["full"].value != pytest.approx(20 / 3)


def test_the_ensemble_of_one_draw_has_no_interval(with_seed):
    [entry, _] = conclude(
        [with_metric(with_seed(0), "ensemble_accuracy")], "resnet8"
    ).against.values()
    assert entry.word == "cannot tell"
    assert np.isinf(entry.reach)


def test_a_metric_that_the_task_lacks_is_one_line(with_seed):
    with pytest.raises(DataError) as found:
        with_metric(with_seed(0), "ensemble_log_loss")
    assert str(found.value) == (
        "--metric is 'ensemble_log_loss'; it must be accuracy, balanced_accuracy, macro_f1, "
        "ensemble_accuracy, ensemble_balanced_accuracy, ensemble_macro_f1"
    )


# --- real experiments ----------------------------------------------------------------------------

SEEDS = (0, 1, 2)
RIGHT = {0: 44, 1: 46, 2: 48}  # of 60 test samples, by each of three members on selected
# Random and full: 42, so that the differences are 2, 4 and 6 of 60: 3.333, 6.667 and 10 points.
# Mean 6.667. Its variance: 3.70 by draws (11.11 / 3), 8.04 by test samples, and 1.19 is in both.
# Of 40 validation samples, on which all answer alike, 8.8 points may be unseen; 0.5 take 700.
EXPECTED = (
    "Train on the subset. resnet8: the subset of 20 samples (25 %) is at most 0.3 points below "
    "everything and is between 0.3 points below and 13.7 above a random subset of its size. "
    "resnet8 samples accuracy selected minus this everything 80 70.0 +6.7 ± 7.0 "
    "selected 20 76.7 random 20 70.0 +6.7 ± 7.0 Accuracy on test, 95 % intervals, 3 draws of the "
    "subsets, 60 test samples; within 0.5 points (report.margin) counts as equal. All draws are "
    "from one first subset: how that was drawn is left out of the intervals. "
    "- The error of the difference to everything and a random subset "
    "of its size comes most from the 60 test samples (65 % of its variance), so more random_seeds "
    "hardly shrink it, and more test samples do. - The search cost 7.75 full trainings in FLOPs, "
    "and with equal updates a subset saves hardly any training time. - 40 validation samples "
    "cannot tell whether a compared subset is within 0.5 points of everything (some 700 could)."
)


def write_evaluations(run, right):
    """Let each member be right on so many of the 60 test samples."""
    for name in ("selected", "random", "full"):
        num = right if name == "selected" else 42
        correct_MT = np.tile(np.arange(60) < num, (3, 1))
        values = dict.fromkeys(METRICS, 0.5)
        mean = values | {"accuracy": num / 60, "validation_accuracy": 0.9}
        members = [{"member": member, "epoch": 8} | mean for member in range(3)]
        correct_MV = np.tile(np.arange(40) < 36, (3, 1))
        values = evaluated(correct_MT, correct_MV, 0.5)
        evaluation = artifacts.Evaluation(members, mean, mean, {}, values)
        artifacts.save_evaluation(run.folders.evaluation / f"resnet8-{name}/seed-0", evaluation)


@pytest.fixture(scope="module")
def checkout(finished, tmp_path_factory):
    """A project whose commit has an experiment for each random seed."""
    folder = tmp_path_factory.mktemp("verdict")
    made = Checkout(folder / "project", folder / "resume")
    made.resume.mkdir()
    shutil.copytree(finished.root, made.folder)
    for seed in SEEDS:
        shutil.copytree(made.folder / "data", folder / f"{seed}/data")
        write_evaluations(type(finished)(folder / f"{seed}"), RIGHT[seed])
        for path in [*(folder / f"{seed}").rglob("seed-0*")]:
            path.rename(path.with_name(path.name.replace("seed-0", f"seed-{seed}")))
    made.git("init", "--quiet")
    made.git("config", "user.name", "Toy")  # for the commit that an experiment is
    made.git("config", "user.email", "toy@example.org")
    made.dvc("init", "--quiet")
    shutil.rmtree(made.folder / "data")
    (made.folder / "dvc.yaml").write_text(
        f"stages:\n  all:\n    cmd: cp -r {folder}/${{random_seed}}/data data\n"
        "    params: [random_seed]\n    outs: [data]\n"
    )
    made.git("add", "--all")
    made.git("commit", "--quiet", "--message", "start")
    for seed in SEEDS:
        made.dvc("exp", "run", "--name", f"seed-{seed}", "-S", f"random_seed={seed}")
    return made


def verdict_of(checkout, *names):
    command = [sys.executable, "-m", "commands.verdict", *names]
    return checkout.run(*command, PYTHONPATH=str(ROOT))


@pytest.mark.slow
@pytest.mark.parametrize("names", [(), ("seed-2", "seed-0", "seed-1")])
def test_experiments_are_taken_together_named_or_all_of_the_commit(checkout, names):
    output = verdict_of(checkout, *names)
    assert output.code == 0, output.text
    title = "" if names else "seed-0, seed-1, seed-2: "
    assert " ".join(output.text.split()) == title + EXPECTED
    assert max(map(len, output.text.splitlines())) <= 100
    assert "data" not in checkout.git("status", "--porcelain")


@pytest.mark.slow
def test_experiments_are_taken_together_by_their_ensembles(checkout):
    output = verdict_of(checkout, "--metric", "ensemble_accuracy")
    expected = EXPECTED.replace("Accuracy on test", "Ensemble accuracy on test")
    expected = expected.replace("samples accuracy", "samples ensemble accuracy")
    assert " ".join(output.text.split()) == f"seed-0, seed-1, seed-2: {expected}"


@pytest.mark.slow
def test_one_experiment_is_one_draw_and_an_unknown_one_is_one_line(checkout):
    assert "this draw alone" in verdict_of(checkout, "seed-1").text
    output = verdict_of(checkout, "seed-1", "seed-7")
    assert output.code == 1
    assert output.text.startswith("error: seed-7: unknown Git revision 'seed-7'; it must be")

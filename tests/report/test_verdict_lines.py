"""The verdict's lines: what to do next, with its time, and the aligned table."""

from dataclasses import replace

import overrides
import pytest
from toy import resolved

from stages.report.numbers.conclusions import Against, Conclusion
from stages.report.numbers.learning_warnings import Guessing
from stages.report.verdict_lines import NOT_COMPARED, verdict_lines
from stages.report.words.next_step import draws_that_tell, in_line, next_step, of_run
from stages.shared.running.timings import StageTiming
from stages.shared.settings.params import check_params, load_params
from stages.shared.sizes import MATCHED

OPEN = Conclusion(
    model="resnet8",
    metric="accuracy",
    margin=0.5,
    is_by_updates=True,
    unit="samples",
    picks=404,
    fraction=0.5,
    num_draws=5,
    against={
        "full": Against("cannot tell", -0.33, 0.79, "rows", 0.5),
        "random": Against("cannot tell", -0.04, 0.75),
    },
    cost=None,
    smallest=None,
    reached={"full": (98.82, 808), "selected": (98.49, 404), "random": (98.53, 404)},
    num_test=898,
)
LARGER = "dvc exp run -S 'compare.subsets=[selected, random, full, selected-0.25]'"
LONGER = "dvc exp run -S train_subset_model.length.updates=400 -S 'race.length={updates: 200}'"
GOOD, BAD = Against("as good as", 0.0, 0.4), Against("worse", -2.0, 0.4)
SAMPLES = Against("cannot tell", -0.3, 0.8, "samples", 0.8, of_samples=0.8)
CHANCE = {"selected": Guessing(0.1, -0.1)}


@pytest.fixture(scope="module")
def params():
    return load_params()


def test_two_lines_then_a_table_then_what_stands_behind_it(params):
    lines = list(verdict_lines([OPEN], [next_step(params, OPEN, None)], ["More of it."]))
    assert " ".join(lines[:2]) == (
        "Keep all data for now. resnet8: the subset of 404 samples (50 %) is at most 1.2 points "
        "below everything and is between 0.8 points below and 0.8 above a random subset of its "
        "size."
    )
    assert max(map(len, lines)) <= 100
    assert lines[2:] == [
        "Next: dvc exp run -S random_seeds=10  "
        "# 5 more draws; some 57 would tell if the difference stays",
        "",
        "resnet8     samples  accuracy  selected minus this",
        "everything      808      98.8           -0.3 ± 0.8",
        "selected        404      98.5",
        "random          404      98.5           +0.0 ± 0.8",
        "Accuracy on test, 95 % intervals, 5 draws of the subsets, 898 test samples; within 0.5 "
        "points",
        "(report.margin) counts as equal.",
        "",
        "- The error of the difference to everything comes most from the 5 draws (50 % of its "
        "variance), so",
        "  more random_seeds shrink it, and more test samples hardly do.",
        "- More of it.",
    ]


def test_a_run_without_the_selected_subset_says_so():
    assert next(verdict_lines([])) == NOT_COMPARED


@pytest.mark.parametrize(
    ("changes", "larger", "command"),
    [
        ({"guessing": CHANCE}, LARGER, LONGER),
        ({"rising": {"full": 2.0}}, None, LONGER),
        ({"num_draws": 1}, LARGER, "dvc exp run -S random_seeds=3"),
        ({}, LARGER, "dvc exp run -S random_seeds=10"),
        ({"against": {"full": SAMPLES}}, LARGER, LARGER),
        ({"against": {"full": BAD}}, LARGER, LARGER),
        ({"against": {"full": GOOD}}, LARGER, "python -m commands.export csv subset.csv"),
        (
            {"against": {"full": GOOD, "random": GOOD}},
            LARGER,
            "python -m commands.export csv subset.csv --subset random",
        ),
        (
            {"against": {"full": GOOD, "random": GOOD}, "random_word": "cannot tell"},
            LARGER,
            "python -m commands.export csv subset.csv",
        ),
    ],
)
def test_the_next_step_is_one_command(params, changes, larger, command):
    assert next_step(params, replace(OPEN, **changes), larger).command == command


@pytest.mark.parametrize(
    "against", [{"full": SAMPLES}, {"full": BAD}, {"full": GOOD, MATCHED: BAD}]
)
def test_where_no_command_helps_there_is_no_next_step(params, against):
    """More samples would tell, all data are better, or training less on all of them is."""
    assert next_step(params, replace(OPEN, against=against), None) is None


def test_without_everything_it_is_compared_next(params):
    """Draws alone never say whether the subset will do."""
    found = replace(OPEN, against={"random": GOOD})
    compared = params.model_copy(
        update={"compare": params.compare.model_copy(update={"subsets": ["selected", "random"]})}
    )
    assert next_step(compared, found, None).command == (
        "dvc exp run -S 'compare.subsets=[selected, random, full]'"
    )


@pytest.mark.parametrize(
    ("value", "reach", "num_draws", "enough"),
    [
        # Student's t by the root of the number: 1.2417 with 5, half of that with 13 (0.6043).
        (0.5, 2.0, 5, 13),
        (-1.0, 2.0, 5, 13),  # half a point beyond the margin, but shown to be worse at 0
        (-0.5, 20.0, 5, None),
    ],
)
def test_as_many_draws_would_tell_as_halve_the_interval(value, reach, num_draws, enough):
    found = replace(OPEN, num_draws=num_draws)
    assert draws_that_tell(found, Against("cannot tell", value, reach)) == enough


def test_the_samples_part_of_an_interval_shrinks_with_no_number_of_draws():
    """A quarter of the variance is half of the interval: it must fall to more than that."""
    found = [
        draws_that_tell(OPEN, Against("cannot tell", 0.5, reach, of_samples=0.25))
        for reach in (1.5, 1.9, 2.1)
    ]
    # (1 / 1.5)**2 = 0.25 + 0.75 * 0.26: Student's t by the root falls from 1.2417 to half of that.
    assert found == [13, 72, None]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((BAD, OPEN.against["full"]), "random_seeds=10"),
        ((OPEN.against["full"], BAD), "random_seeds=10"),
        ((GOOD, BAD), None),
        ((GOOD, GOOD), "commands.export csv subset.csv"),
    ],
)
def test_all_target_models_are_looked_at(finished, monkeypatch, words, expected):
    monkeypatch.setattr("stages.report.words.next_step.next_command", lambda *_: None)
    monkeypatch.setattr("stages.report.words.next_step._cleaning", lambda _: iter(()))
    found = [replace(OPEN, against={"full": full}) for full in words]
    steps = of_run([finished.results()], found)
    assert [step.command.endswith(str(expected)) for step in steps] == [True] * (
        expected is not None
    )


@pytest.mark.parametrize(
    ("stop", "settings"),
    [
        (None, "-S train_subset_model.length.epochs=16"),
        (4, "-S train_subset_model.stop_after=8"),
        (5, "-S train_subset_model.stop_after=10 -S train_subset_model.length.epochs=16"),
    ],
)
def test_targets_that_train_longer_stop_within_their_length_and_keep_their_race(
    params, stop, settings, tmp_path
):
    content = resolved("default")
    content["train_subset_model"] |= {"length": {"epochs": 8}, "stop_after": stop}
    before = check_params(content)
    command = next_step(before, replace(OPEN, guessing=CHANCE), None).command

    assert command == f"dvc exp run {settings} -S 'race.length={{epochs: 8}}'"
    [path] = overrides.changed(command, content, tmp_path)
    after = load_params(path)
    assert after.judging.length == before.judging.length
    trained = after.train_subset_model
    assert (trained.stop_after or trained.length.epochs) == 2 * (stop or 8)


STAGES = {
    "prepare": StageTiming(7.0, "here"),
    "train_ensemble@round0": StageTiming(20.0, "here", [4.0] * 5),
    "predict_pool@round0": StageTiming(3.0, "here"),
    "race@round0": StageTiming(15.0, "here"),
    "train_subset_model@resnet8-full": StageTiming(5.0, "here", [1.0] * 5),
    "evaluate@resnet8-full": StageTiming(2.0, "here"),
    "report": StageTiming(1.0, "here"),
}


def test_more_draws_take_their_trainings_and_all_predictions_anew(params):
    """Five more: 20 + 15 + 5 seconds of trainings, and twice 3 + 2 + 1 of all else."""
    step = next_step(params, OPEN, None)
    assert in_line(step, STAGES).endswith(
        "; some 57 would tell if the difference stays, about 52 s"
    )
    assert in_line(step).endswith("  # 5 more draws; some 57 would tell if the difference stays")


def test_a_time_of_which_a_part_was_not_measured_is_not_told(params):
    found = StageTiming(1.0, "here", [4.0] * 5, members_found=5)
    stages = STAGES | {"train_ensemble@round0": found}
    assert "about" not in in_line(next_step(params, OPEN, None), stages)


def test_another_compared_subset_takes_what_the_others_took(params):
    """A fourth beside three: a third of 5 and of 2 seconds, and the report."""
    step = next_step(params, replace(OPEN, against={"full": BAD}), LARGER)
    assert in_line(step, STAGES) == f"{LARGER}  # compares more sizes, about 3.3 s"

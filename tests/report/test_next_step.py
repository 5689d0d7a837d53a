"""The steps after a run: what is wrong with the data first, and how long what follows takes."""

from dataclasses import replace

import pytest

from stages.report.numbers.conclusions import Against, conclusions
from stages.report.numbers.learning_warnings import Guessing
from stages.report.run.results import Alike
from stages.report.verdict_lines import verdict_lines
from stages.report.words.next_step import in_seconds, of_run
from stages.shared.artifacts.duplicate_groups import Found, Grouped
from stages.shared.running.timings import StageTiming

FOUND = Found("copies", 0.95, 1.0, 180, 2, 1, 2, 1, 0, 1, 0, 1)
CROSSING = [Grouped("5", "train", "ant", 0, "5"), Grouped("t", "test", "ant", 0, "5")]
STAGES = {
    "prepare": StageTiming(100.0, "here"),
    "train_ensemble@round0": StageTiming(2.0, "here"),
    "race@round0": StageTiming(3.0, "here"),
    "train_subset_model@resnet8-full": StageTiming(5.0, "here"),
    "evaluate@resnet8-full": StageTiming(1.0, "here"),
}
CLEANING = (
    "python -m commands.suspects plots/suspects.csv lists/exclude.csv",
    "python -m commands.near_duplicates --leave-out",
)


@pytest.fixture
def faulty(finished):
    """A blank sample, and one that test holds too."""
    return replace(finished.results(), alike=Alike(FOUND, CROSSING, ["7"]))


def steps_of(results, **changes):
    [found] = conclusions([results])
    return of_run([results], [replace(found, **changes)])


def test_clean_data_needs_one_step(finished):
    [step] = steps_of(finished.results())
    assert step.command == "dvc exp run -S random_seeds=3"


def test_faults_of_the_data_come_first_and_once_only(faulty):
    first, second, third = steps_of(faulty)
    assert (first.command, second.command) == CLEANING
    assert "leaves out the sample of" in first.why
    assert "1 train sample that" in second.why
    assert third.command == "dvc exp run -S random_seeds=3"
    faulty.is_excluded_N[[5, 7]] = True
    [step] = steps_of(faulty)
    assert step.command == third.command


def test_outliers_alone_are_not_left_out_round_after_round(finished, monkeypatch):
    """They are skipped already, and others would be the highest-scored then."""
    both = [("7", "likely label error: a"), ("8", "outlier: score 1")]
    monkeypatch.setattr("stages.report.words.next_step.suspects", lambda draws: both)
    assert "leaves out the 2 samples" in steps_of(finished.results())[0].why
    monkeypatch.setattr("stages.report.words.next_step.suspects", lambda draws: both[1:])
    [step] = steps_of(finished.results())
    assert step.command == "dvc exp run -S random_seeds=3"


def test_a_list_whose_name_has_a_space_is_one_word(faulty):
    select = faulty.params.select.model_copy(update={"exclude": "my lists/exclude.csv"})
    params = faulty.params.model_copy(update={"select": select})
    first, *_ = steps_of(replace(faulty, params=params))
    assert first.command.endswith("plots/suspects.csv 'my lists/exclude.csv'")


def test_who_finds_the_data_right_is_told_how_to_take_the_subset(faulty):
    good = {"num_draws": 3, "against": {"full": Against("as good as", 0.0, 0.4)}}
    *_, last = steps_of(faulty, **good)
    assert last.command == "dvc repro"
    assert last.why.endswith("right: python -m commands.export csv subset.csv")


def test_models_that_guess_learn_before_anything_is_left_out(faulty):
    [step] = steps_of(faulty, guessing={"selected": Guessing(0.1, -0.1)})
    assert step.name == "longer"


def test_what_was_left_out_changes_all_that_follows(faulty):
    """One draw took 2 + 3 + 5 + 1 seconds; three of other data take three times as long."""
    *cleaning, draws = steps_of(faulty)
    assert in_seconds(draws, STAGES) == ", about 33 s"
    assert {in_seconds(step, STAGES) for step in cleaning} == {", a few seconds"}
    [alone] = steps_of(replace(faulty, alike=Alike(FOUND, [], [])))
    assert in_seconds(alone, STAGES) == ", about 23 s"  # 2 x 10 anew, 3 x 1
    assert in_seconds(draws) == ""


def test_a_subset_of_faulty_data_is_not_exported_but_searched_again(faulty):
    [found] = conclusions([faulty])
    good = {"full": replace(found.against["full"], word="as good as", value=0.0, reach=0.1)}
    *_, last = steps_of(faulty, num_draws=5, against=good)
    assert last.command == "dvc repro"
    assert in_seconds(last, STAGES) == ", about 11 s"


def test_several_steps_are_numbered_lines_of_a_terminal(faulty):
    lines = list(verdict_lines([], steps_of(faulty), stages=STAGES))
    assert max(map(len, lines)) <= 100
    start = lines.index("Next:")
    assert lines[start + 1] == f"1. {CLEANING[0]}"
    assert lines[start + 4] == f"2. {CLEANING[1]}"
    assert lines[start + 6 : start + 8] == [
        "3. dvc exp run -S random_seeds=3",
        "   # 2 more draws for narrower intervals, about 33 s",
    ]

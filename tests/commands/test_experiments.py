"""The table of experiments: 120 columns, the settings that changed, results and time."""

import json
import math

import pytest

from commands import experiments
from commands.experiments import COLUMNS, Experiment, table, total
from stages.shared.running import timings

SETTINGS = {"acquisition": "entropy", "rounds": [{"from": 0.25, "to": 0.5}], "random_seed": 0}


def summary(**models):
    """Return a summary of target models by their accuracies on validation."""
    found = {"selected": 98.5, "random": 98.0, "full": 99.0}
    return {name: found | {"validation": value} for name, value in models.items()}


def experiment(name, validation=99.5, state="", **changes):
    settings = {key: value for key, value in (SETTINGS | changes).items() if value is not None}
    known = {} if state else summary(resnet8=validation)
    return Experiment(name, state, settings, known, "" if state else "44 s")


MAIN = experiment("main")


def test_a_line_has_what_changed_what_came_out_and_the_time():
    lines = table([MAIN], [experiment("exp-a", 99.25, acquisition="margin")]).splitlines()
    assert [line.split() for line in lines] == [
        [
            *("experiment", "changed", "settings"),
            *("selected", "random", "full", "validation", "time"),
        ],
        ["main", "98.50", "98.00", "99.00", "99.50", "44", "s"],
        ["exp-a", "acquisition=margin", "98.50", "98.00", "99.00", "99.25", "44", "s"],
    ]
    assert len({len(line) for line in lines}) == 1


def test_what_is_queued_or_failed_has_a_state_and_no_numbers():
    below = [experiment("a", state="queued", random_seed=1), experiment("b", state="failed")]
    lines = table([MAIN], below).splitlines()
    assert lines[2].split() == ["a", "queued", "random_seed=1"]
    assert lines[3].split() == ["b", "failed"]


def test_long_and_many_settings_go_on_below_within_120_columns():
    rounds = [{"from": 0.01 * size, "to": 0.01 * size + 0.01} for size in range(1, 30)]
    long = experiment("a-name-that-is-longer-than-others", rounds=rounds, acquisition="margin")
    lines = table([MAIN], [long]).splitlines()
    assert max(map(len, lines)) <= COLUMNS
    assert "acquisition=margin" in lines[2]
    assert "98.50" in lines[2]
    assert lines[3].lstrip().startswith("rounds=[{from: 0.01, to: 0.02}")
    assert lines[-1].rstrip().endswith("to: 0.3}]")


def test_a_setting_that_is_gone_stands_as_dvc_would_take_it_away():
    lines = table([MAIN], [experiment("a", acquisition=None)]).splitlines()
    assert "~acquisition" in lines[2]


def test_each_target_model_has_a_line():
    found = Experiment("a", "", SETTINGS, {**summary(resnet8=99.0, resnet20=98.0), "size": 324})
    lines = [line.split() for line in table([MAIN], [found]).splitlines()]
    assert lines[0][1] == "model"
    assert lines[1][:2] == ["main", "resnet8"]
    assert lines[2] == ["a", "resnet8", "98.50", "98.00", "99.00", "99.00"]
    assert lines[3] == ["resnet20", "98.50", "98.00", "99.00", "98.00"]


def test_the_best_is_that_of_the_best_model_and_nothing_is_worse():
    assert Experiment("a", "", {}, summary(resnet8=99.0, resnet20=98.0)).best == 99.0
    assert experiment("b", state="queued").best == -math.inf


def test_a_summary_of_an_older_version_has_empty_fields():
    old = Experiment("a", "", SETTINGS, {"resnet8": {"accuracy": {"selected": 98.0}}, "cost": {}})
    assert "98.0" not in table([MAIN], [old]).splitlines()[2]


@pytest.mark.parametrize(
    ("known", "said"), [(["prepare", "report"], "3.0 s"), (["prepare"], "1.0 s"), (["report"], "")]
)
def test_the_time_is_that_of_all_stages_and_of_the_report_where_it_is_known(
    tmp_path, monkeypatch, known, said
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SUBSET_RESUME", str(tmp_path))
    seconds = {"prepare": 1.0, "report": 2.0}
    lines = ["schema: '2.0'", "stages:"]
    for name in seconds:
        lines += [f"  {name}:", "    cmd: x", "    outs:", f"    - path: {name}", "      md5: 0"]
    lock = tmp_path / "dvc.lock"
    lock.write_text("\n".join(lines))
    for name in known:
        folder = tmp_path / "stages" / timings._outputs(lock.read_text())[name]
        folder.mkdir(parents=True)
        entry = {"seconds": seconds[name], "machine": "here"}
        (folder / timings.FILE).write_text(json.dumps(entry))

    assert total(lock) == said


def test_without_experiments_a_line_says_how_to_make_one(monkeypatch):
    monkeypatch.setattr(experiments, "load_experiments", lambda: ([MAIN], []))
    *_, last = experiments.lines()
    assert last == "main has no experiments; `dvc exp run -S acquisition=entropy` makes one"
    monkeypatch.setattr(experiments, "load_experiments", lambda: ([], []))
    assert list(experiments.lines()) == ["there is no commit yet"]

"""Tests for stages/shared/running/progress.py: one line on a terminal, few in a log."""

import io
import math
import os
import re
import shutil
import termios
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import pytest
import toy

from commands.preset import presets
from stages.shared.artifacts import Epoch
from stages.shared.running import progress
from stages.shared.running.whole_run import Place
from stages.shared.settings.params import check_params

EPOCH = Epoch(
    member=0,
    epoch=1,
    updates=4,
    images_seen=100,
    flops=1.0,
    learning_rate=0.1,
    train_loss=0.5,
    train_accuracy=0.75,
    validation_loss=0.4,
    validation_accuracy=0.875,
)
IMAGES = 200  # of a whole training


class Terminal(io.StringIO):
    """What a terminal gets."""

    def __init__(self, is_terminal):
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self):
        return self._is_terminal

    def lines(self):
        """Return what stands on each line in the end: a carriage return starts it anew."""
        assert "\x1b[A" not in self.getvalue(), "the cursor is moved up: more lines than one"
        return [line.rpartition("\r")[2].rstrip() for line in self.getvalue().split("\n")]


@pytest.fixture
def stage(tmp_path, monkeypatch):
    """A stage of the second round of three that runs in a project."""
    content = toy.default_params()
    sizes = [0.0625, 0.125, 0.25, 0.5]
    content["seed_size"] = sizes[0]
    content["rounds"] = [{"from": a, "to": b} for a, b in pairwise(sizes)]
    content["compare"] = {"models": ["resnet8"], "subsets": ["selected", "random", "full"]}
    toy.write_params(tmp_path, content)
    shutil.copy(toy.ROOT / "dvc.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_STAGE", "train_ensemble@round1")


def stderr(monkeypatch, *, is_terminal):
    terminal = Terminal(is_terminal)
    monkeypatch.setattr("sys.stderr", terminal)
    return terminal


@pytest.mark.parametrize(("rows", "columns"), [(0, 0), (24, 60)])
def test_a_terminal_that_says_no_size_is_shown_the_line_too(stage, monkeypatch, rows, columns):
    ours, theirs = os.openpty()
    with os.fdopen(ours, "rb") as shown:
        with os.fdopen(theirs, "w") as terminal:
            termios.tcsetwinsize(terminal, (rows, columns))
            monkeypatch.setattr("sys.stderr", terminal)
            train(2, [0])
        seen = b"".join(read_to_the_end(shown.fileno())).decode()
    assert "stage 12/29 train_ensemble, round 2/3, member 1/2" in seen
    widest = max(len(line) for line in re.split(r"[\r\n]", seen))
    assert widest <= (columns or progress.COLUMNS)


def read_to_the_end(descriptor):
    """Yield all that a terminal was sent: the system hands it over piece by piece, when it can."""
    with suppress(OSError):  # how Linux says that the other end is closed
        while piece := os.read(descriptor, 10_000):
            yield piece


def train(num_members, members, epochs=(100, 200), part=""):
    """Report the trainings of some members."""
    with progress.MemberProgress(num_members, part) as shown:
        for member in members:
            shown.update(member, None)
            for number, images_seen in enumerate(epochs, start=1):
                epoch = replace(EPOCH, member=member, epoch=number, images_seen=images_seen)
                shown.update(member, (epoch, IMAGES))
    return shown


def test_members_share_one_line_that_says_round_member_rate_and_rest(stage, monkeypatch):
    terminal = stderr(monkeypatch, is_terminal=True)

    shown = train(4, [0, 1, 2, 3])

    assert shown.num_started == 4
    line, *rest = terminal.lines()
    assert rest == [""]
    assert "?" not in terminal.getvalue(), "nothing is said before something is known"
    assert re.fullmatch(
        r"stage 12/29 train_ensemble, round 2/3, member 4/4: 100% #{5} 00:00 left, "
        r"validation 87.5 %, loss 0.500, accuracy 75.0 %, epoch 2, [\d.]+[kM]? images/s",
        line,
    )


def test_members_that_were_finished_before_are_no_part_of_the_rest(stage, monkeypatch):
    terminal = stderr(monkeypatch, is_terminal=True)

    shown = train(4, [1, 3], epochs=[100])  # 0 and 2 were found; both have half of the images

    assert shown.num_started == 2
    assert "member 4/4:  50% ##5   00:00 left" in terminal.lines()[0]


def test_the_line_names_the_part_of_the_stage_where_it_has_several(stage, monkeypatch):
    terminal = stderr(monkeypatch, is_terminal=True)

    train(1, [0], part="judge 2/3")

    assert "round 2/3, judge 2/3, member 1/1" in terminal.lines()[0]


def test_a_log_gets_nothing_of_a_short_stage(stage, monkeypatch):
    log = stderr(monkeypatch, is_terminal=False)

    train(2, [0, 1])

    assert log.getvalue() == ""


def test_a_log_gets_whole_lines_now_and_then(stage, monkeypatch):
    log = stderr(monkeypatch, is_terminal=False)
    clock = iter(range(0, 1000, 20))  # seconds between the reports
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))

    train(2, [0, 1])

    assert "\r" not in log.getvalue()
    first, second, rest = log.getvalue().split("\n")
    assert rest == ""
    start = "stage 12/29 train_ensemble, round 2/3, member"
    assert first.startswith(f"{start} 1/2:  50% ##5   00:00 left")
    assert second.startswith(f"{start} 2/2: 100% ##### 00:00 left")


def test_a_stage_without_members_counts_samples_and_leaves_no_line(stage, monkeypatch):
    terminal = stderr(monkeypatch, is_terminal=True)
    monkeypatch.setenv("DVC_STAGE", "evaluate@resnet8-full")
    parts = [(30, "first"), (10, "second")]

    got = list(progress.shown(parts, 40, "test"))

    assert got == ["first", "second"]
    assert "stage 28/29 evaluate@resnet8-full, test:  75% ###7" in terminal.getvalue()
    assert "?" not in terminal.getvalue(), "nothing is said before something is known"
    assert terminal.lines() == [""]


def test_texts_are_counted_as_texts(tmp_path, monkeypatch):
    (tmp_path / "params.yaml").write_text(presets.text("svp_polarity_cpu"))
    monkeypatch.chdir(tmp_path)
    terminal = stderr(monkeypatch, is_terminal=True)

    train(1, [0])

    assert terminal.lines()[0].endswith(" texts/s")


def test_without_params_there_is_a_line_without_round(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_STAGE", "train_ensemble@round1")
    terminal = stderr(monkeypatch, is_terminal=True)

    train(1, [0])

    assert terminal.lines()[0].startswith("train_ensemble@round1, member 1/1: 100%")
    assert terminal.lines()[0].endswith(" samples/s")


def test_only_a_stage_of_a_round_has_one():
    params = check_params(toy.default_params())
    assert progress.stage_in_words("score@round0", params) == "score, round 1/2"
    assert progress.stage_in_words("evaluate@m-full", params) == "evaluate@m-full"


# --- the whole run --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "others", "said"), [(0.0, 600.0, "run about 10 min, "), (0.0, math.nan, "")]
)
def test_what_the_run_still_takes_is_said_where_it_is_known(stage, monkeypatch, own, others, said):
    monkeypatch.setattr(progress, "_place_of", lambda name, folder: Place(9, 21, own, others))
    terminal = stderr(monkeypatch, is_terminal=True)

    train(1, [0])

    assert f"100% ##### 00:00 left, {said}validation 87.5 %" in terminal.lines()[0]


def test_the_longest_line_of_the_default_says_the_run_within_100_columns(stage, monkeypatch):
    monkeypatch.setenv("DVC_STAGE", "train_subset_model@resnet8-selected")
    monkeypatch.setattr(progress, "_place_of", lambda name, folder: Place(19, 21, 0.0, 5940.0))
    terminal = stderr(monkeypatch, is_terminal=True)

    train(6, [0, 1, 2, 3, 4, 5])

    [before, _] = terminal.lines()[0].split("run about 99 min")
    assert len(f"{before}run about 99 min") <= progress.COLUMNS

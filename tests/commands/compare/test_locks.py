"""Which artifact differs first: toy runs with planted differences."""

import json

import pytest

from commands.compare.locks import artifact_changes, in_order, load_lock
from stages.shared.errors import ArtifactError, DataError

# As DVC writes it, but the order of the stages is that in which they happened to run last.
LOCK = """
schema: '2.0'
stages:
  report:
    cmd: python report.py
    deps:
    - {path: data/scores, hash: md5, md5: s0.dir, size: 1, nfiles: 2}
    outs:
    - {path: plots, hash: md5, md5: p0.dir, size: 1, nfiles: 1}
  score:
    cmd: python score.py
    deps:
    - {path: data/model, hash: md5, md5: m0.dir, size: 1, nfiles: 3}
    - {path: score.py, hash: md5, md5: c1, size: 1}
    params:
      params.yaml:
        acquisition: entropy
    outs:
    - {path: data/scores/a.npy, hash: md5, md5: s1, size: 1}
  train:
    cmd: python train.py
    deps:
    - {path: train.py, hash: md5, md5: c0, size: 1}
    params:
      params.yaml:
        seed: 0
    outs:
    - {path: data/history.csv, hash: md5, md5: h0, size: 1}
    - {path: data/model, hash: md5, md5: m0.dir, size: 1, nfiles: 3}
"""
UNLISTED = "(the list of its files is not in DVC's cache)"
OTHER_MODEL = [("md5: m0.dir", "md5: m1.dir")]
OTHER_SCORES = [("md5: s0.dir", "md5: s2.dir"), ("md5: s1,", "md5: s3,")]
OTHER_PLOTS = [("md5: p0.dir", "md5: p1.dir")]


@pytest.fixture
def clones(tmp_path, monkeypatch):
    """Return a function that writes two clones, the second with some replacements."""
    monkeypatch.chdir(tmp_path)

    def write(replacements=()):
        text = LOCK
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        for name, content in (("one", LOCK), ("two", text)):
            (tmp_path / name).mkdir()
            (tmp_path / name / "dvc.lock").write_text(content)
        return artifact_changes("one", "two").splitlines()

    return write


def test_equal_runs_are_called_equal(clones):
    assert clones() == ["equal: 3 stages of one and two wrote the same"]


def test_a_stage_is_after_those_whose_outputs_it_reads(tmp_path):
    (tmp_path / "dvc.lock").write_text(LOCK)
    assert in_order(load_lock(tmp_path / "dvc.lock")) == ["train", "score", "report"]


def test_the_first_that_differs_with_equal_inputs_is_named_and_what_follows_from_it(clones):
    assert clones([*OTHER_MODEL, *OTHER_SCORES, *OTHER_PLOTS]) == [
        f"first: train wrote another data/model {UNLISTED}, although all its inputs are equal",
        "then: score wrote another data/scores/a.npy, because of other inputs: data/model",
        f"then: report wrote another plots {UNLISTED}, because of other inputs: data/scores",
    ]


def test_where_all_is_reproducible_the_first_that_differs_is_named_with_its_inputs(clones):
    replaced = [("acquisition: entropy", "acquisition: margin"), *OTHER_SCORES]
    assert clones(replaced) == [
        "first: score wrote another data/scores/a.npy, because of other inputs: "
        "params.yaml:acquisition",
    ]


def test_a_later_stage_may_be_the_first_that_is_not_reproducible(clones):
    replaced = [("seed: 0", "seed: 1"), ("md5: h0", "md5: h1"), *OTHER_PLOTS]
    lines = clones(replaced)
    assert lines[0].startswith("first: report wrote another plots")
    assert lines[1] == (
        "before: train wrote another data/history.csv, because of other inputs: params.yaml:seed"
    )


def test_a_changed_input_that_changes_no_output_is_no_difference(clones):
    lines = clones([("md5: c1", "md5: c2"), ("cmd: python train.py", "cmd: python  train.py")])
    assert lines == ["equal: 3 stages of one and two wrote the same"]


def test_stages_that_only_one_ran_are_named(clones):
    assert clones([("  report:", "  summary:")]) == [
        "only one ran report",
        "only two ran summary",
        "equal: 2 stages of one and two wrote the same",
    ]


def write_listing(clone, digest, files):
    """Put a folder's listing where DVC keeps it."""
    (clone / ".dvc").mkdir(exist_ok=True)
    (clone / ".dvc/config").write_text("[core]\n    no_scm = true\n")
    path = clone / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([{"md5": md5, "relpath": name} for name, md5 in files.items()]))


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ({"b": "2", "c": "9", "a": "1", "d": "8"}, "(first in it c)"),
        ({"a": "1", "c": "3"}, "(first in it b, which two lacks)"),
        ({"a": "1", "aa": "0", "b": "2", "c": "3"}, "(first in it aa, which one lacks)"),
    ],
)
def test_in_a_folder_the_first_file_that_differs_is_named(tmp_path, clones, second, expected):
    clones(OTHER_MODEL)
    write_listing(tmp_path / "one", "m0.dir", {"a": "1", "b": "2", "c": "3"})
    write_listing(tmp_path / "two", "m1.dir", second)

    [first, *_] = artifact_changes("one", "two").splitlines()

    assert first == (
        f"first: train wrote another data/model {expected}, although all its inputs are equal"
    )


def test_entries_of_stages_that_are_gone_may_run_in_circles(tmp_path):
    """DVC never drops them: here an older score read what report writes now."""
    text = LOCK.replace("path: score.py", "path: plots")
    (tmp_path / "dvc.lock").write_text(text)
    assert in_order(load_lock(tmp_path / "dvc.lock")) == ["report", "score", "train"]


def test_runs_without_a_common_stage_are_refused(clones):
    with pytest.raises(DataError, match=r"^one and two: have no stage in common$"):
        clones([("  report:", "  a:"), ("  score:", "  b:"), ("  train:", "  c:")])


@pytest.mark.parametrize("text", ["", "stages: [a]", "a: [", "stages: {a: {deps: []}}"])
def test_a_broken_lock_is_one_line(tmp_path, text):
    (tmp_path / "dvc.lock").write_text(text)
    with pytest.raises(ArtifactError, match=r"dvc.lock: cannot be read \(.*\); it must be DVC's$"):
        load_lock(tmp_path / "dvc.lock")

"""Reviews of two finished runs: what they say, and what they say is not here."""

import shutil

import numpy as np
import pytest

from commands.compare.comment_sections import lists, sections
from commands.compare.parameters import flat, parameter_changes
from commands.compare.review import review
from commands.compare.revision_files import load_settings
from stages.shared import artifacts
from stages.shared.artifacts import Subset


def reviewed(files_of, first, second):
    return review(files_of("one", first), files_of("two", second))


def replace_in(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def by_title(review):
    return {section.title: section for section in (*sections(review), *lists(review))}


def test_a_run_and_itself_differ_in_nothing(first, second, files_of):
    found = reviewed(files_of, first, second)

    assert found.problems == []
    assert found.parameters == []
    assert (found.subsets.came, found.subsets.went, found.subsets.jaccard) == ([], [], 1)
    assert all(row["change"] == 0 for row in found.class_shares)
    assert [entry.spearman for entry in found.rankings] == pytest.approx([1, 1])
    assert [change.difference.value for change in found.accuracies] == [0, 0, 0]
    assert {change.verdict for change in found.accuracies} == {"as good as"}
    assert all(change.is_none for change in found.accuracies)


def test_everything_that_changed_is_said(first, second, files_of):
    path = second / "data/subsets/0.25/seed-0.csv"
    old = artifacts.load_subset(path, 80)
    # The last two picks go; one sample that was not there comes, and the first pick once more.
    new = next(row for row in range(80) if row not in old.index_P)
    index_P = np.array([*old.index_P[:-2], new, old.index_P[0]])
    artifacts.save_subset(path, Subset(index_P, old.round_P, old.score_P))
    replace_in(second / "params.yaml", "acquisition: mutual_information", "acquisition: entropy")

    found = by_title(reviewed(files_of, first, second))

    added, jaccard = found["Selected samples"].sentences
    assert added == "2 picks added; 2 picks removed."
    assert jaccard.startswith("Jaccard index 0.8182, as multisets")  # 18 / 22
    assert found["Selected samples"].rows[1] == {
        "": "different samples",
        "before": 20,
        "after": 19,
        "change": -1,
    }
    assert [row["sample"] for row in found["Added: 2 picks"].rows] == [
        str(new),
        str(old.index_P[0]),
    ]
    assert [row["sample"] for row in found["Removed: 2 picks"].rows] == [
        str(row) for row in old.index_P[-2:]
    ]
    assert found["Parameters that differ"].rows == [
        {"parameter": "acquisition", "before": "mutual_information", "after": "entropy"}
    ]


def test_results_and_parameters_come_first(first, second, files_of):
    titles = [section.title for section in sections(reviewed(files_of, first, second))]
    assert titles[:3] == ["Test results", "Parameters that differ", "Selected samples"]


@pytest.mark.parametrize(
    ("lost", "title"),
    [
        ("data/evaluation/resnet8-random", "Test results"),
        ("data/prepared/train/targets.npy", "Class shares"),
        ("data/scores/0.125", "Rankings"),
        ("data/subsets/0.25/seed-0.csv", "Selected samples"),
    ],
)
def test_what_is_not_here_is_said_in_a_line_and_the_rest_is_compared(
    first, second, files_of, lost, title
):
    path = first / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()

    found = reviewed(files_of, first, second)

    [line] = found.problems
    assert line.startswith(f"one:{lost}")
    assert "\n" not in line
    assert title not in by_title(found)
    assert {"Test results", "Parameters that differ"} - {title} <= by_title(found).keys()


def test_the_command_that_fetches_missing_data_is_named(first, second, files_of):
    shutil.rmtree(second / "data")

    found = reviewed(files_of, first, second)

    [line] = found.problems
    assert line.startswith("two:data/prepared/train/sample_ids.csv and 2 more: cannot be read (")
    assert "`dvc fetch --all-commits`" in line
    assert "`dvc exp pull origin two`" in line
    assert list(by_title(found)) == ["Parameters that differ"]


def test_samples_of_other_data_sets_are_not_matched(first, second, files_of):
    replace_in(second / "params.yaml", "name: digits", "name: mnist")

    found = reviewed(files_of, first, second)

    [line] = found.problems
    assert line == "one and two: are of the data sets digits and mnist; it must be one"
    assert list(by_title(found)) == ["Test results", "Parameters that differ"]


def test_samples_that_are_new_or_gone_are_counted(first, second, files_of):
    ids = [str(row) for row in range(80)]
    last = artifacts.load_subset(second / "data/subsets/0.25/seed-0.csv", 80).index_P[-1]
    ids[last] = "new"
    artifacts.save_sample_ids(second / "data/prepared", "train", ids)

    found = by_title(reviewed(files_of, first, second))

    assert found["Selected samples"].sentences[0] == (
        "1 pick added, 1 of them new in the train split; 1 pick removed, 1 no longer in the train "
        "split."
    )
    assert found["Added: 1 pick"].rows[0]["picked"].endswith(", new")
    assert found["Removed: 1 pick"].rows[0]["picked"].endswith(", gone")


def test_parameters_differ_by_value_not_by_spelling(tmp_path):
    texts = {
        "one": "a: 1\nb: {c: true, d: 0.10}\ne: [1, 2]\ng: {}\n",
        "two": "b: {d: 1.0e-1, c: false}\ne: [1, 3]\nf: null\ng: {}\n",
    }
    found = []
    for name, text in texts.items():
        path = tmp_path / name
        path.write_text(f"{text}rounds: [{{from: 1.0, to: 0.5}}]\ndataset: {{name: x}}\n")
        found.append(load_settings(path))

    rows = parameter_changes(*found)

    assert [tuple(row.values()) for row in rows] == [
        ("a", "1", "not there"),
        ("b.c", "true", "false"),
        ("e", "[1, 2]", "[1, 3]"),
        ("f", "not there", "empty"),
    ]


def test_settings_are_named_by_their_sections():
    assert flat({"a": {"b": {"c": 1}, "d": [2, {"e": 3}]}, "f": None, "g": {}}) == {
        "a.b.c": 1,
        "a.d": [2, {"e": 3}],
        "f": None,
        "g": {},
    }

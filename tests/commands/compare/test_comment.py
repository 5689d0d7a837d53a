"""Markdown for a pull request: bounded, and nothing of the user's is read as markup."""

import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.compare.comment import code, comment, fitted, text_table
from commands.compare.markdown import Code
from commands.compare.review import review
from stages.shared import artifacts

NAN = float("nan")
GITHUB_TAKES = 65_536


def test_a_table_has_aligned_columns_and_a_rule_below_its_header():
    rows = [{"first": "main", "k": 5, "overlap": 0.25}, {"first": "b", "k": 10, "overlap": NAN}]
    assert text_table(rows) == (
        "| first |   k | overlap |\n"
        "| ----- | --: | ------: |\n"
        "| main  |   5 |  0.2500 |\n"
        "| b     |  10 |     nan |\n"
    )


def test_no_rows_are_no_table():
    assert text_table([]) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat/1.png", "`cat/1.png`"),
        ("@someone <b>", "`@someone <b>`"),
        ("a`b", "``a`b``"),
        ("`a``", "``` `a`` ```"),
        ("two\nlines\t.", "`two lines .`"),
        ("", "`(empty)`"),
        ("x" * 101, f"`{'x' * 99}…`"),
    ],
)
def test_text_of_the_users_is_code(text, expected):
    assert code(text) == expected


@given(st.text("`ab |\n", max_size=12))
def test_code_never_ends_before_its_text(text):
    found = code(text, None)
    fence = re.match("`+", found)[0]
    inside = found[len(fence) : -len(fence)]
    assert found.endswith(fence)
    assert fence not in re.findall("`+", inside)
    assert "\n" not in found


def test_a_bar_in_a_sample_id_opens_no_cell():
    table = text_table([{"sample": Code("a|b"), "score": "1"}])
    assert table.splitlines()[2] == r"| `a\|b` | 1     |"


def test_blocks_that_do_not_fit_are_counted_and_shorter_ones_behind_them_stay():
    text = fitted(["aaa\n", "b" * 100, "c\n"], 120)
    assert text.startswith("aaa\nc\n")
    assert text.removeprefix("aaa\nc\n").startswith("1 part ")


@given(st.lists(st.integers(0, 200)), st.integers(100, 400))
def test_a_comment_never_exceeds_its_limit(lengths, limit):
    assert len(fitted(["x" * length for length in lengths], limit)) <= limit


def test_a_comment_on_many_long_names_and_classes_is_one_that_github_takes(first, second, files_of):
    meta = artifacts.load_meta(first / "data/prepared")
    for root in (first, second):
        # 1,000 classes of 60 letters, and sample ids of 5,000.
        names = [f"{number:03d}{'|' * 57}" for number in range(1000)]
        artifacts.save_meta(root / "data/prepared", replace(meta, class_names=names))
        ids = [f"{row:02d}" + "`x|" * 1666 for row in range(80)]
        artifacts.save_sample_ids(root / "data/prepared", "train", ids)
    path = second / "data/subsets/0.25/seed-0.csv"
    old = artifacts.load_subset(path, 80)
    others = np.setdiff1d(np.arange(80), old.index_P)[: len(old)]
    artifacts.save_subset(path, replace(old, index_P=others))
    found = review(files_of("one", first), files_of("two", second))

    text = comment([found] * 10)

    assert GITHUB_TAKES - 10_000 < len(text) < GITHUB_TAKES
    assert "… and 960 more." in text
    assert text.count("## Selection: `one` → `two`") >= 2


def test_a_comment_says_first_what_could_not_be_compared(first, second, files_of):
    shutil.rmtree(first / "data/evaluation")
    found = review(files_of("one", first), files_of("two", second))

    lines = comment([found]).splitlines()

    assert lines[:3] == ["## Selection: `one` → `two`", "", "Not compared:"]
    assert lines[4].startswith("- ``one:data/evaluation/resnet8-selected/seed-0: cannot be read (")
    assert lines[6] == "### Parameters that differ"


def test_long_tables_are_folded(first, second, files_of):
    text = comment([review(files_of("one", first), files_of("two", second))])
    assert "<details><summary>Overlap</summary>\n\n" in text
    assert text.count("<details>") == text.count("</details>") == 3

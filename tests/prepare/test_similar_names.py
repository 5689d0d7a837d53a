"""Class names that look like one are named in a warning."""

import pytest

from stages.prepare.similar_names import alike, warn


def test_names_that_differ_by_case_space_or_form_alone_are_alike():
    composed, decomposed = "\u00e9t\u00e9", "e\u0301te\u0301"
    names = ["Cat", "cat", "dog", composed, decomposed, "a b", "ab", "cats"]
    assert alike(names) == [["Cat", "cat"], [composed, decomposed], ["a b", "ab"]]


def test_numbers_are_alike_by_their_values():
    names = ["1", "01", "1.0", "10", "0", "00", "0.0", "1.5", "v1.0", "v1"]
    assert alike(names) == [["1", "01", "1.0"], ["0", "00", "0.0"]]


@pytest.mark.parametrize(
    ("names", "is_told"),
    [
        (["-1", "0", "1"], True),
        (["-1", "1", "2"], True),
        (["-1.0", "0.0"], True),
        (["-1", "1"], False),
        (["-1"], False),
        (["-2", "-1", "0"], False),
        (["-1", "cat"], False),
        (["0", "1"], False),
    ],
)
def test_minus_one_beside_numbers_of_0_and_more_is_named(capsys, names, is_told):
    """Libraries write it where there is no label."""
    warn(names)
    line = f"warning: there is a class {names[0]!r}; if its samples have no label, take them out\n"
    assert capsys.readouterr().err == (line if is_told else "")


def test_what_tables_write_for_no_label_is_named(capsys):
    warn(["nan", "none", "NULL", "cat", "?", "Unlabeled", "unlabelled"])
    said = capsys.readouterr().err
    assert said.count("\n") == 5
    assert "a class 'nan'; if its samples have no label, take them out" in said
    assert "a class 'NULL'" in said


def test_they_are_named_in_one_line_and_nothing_is_said_of_others(capsys):
    warn(["Cat", "cat", "o\nwl", "owl"])
    assert capsys.readouterr().err == (
        "warning: class names that are nearly alike: 'Cat' and 'cat'; 'o\\nwl' and 'owl'\n"
    )
    warn(["cat", "dog"])
    assert capsys.readouterr().err == ""

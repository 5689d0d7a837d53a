"""Class names that look like one are named in a warning."""

from stages.prepare.similar_names import alike, warn


def test_names_that_differ_by_case_space_or_form_alone_are_alike():
    composed, decomposed = "\u00e9t\u00e9", "e\u0301te\u0301"
    names = ["Cat", "cat", "dog", composed, decomposed, "a b", "ab", "cats"]
    assert alike(names) == [["Cat", "cat"], [composed, decomposed], ["a b", "ab"]]


def test_they_are_named_in_one_line_and_nothing_is_said_of_others(capsys):
    warn(["Cat", "cat", "o\nwl", "owl"])
    assert capsys.readouterr().err == (
        "warning: class names that are nearly alike: 'Cat' and 'cat'; 'o\\nwl' and 'owl'\n"
    )
    warn(["cat", "dog"])
    assert capsys.readouterr().err == ""

"""How often the default's verdict says what: what counts as an answer, and the table, by hand."""

import pytest

from benchmarks.default_verdicts import says, table
from stages.report.numbers.conclusions import Against


@pytest.mark.parametrize(
    ("entry", "everything", "random"),
    [
        (Against("better", 1.0, 0.4), "better", "better"),
        (Against("worse", -1.0, 0.4), "worse", "worse"),
        (Against("cannot tell", -0.4, 0.6), "at most 1 point worse", "random is as good"),
        (Against("cannot tell", 0.0, 1.0), "at most 1 point worse", "at most 1 point worse"),
        (Against("cannot tell", 0.0, 1.01), "cannot tell", "cannot tell"),
        (Against("cannot tell", -1.0, 1.2), "cannot tell", "random is as good"),
    ],
)
def test_a_bound_of_a_point_is_an_answer(entry, everything, random):
    assert says("everything", entry, 0.5) == everything
    assert says("random", entry, 0.5) == random


def test_runs_are_counted_by_what_they_say():
    rows = [
        {"says_everything": "worse", "says_random": "better"},
        {"says_everything": "worse", "says_random": "worse"},
    ]
    assert table(rows).splitlines() == [
        "| of 2 runs | everything | a random subset |",
        "|---|---|---|",
        "| better | 0 | 1 |",
        "| worse | 2 | 1 |",
    ]

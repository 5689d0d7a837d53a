"""The reference list: what it may hold, and the train samples that it speaks of."""

import numpy as np
import pytest

from stages.score.reference import load_reference
from stages.shared.errors import ArtifactError

SAMPLE_IDS = ["a.png", "b.png", "c.png"]


@pytest.fixture
def reference(tmp_path):
    def load(*lines):
        path = tmp_path / "reference.csv"
        path.write_text("".join(f"{line}\n" for line in ["sample_id,score", *lines]))
        return load_reference(path, SAMPLE_IDS)

    return load


def test_scores_are_matched_by_sample_id_and_unknown_ids_are_left_out(reference):
    scores = reference("c.png,-1e-3", "elsewhere.png,7", "a.png,2")
    assert np.array_equal(scores, [2.0, np.nan, -0.001], equal_nan=True)


def test_a_list_of_nothing_speaks_of_no_sample(reference):
    assert np.isnan(reference()).tolist() == [True, True, True]


@pytest.mark.parametrize("field", ["", "high", "nan", "-inf", "1e999"])
def test_a_score_that_is_no_finite_number_is_named_with_its_row(reference, field):
    line = rf"reference\.csv: line 3 has score '{field}'; it must be a finite number"
    with pytest.raises(ArtifactError, match=line):
        reference("a.png,1", f"b.png,{field}")


def test_a_sample_that_is_named_twice_is_refused(reference):
    with pytest.raises(ArtifactError, match=r"line 4 names a\.png again; once is allowed"):
        reference("a.png,1", "b.png,1", "a.png,1")


def test_a_list_of_which_nothing_matches_is_refused(reference):
    line = (
        r"names x\.png and none of its 2 sample ids is in the train split; "
        r"they must be such as a\.png"
    )
    with pytest.raises(ArtifactError, match=line):
        reference("x.png,1", "y.png,2")

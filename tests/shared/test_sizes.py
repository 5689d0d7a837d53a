"""What the text of a size means."""

import pytest

from stages.shared.errors import ParamsError
from stages.shared.sizes import num_picks, parse_size


@pytest.mark.parametrize(
    ("size", "num_train", "expected"),
    [(0.5, 10, 5), (0.25, 10, 3), (0.25, 9, 2), (0.24, 10, 2), (1.0, 7, 7), (300, 7, 300)],
)
def test_a_fraction_is_rounded_half_up_and_a_count_is_taken_as_it_is(size, num_train, expected):
    assert num_picks(size, num_train) == expected


@pytest.mark.parametrize(("text", "size"), [("0.25", 0.25), ("1.0", 1.0), ("1", 1), ("300", 300)])
def test_a_size_with_a_dot_is_a_fraction_and_without_one_a_count(text, size):
    assert parse_size(text) == size
    assert type(parse_size(text)) is type(size)


def test_the_text_of_a_size_is_what_names_its_files():
    assert [str(parse_size(text)) for text in ("0.0625", "1.0", "300")] == ["0.0625", "1.0", "300"]


def test_a_size_of_no_pick_is_an_error_that_names_the_least():
    with pytest.raises(ParamsError, match=r"size 0\.001 of 100 .* no pick .* at least 0\.01"):
        num_picks(0.001, 100)


def test_text_that_is_no_number_is_an_error():
    with pytest.raises(ParamsError, match="size 'half' is no number"):
        parse_size("half")

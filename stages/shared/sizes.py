"""Sizes of subsets: a fraction of the train split, or a count of picks.

The text of a size, `0.25` or `300`, names the subset in every path, as DVC writes it there.
"""

from fractions import Fraction

from stages.shared.errors import ParamsError

Size = int | float
MATCHED = "full-matched"  # everything, trained for as many updates as a subset of that size


def num_picks(size: Size, num_train: int) -> int:
    """Return how many picks a subset of this size has: a fraction is rounded half up.

    Raises:
        ParamsError: the size rounds to no pick at all.
    """
    # As the decimal that was written: in binary, 0.145 of 100 would be less than 14.5.
    picks = size if isinstance(size, int) else int(Fraction(str(size)) * num_train + Fraction(1, 2))
    if picks < 1:
        raise ParamsError(
            f"params.yaml: size {size} of {num_train} train samples is no pick at all; "
            f"at least {1 / num_train:.2g} is needed"
        )
    return picks


def parse_size(text: str) -> Size:
    """Return the size that a text such as `0.25` or `300` names: a number with a dot is a fraction.

    Raises:
        ParamsError: the text is no number.
    """
    try:
        return float(text) if not text.lstrip("-").isdecimal() else int(text)
    except ValueError:
        raise ParamsError(
            f"params.yaml: size {text!r} is no number; allowed are fractions as 0.25 and "
            "counts as 300"
        ) from None


def kind_and_size(name: str) -> tuple[str, str]:
    """Return what a compared subset's name says, as `selected` and `0.25`; no size is empty."""
    is_matched = name == MATCHED or name.startswith(f"{MATCHED}-")
    kind = MATCHED if is_matched else name.partition("-")[0]
    return kind, name[len(kind) + 1 :]

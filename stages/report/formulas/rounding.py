"""Numbers as they are written: rounded once, at the very end."""

import math

import numpy as np
import numpy.typing as npt

DIGITS = 2  # of points and of percentages
SIGNIFICANT_DIGITS = 4  # of costs
MOST_POINTS = 100  # that two results can differ by: a wider interval says nothing
TINY = 1e-9  # of the last digit: floating point lifts no bound by a whole one


def points(value: float) -> float:
    """Return points or percent, rounded."""
    # Adding 0 turns -0.0 into 0.0.
    return round(value, DIGITS) + 0.0


def known_points(value: float) -> float | None:
    """Return points, rounded; None where there is no such number."""
    return None if math.isnan(value) else points(value)


def percent(true: npt.NDArray[np.bool_]) -> float | None:
    """Return the share that is true, in percent; None of nothing."""
    return points(100 * float(true.mean())) if true.size else None


def significant(number: float) -> float:
    """Return the number with so many significant digits as costs have."""
    return float(f"{number:.{SIGNIFICANT_DIGITS}g}")


def at_most(value: float, digits: int) -> str:
    """Return an upper bound, rounded up."""
    return f"{math.ceil(value * 10**digits - TINY) / 10**digits:.{digits}f}"


def at_least(value: float, digits: int) -> str:
    """Return a lower bound, rounded down."""
    return f"{math.floor(value * 10**digits + TINY) / 10**digits:.{digits}f}"


def with_interval(value: float, reach: float) -> str:
    """Return a difference with half of its 95 % interval, in points; there may be none."""
    if not math.isfinite(reach):
        return f"{value:+.1f} ± ?"
    if reach > MOST_POINTS:
        return f"{value:+.0f} ± over 100"
    digits = digits_of(reach)
    # Adding 0 turns -0.0 into 0.0.
    return f"{round(value, digits) + 0.0:+.{digits}f} ± {reach:.{digits}f}"


def digits_of(reach: float) -> int:
    """Return how many decimals are known of a difference, two at most."""
    return 0 if reach >= 10 else 1 if reach >= 0.1 or not reach else 2  # noqa: PLR2004 - digits

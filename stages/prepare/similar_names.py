"""Class names that are likely a mistake: nearly alike, or what tables write for no label at all.

Names that differ by their case, the form of their accents or the way to write a number alone are
nearly always one class. What is meant the user alone knows, so it is a warning.
"""

import re
import sys
import unicodedata
from collections.abc import Sequence

from stages.shared.errors import printable

MOST_NAMED = 10
# `none` is left out: it is the name of a class in many data sets.
NUMBER = re.compile(r"[0-9]+(\.0+)?")
NO_LABEL = frozenset(("#n/a", "<na>", "?", "n/a", "nan", "null", "unlabeled", "unlabelled"))
MINUS_ONE = re.compile(r"-1(\.0+)?")


def warn(class_names: Sequence[str]) -> None:
    """Say on stderr which class names are alike."""
    groups = alike(class_names)
    if groups:
        named = "; ".join(" and ".join(map(repr, group)) for group in groups[:MOST_NAMED])
        hidden = len(groups) - MOST_NAMED
        more = f"; and {hidden} more" if hidden > 0 else ""
        sys.stderr.write(f"warning: class names that are nearly alike: {printable(named)}{more}\n")
    for name in class_names:
        if name.casefold() in NO_LABEL or _is_minus_one_beside_numbers(name, class_names):
            sys.stderr.write(
                f"warning: there is a class {name!r}; if its samples have no label, take them out\n"
            )


def _is_minus_one_beside_numbers(name: str, class_names: Sequence[str]) -> bool:
    """Return whether this is -1 and the others are 0 and more; -1 and 1 alone are two signs."""
    others = [other for other in class_names if other != name]
    are_numbers = all(map(NUMBER.fullmatch, others)) and {*map(float, others)} != {1.0}
    return bool(others) and are_numbers and MINUS_ONE.fullmatch(name) is not None


def alike(class_names: Sequence[str]) -> list[list[str]]:
    """Return the groups of names that are equal but for case, accents' form and white space.

    Numbers are equal where their values are, as 1, 01 and 1.0.
    """
    groups: dict[str, list[str]] = {}
    for name in class_names:
        key = "".join(unicodedata.normalize("NFKC", name).casefold().split())
        key = re.sub(r"^0+(?=[0-9])|(?<=[0-9])\.0+$", "", key) if NUMBER.fullmatch(key) else key
        groups.setdefault(key, []).append(name)
    return [group for group in groups.values() if len(group) > 1]

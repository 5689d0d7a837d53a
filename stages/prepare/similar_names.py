"""Class names that differ by their case or their accents' form alone: nearly always one class.

Which are meant as one the user alone knows, so it is a warning.
"""

import sys
import unicodedata
from collections.abc import Sequence

from stages.shared.errors import printable

MOST_NAMED = 10


def warn(class_names: Sequence[str]) -> None:
    """Say on stderr which class names are alike."""
    groups = alike(class_names)
    if groups:
        named = "; ".join(" and ".join(map(repr, group)) for group in groups[:MOST_NAMED])
        hidden = len(groups) - MOST_NAMED
        more = f"; and {hidden} more" if hidden > 0 else ""
        sys.stderr.write(f"warning: class names that are nearly alike: {printable(named)}{more}\n")


def alike(class_names: Sequence[str]) -> list[list[str]]:
    """Return the groups of names that are equal but for case, accents' form and white space."""
    groups: dict[str, list[str]] = {}
    for name in class_names:
        key = "".join(unicodedata.normalize("NFKC", name).casefold().split())
        groups.setdefault(key, []).append(name)
    return [group for group in groups.values() if len(group) > 1]

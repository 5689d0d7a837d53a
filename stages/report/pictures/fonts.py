"""Fonts for the user's own words: installed ones, where matplotlib's own lacks a letter."""

import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from functools import cache

OWN = "DejaVu Sans"  # comes with matplotlib and draws all that it can
# What nobody sees: white space, controls, and marks that only join letters or turn the direction.
UNSEEN = ("Cc", "Cf", "Zs", "Zl", "Zp", "Mn", "Me")


def has_picture(letter: str) -> bool:
    """Return whether a font that is here draws a letter."""
    return ord(letter) in _letters(_own_path()) or bool(families(letter))


def families(text: str) -> list[str]:
    """Return the fonts that draw what `OWN` lacks of a text, as few as do; [] where none is needed.

    A letter that no font has is drawn as a box.
    """
    own = _letters(_own_path())
    return list(_families(frozenset(letter for letter in text if ord(letter) not in own)))


def path_for(text: str) -> str | None:
    """Return the file of one font that draws a text, None where the font at hand does.

    That is an ASCII text; of others the one font that has most of their letters.
    """
    if text.isascii():
        return None
    paths = [_own_path(), *_installed().values()]
    return max(paths, key=lambda path: sum(ord(letter) in _letters(path) for letter in text))


@cache
def _families(letters: frozenset[str]) -> tuple[str, ...]:
    left = {ord(one) for one in letters if unicodedata.category(one) not in UNSEEN}
    found: list[str] = []
    while left:
        name, path = max(
            _installed().items(), key=lambda font: len(left & _letters(font[1])), default=("", "")
        )
        if not path or not left & _letters(path):
            break
        found.append(name)
        left -= _letters(path)
    return tuple(found)


def _own_path() -> str:
    from matplotlib.font_manager import findfont

    return str(findfont(OWN))


@cache
def _installed() -> dict[str, str]:
    """Return the file of each upright family that is no part of matplotlib, by names in order."""
    from matplotlib import get_data_path
    from matplotlib.font_manager import fontManager

    fonts = sorted(fontManager.ttflist, key=lambda font: (font.name, font.fname))
    return {
        font.name: str(font.fname)
        for font in fonts
        if font.style == "normal" and not str(font.fname).startswith(get_data_path())
    }


@cache
def _letters(path: str) -> frozenset[int]:
    """Return the code points that a font draws; none where it is made of bitmaps or damaged."""
    from matplotlib.ft2font import FT2Font

    found: Iterator[int] = iter(())
    with suppress(OSError, RuntimeError):
        font = FT2Font(path)
        found = iter(font.get_charmap()) if font.scalable else found
    return frozenset(found)

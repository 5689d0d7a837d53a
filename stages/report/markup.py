"""Elements of HTML and SVG: whatever is not markup already is escaped."""

import base64
import io
import re
from html import escape

import numpy as np

from stages.shared.artifacts import Array

MINUS, NOTHING = "\u2212", "\u2013"  # before a number, and in the place of one
NO_BREAK = "\u00a0"  # a space at which no line ends
VOID = {"img", "meta", "wbr"}
# What no document may hold, as itself or by number; file names and texts may.
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Markup(str):
    """Text that stands in the page as it is."""

    __slots__ = ()


def element(tag: str, /, *children: str | None, **attributes: str | float | None) -> Markup:
    """Return an element; None is no child, and no attribute.

    Names of attributes have underscores for hyphens, and one at the end where Python keeps the
    name for itself.
    """
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if tag in VOID:
        return Markup(f"<{tag}{told}>")
    return Markup(f"<{tag}{told}>{join(*children)}</{tag}>")


def join(*children: str | None) -> Markup:
    """Return children one after the other."""
    return Markup("".join(text(child) for child in children if child is not None))


def text(content: object) -> Markup:
    """Return text as it stands in a page and in an attribute; markup stays as it is."""
    if isinstance(content, Markup):
        return content
    return Markup(escape(FORBIDDEN.sub("\ufffd", str(content))))


def typeset(content: str) -> str:
    """Return text whose numbers have minus signs before them, and their units beside them."""
    with_minus = re.sub(r"-(?=\d)", MINUS, content)
    return re.sub(r"(?<=\d) (?=%)|(?<=±) (?=\d)", NO_BREAK, with_minus)


def section(key: str, title: str, *children: Markup | None) -> Markup | None:
    """Return a part of the page under its title; None where it is empty."""
    if not any(children):
        return None
    return element(
        "section",
        element("h2", title, id=f"{key}-title"),
        *children,
        id=key,
        aria_labelledby=f"{key}-title",
    )


def paragraph(*children: str) -> Markup:
    """Return a paragraph that explains."""
    return element("p", *children, class_="lead")


def image(picture_HW3: Array, alternative: str) -> Markup:
    """Return an image that the page holds, with what is said where it cannot be seen."""
    height, width = picture_HW3.shape[:2]
    return element(
        "img",
        src=data_uri(picture_HW3),
        width=width,
        height=height,
        loading="lazy",
        alt=alternative,
    )


def data_uri(picture_HW3: Array) -> str:
    """Return a picture, uint8 [H, W, 3], as the address of a PNG that holds all of it."""
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture_HW3)).save(content, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(content.getvalue()).decode()}"

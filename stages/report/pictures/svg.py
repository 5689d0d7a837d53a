"""A figure as SVG within a page: its colours are the page's, and its ids are its own."""

import re
from typing import TYPE_CHECKING, NamedTuple
from xml.etree import ElementTree

import numpy as np

from stages.report.pictures.figures import COLOURS, REST, written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

# What figures are drawn in, as the page's style calls it, so that dark and light both have theirs.
OF_PAGE = {colour.lower(): f"var(--c{place})" for place, colour in enumerate((*COLOURS, REST))}
OF_PAGE |= {"#808080": "var(--soft)", "#b0b0b0": "var(--soft)", "#ffffff": "var(--paper)"}
FONT = re.compile("font-family: [^;]*; ")  # the page has one of its own


class Chart(NamedTuple):
    """What a page shows of a figure."""

    title: str
    note: str
    svg: str


def chart(figure: "Figure", key: str) -> Chart:
    """Return a figure whose title the page says; the key is no other chart's on the page."""
    title, _, note = figure.get_suptitle().partition("\n")
    label = ". ".join(filter(None, [title, "; ".join(_told(figure))]))
    figure.suptitle("").set_in_layout(False)
    content = written(figure, "svg", metadata={"Date": None}, transparent=True)
    root = ElementTree.fromstring(content)
    for parent in list(root.iter()):
        for child in list(parent):
            # A style would be that of the whole page.
            if _name(child.tag) in {"metadata", "style"}:
                parent.remove(child)
    referred = set(re.findall(r'(?:href="|url\()#([\w-]+)', content.decode()))
    for element in root.iter():
        element.tag, element.tail = _name(element.tag), None
        element.text = element.text if element.tag == "text" else None
        found = {_name(name): value for name, value in element.items()}
        if found.get("id") not in referred:
            found.pop("id", None)
        element.attrib.clear()
        element.attrib.update({name: _of_page(name, found[name], key) for name in found})
    root.attrib.clear()
    width, height = (72 * inches for inches in figure.get_size_inches())
    root.attrib.update({"viewBox": f"0 0 {width:g} {height:g}", "role": "img", "aria-label": label})
    return Chart(title, " ".join(note.split()), ElementTree.tostring(root, encoding="unicode"))


def _name(name: str) -> str:
    return name.rpartition("}")[2]


def _of_page(name: str, value: str, key: str) -> str:
    """Return an attribute: with the page's colours, ids of this chart, and short numbers."""
    if name == "id":
        return f"{key}-{value}"
    if name in {"href", "clip-path"}:
        return value.replace("#", f"#{key}-")
    if name == "style":
        value = FONT.sub("", value)
        value = re.sub("#[0-9a-f]{6}", lambda found: OF_PAGE.get(found[0], found[0]), value)
    return re.sub(
        r"\d+\.\d+", lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), value
    )


def _told(figure: "Figure") -> "Iterator[str]":
    """Yield what each entry of the legend is, and where a line begins and ends."""
    from matplotlib.lines import Line2D

    for handle, name in zip(*figure.axes[0].get_legend_handles_labels(), strict=True):
        line = handle[0] if isinstance(handle, tuple) else handle
        if not isinstance(line, Line2D) or line.get_linestyle() not in {"-", "--"}:
            yield name
            continue
        points = np.asarray(line.get_xydata())
        (first_x, first), (last_x, last) = points[0], points[-1]
        if line.get_linestyle() == "--":  # one value for all x
            yield f"{name}: {first:.5g}"
        elif len(points) == 1:
            yield f"{name}: {first:.5g} at {first_x:g}"
        else:
            yield f"{name}: {first:.5g} at {first_x:g} to {last:.5g} at {last_x:g}"

"""Pages from templates: words are escaped, and a page is one file that asks for nothing else."""

import base64
import io
import re
from pathlib import Path

import numpy as np

from stages.report.pictures.figures import printable
from stages.shared.artifacts import Array

TEMPLATES = Path(__file__).parent / "templates"
WEBP = "data:image/webp;base64,"
QUALITY = 85  # of a picture, from 0 to 100
MINUS, NO_BREAK = "\u2212", "\u00a0"  # before a number; a space at which no line ends


def render(name: str, folder: Path = TEMPLATES, **content: object) -> str:
    """Return a page from a template of a folder, or of report's."""
    # Imported here: the tables do without.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader([folder, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"typeset": typeset, "sentence": sentence, "data_uri": data_uri}
    return printable(environment.get_template(name).render(content))


def typeset(content: str) -> str:
    """Return text whose numbers have minus signs before them, and their units beside them.

    Not for names, which stay as they are.
    """
    with_minus = re.sub(r"(?<![^\s(\[])-(?=\d)", MINUS, content)
    return re.sub(r"(?<=\d) (?=%)|(?<=±) (?=\d)", NO_BREAK, with_minus)


def sentence(words: str) -> str:
    """Return words as a sentence."""
    return typeset(f"{words[0].upper()}{words[1:]}.")


def data_uri(picture_HW3: Array, quality: int = QUALITY) -> str:
    """Return a picture, uint8 [H, W, 3], as the address of a WebP that holds all of it."""
    return f"{WEBP}{base64_webp(picture_HW3, quality)}"


def base64_webp(picture_HW3: Array, quality: int) -> str:
    """Return a picture as a WebP in base64; quality from 0 to 100."""
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture_HW3)).save(content, "WEBP", quality=quality)
    return base64.b64encode(content.getvalue()).decode()

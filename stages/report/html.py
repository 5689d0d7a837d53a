"""Pieces of HTML pages that stand alone: text that is escaped, images that lie in the page."""

import base64
import io
from html import escape

from stages.shared.artifacts import Array


def text(value: object) -> str:
    """Return what a value says, with nothing in it that a browser would take for HTML."""
    return escape(str(value), quote=True)


def image(picture_HW3: Array, alternative: str) -> str:
    """Return an image element that holds a picture, uint8 [H, W, 3], as PNG.

    Args:
        picture_HW3: equal pictures give equal bytes.
        alternative: what is said where it cannot be seen.
    """
    from PIL import Image  # here: most of the report does without

    content = io.BytesIO()
    Image.fromarray(picture_HW3).save(content, format="png", optimize=True)
    height, width = picture_HW3.shape[:2]
    data = base64.b64encode(content.getvalue()).decode("ascii")
    return (
        f'<img src="data:image/png;base64,{data}" width="{width}" height="{height}" '
        f'loading="lazy" alt="{text(alternative)}">'
    )

"""What networks with preprocessing of their own were shown of the stored images, in words."""

from collections.abc import Iterator, Sequence

from stages.shared.artifacts.shown_images import Shown


def shown_in_words(shown: Sequence[Shown]) -> Iterator[str]:
    """Yield a sentence for each network, and another where its images are smaller than it wants."""
    for one in shown:
        height, width = one.stored
        yield (
            f"Preprocessing of {one.model} ({one.source}): stored images of {width} x {height} "
            f"pixels {_fitted(one)}; mean and deviation {_normalised(one)}"
        )
        if one.mean and min(one.stored) < one.size:  # without: it is not one of a library
            yield (
                f"Warning: stored images are smaller than the {one.size} pixels that {one.model} "
                "was trained with: a larger dataset.image_size costs more and is mostly better"
            )


def _fitted(shown: Shown) -> str:
    shorter = min(shown.stored)
    resized = f"resized to {shown.resize} ({shown.interpolation})"
    if shown.takes_any_size and shorter <= shown.resize:
        resized = "as they are"
        if shorter < shown.size:
            return f"{resized}, where larger ones are cropped to the middle {shown.size}"
    return f"{resized}, cropped to the middle {shown.size}"


def _normalised(shown: Shown) -> str:
    if not shown.mean:
        return "of the train split"
    mean, std = (
        ", ".join(f"{value:.3g}" for value in values) for values in (shown.mean, shown.std)
    )
    return f"{mean} and {std}"

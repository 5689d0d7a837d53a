"""What people write of names: in other forms, in other bytes, and what may be meant."""

import unicodedata
from collections.abc import Collection, Container, Iterator, Sequence

ADVICE = "save it as UTF-8"  # what people can do
MOST_SHOWN = 10  # lines of a list


def encoding_hint(text: str) -> str:
    """Return what to do where a text holds bytes that are no UTF-8; nothing where it holds none."""
    wrong = [ord(letter) - 0xDC00 for letter in text if "\udc80" <= letter <= "\udcff"]
    return f" (byte 0x{wrong[0]:02x} is no UTF-8; {ADVICE})" if wrong else ""


def name_hint(name: str, known: Collection[str]) -> str:
    """Return what may be wrong with a name that is not known: another name, or its bytes.

    Names come with the slashes of Windows, with letters composed as a Mac does, with folders too
    many or too few.
    """
    slashes = name.replace("\\", "/").removeprefix("./")
    near = [form for form in written_forms(slashes) if form in known]
    near = near or [
        other for other in known if slashes.endswith(f"/{other}") or other.endswith(f"/{slashes}")
    ]
    # Of several, or an equal one, nobody can tell.
    return f" (did you mean {near[0]}?)" if len({*near}) == 1 else encoding_hint(name)


def written_forms(path: str) -> Iterator[str]:
    """Yield a path as it stands, and then as it may be meant.

    Without the spaces around it, with the slashes of Windows turned, and with accents that are
    letters of their own, as a Mac writes them, or that are not.
    """
    turned = path.strip().replace("\\", "/")
    yield from (path, path.strip(), turned)
    yield from (unicodedata.normalize(form, turned) for form in ("NFC", "NFD"))


def as_known(field: str, known: Container[str]) -> str:
    """Return a name as it stands where it is known so, else without the spaces around it."""
    return field if field in known else field.strip()


def and_more(told: Sequence[str], total: int) -> str:
    """Return some of what there is to tell, and how many there are besides."""
    hidden = total - len(told)
    return "; ".join(told) + (f"; and {hidden} more" if hidden > 0 else "")

"""PNG files that Pillow does not write."""

import struct
import zlib
from pathlib import Path

GREY, COLOUR = 0, 2


def write(path: Path, size: tuple[int, int], depth: int, kind: int, row: bytes) -> None:
    """Write a PNG file of equal rows; only one of them is ever in memory."""
    width, height = size
    packer = zlib.compressobj(1)
    packed = [packer.compress(b"\0" + row) for _ in range(height)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
        + _chunk(b"IDAT", b"".join([*packed, packer.flush()]))
        + _chunk(b"IEND", b"")
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )

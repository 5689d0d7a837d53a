"""Files with some of their content changed, by hypothesis."""

import re

from hypothesis import strategies as st

# Words, numbers and single bytes: what is replaced is often all of a value.
TOKENS = re.compile(rb"[\w.+-]+|[\s\S]")
# What parsers stumble over: in text and in headers of arrays and weights.
HOSTILE = [
    b"", b"-1", b"0", b"1", b"1.5", b"1e999", b"NaN", b"9" * 15, b"9" * 30, b"9" * 5000, b"null",
    b"true", b"[]", b"{}", b'""', b"x", b",", b":", b"\n", b"\r", b"\t", b"\0", b"\xff", b'"',
    b"'", b"[" * 1500, b"(" * 500, b"O", b"<U9", b">f8", b"I8", b"F4", b"BF16", b"&a [*a]", b"*a",
    b"!!int x", b"!!bool x", b"2026-13-45", b"<<: 1", b"%", b"? ", b"- ", b'"\\ud800"',
]  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Return the content with a few of its tokens changed, perhaps its end cut off."""
    tokens = TOKENS.findall(content)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(0, len(tokens) - 1)))
        new = draw(st.sampled_from(HOSTILE) | st.binary(max_size=8))
        tokens[place : place + draw(st.integers(0, 2))] = [new]
    changed = b"".join(tokens)
    return changed[: draw(st.just(len(changed)) | st.integers(0, len(changed)))]

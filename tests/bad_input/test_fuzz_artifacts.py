"""Whatever bytes a file holds, its loader returns or says in one line what is wrong with it."""

import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from shared.test_artifacts import PAIRS, files_of

from stages.shared.errors import ArtifactError

# Words, numbers and single bytes: what is replaced is often all of a value.
TOKENS = re.compile(rb"[\w.+-]+|[\s\S]")
HOSTILE = [
    b"", b"-1", b"0", b"1", b"1.5", b"1e999", b"NaN", b"9" * 15, b"9" * 30, b"9" * 5000, b"null",
    b"true", b"[]", b"{}", b'""', b"x", b",", b"\n", b"\r", b"\0", b"\xff", b'"', b"[" * 9999,
    b"(" * 500, b"O", b"<U9", b">f8", b"I8", b"F4", b"BF16",
]  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """Change some tokens of a file, perhaps cut its end off."""
    tokens = TOKENS.findall(content)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(0, len(tokens) - 1)))
        new = draw(st.sampled_from(HOSTILE) | st.binary(max_size=8))
        tokens[place : place + draw(st.integers(0, 2))] = [new]
    changed = b"".join(tokens)
    return changed[: draw(st.just(len(changed)) | st.integers(0, len(changed)))]


@cache
def written(name: str) -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        PAIRS[name].save(Path(folder), PAIRS[name].content)
        return files_of(Path(folder))


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
@pytest.mark.parametrize("name", PAIRS)
def test_a_damaged_file_is_read_or_named(tmp_path, name, data):
    for path, content in written(name).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    path = data.draw(st.sampled_from(sorted(written(name))))
    (tmp_path / path).write_bytes(data.draw(damaged(written(name)[path])))
    try:
        PAIRS[name].load(tmp_path)
    except ArtifactError as error:
        assert re.fullmatch(rf"{re.escape(str(tmp_path))}[^\n\r]+; [^\n\r]+", str(error))  # noqa: PT017

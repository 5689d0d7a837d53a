"""params.yaml with other settings, without a change of it: by DVC's own code, as `-S` has it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from stages.shared.errors import ParamsError

PARAMS = Path("params.yaml")


@contextmanager
def overridden(settings: Sequence[str]) -> Iterator[Path]:
    """Lay a params.yaml with these settings, of Hydra's grammar, for as long as the block runs.

    Raises:
        ParamsError: DVC does not understand a setting, or they stand for several runs.
    """
    if not settings:
        yield PARAMS
        return
    # Imported here: they take a second.
    from dvc.utils.cli_parse import to_path_overrides  # type: ignore[import-untyped] # no types
    from dvc.utils.hydra import apply_overrides, get_hydra_sweeps  # type: ignore[import-untyped]

    text = PARAMS.read_text(encoding="utf-8")
    with TemporaryDirectory() as folder:
        path = Path(folder) / PARAMS
        path.write_text(text, encoding="utf-8")
        try:
            runs = get_hydra_sweeps(to_path_overrides(settings))
            apply_overrides(path, runs[0].get(str(PARAMS), []))
        except Exception as error:  # DVC's, of which Hydra's is the cause, and OmegaConf's own
            reason = " ".join(str(error.__cause__ or error).split())
            raise ParamsError(f"-S: {reason}; it must be as `dvc exp run` takes it") from None
        _require_one(runs)
        try:
            yield path
        except ParamsError as error:  # people know the file by the name of theirs
            raise ParamsError(str(error).replace(str(path), str(PARAMS))) from None


def files_with(params: Path) -> Any:
    """Return the file system of this machine, but that params.yaml is that file."""
    from dvc.fs import LocalFileSystem  # type: ignore[import-untyped] # it ships no types

    class Overlay(LocalFileSystem):  # type: ignore[misc] # of no types
        """Reads another file in place of params.yaml of the working folder."""

        def open(self, path: Any, *arguments: Any, **settings: Any) -> Any:
            """Open a file."""
            is_params, opened = Path(path).resolve() == PARAMS.resolve(), super().open
            return opened(str(params) if is_params else path, *arguments, **settings)

    return Overlay()


def _require_one(runs: Sequence[dict[str, list[str]]]) -> None:
    if len(runs) > 1:
        raise ParamsError(f"-S: stands for {len(runs)} runs; a plan is of one at a time")
    if others := set(runs[0]) - {str(PARAMS)}:
        raise ParamsError(f"-S: names {', '.join(sorted(others))}; all settings are in {PARAMS}")

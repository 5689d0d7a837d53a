"""Where a project's own files lie while DVC runs an experiment elsewhere.

`dvc exp run --temp` and `--queue` work in `<project>/.dvc/tmp/exps/<workspace>`, a copy of what git
and DVC know. What neither knows, such as images in `data/raw`, is only in the project itself.
"""

import os
from pathlib import Path


def main_folder() -> Path:
    """Return the project's folder: in a temporary workspace that which the experiment is of."""
    here = Path.cwd()
    for parent in here.parents:
        if parent.name == ".dvc":  # here is .dvc/tmp/exps/<workspace>, or a folder in it
            inside = here.relative_to(parent).parts[3:]
            return _deepest(parent.parent, inside)
    return here


def located(path: str) -> Path:
    """Return where a file or folder is that params.yaml names, `~` being the home.

    A relative one that the temporary workspace does not hold is that of the project.
    """
    named = Path(os.path.expanduser(path))  # noqa: PTH111 - Path's own fails where nobody has a home
    if named.is_absolute() or _holds_something(named):
        return named
    project = main_folder()
    is_there = project != Path.cwd() and os.path.exists(project / named)  # noqa: PTH110 - any text
    return project / named if is_there else named


def _deepest(project: Path, inside: tuple[str, ...]) -> Path:
    """Return the folder inside the project, unless `inside` is the project's own place in git."""
    folder = project.joinpath(*inside)
    return folder if (folder / "dvc.yaml").exists() else project


def _holds_something(path: Path) -> bool:
    """Return whether a path is a file, or a folder with more than what git keeps beside data."""
    try:
        names = [entry.name for entry in path.iterdir()]
    except (OSError, ValueError):
        return os.path.isfile(path)  # noqa: PTH113 - takes any text
    return any(not name.startswith(".") and not name.endswith(".dvc") for name in names)

"""params.yaml, read and checked whole before any stage starts.

Every key must be there and no other may be: a misspelt name stops the first stage, not the last.
What one section may be by itself stands in the files of sections, what takes two of them in those
of checks. Validation decides no bytes of any output, so no stage depends on these files.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Self

from pydantic import ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from stages.shared.errors import ParamsError, reason
from stages.shared.settings import embedding_checks, search_checks, task_limits, training_checks
from stages.shared.settings.content import Content
from stages.shared.settings.messages import AND, describe
from stages.shared.sizes import num_picks

MOST_TOLD = 10


class Params(Content):
    """The whole of params.yaml, checked."""

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        """Say all that is wrong with two settings that are well by themselves."""
        found = [*task_limits.problems(self.task, self.model_dump())]
        basis = [*self._raised_by(search_checks.FIRST)]
        found += basis
        if not basis:
            found += self._raised_by(search_checks.REST)
        found += self._raised_by((*training_checks.ALL, embedding_checks.embedded_models))
        if found:
            raise ValueError(AND.join(found))
        return self

    def _raised_by(self, checks: Iterable[Callable[[Self], None]]) -> Iterator[str]:
        """Yield what the checks raise."""
        for check in checks:
            try:
                check(self)
            except ValueError as error:
                yield str(error)


def load_params(path: Path = Path("params.yaml")) -> Params:
    """Read and check the whole file.

    Raises:
        ParamsError: the file is missing, no YAML, or says something that is not allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path}: cannot be read ({error}); it must be a text file") from None
    return _checked(text, path)


@cache  # a stage asks several times; what is not allowed is said anew each time
def _checked(text: str, path: Path) -> Params:
    try:
        content = _parsed(text)
    except Exception as error:  # of a value like 2026-13-45 ruamel lets pass what Python raises
        raise ParamsError(f"{path}: {_yaml_problem(error)}; it must be YAML 1.2") from None
    return check_params(content, path)


def check_params(content: object, path: Path = Path("params.yaml")) -> Params:
    """Return the checked content of a params.yaml.

    Raises:
        ParamsError: keys or values are not allowed; the line says all that is wrong.
    """
    try:
        return Params.model_validate(content)
    except ValidationError as error:
        lines = describe(error, Params)
        if all(item["loc"] for item in error.errors()):
            # Where a value is of a wrong kind, nobody has looked at the names yet.
            known = {line.partition(" ")[0] for line in lines}
            names = [*task_limits.wrong_names_anyhow(content)]
            lines += [line for line in names if line.partition(" ")[0] not in known]
        rest = [f"{len(lines) - MOST_TOLD} more"] if len(lines) > MOST_TOLD else []
        raise ParamsError(f"{path}: {AND.join([*lines[:MOST_TOLD], *rest])}") from None


def check_counts(params: Params, num_train: int, num_classes: int) -> None:
    """Check the sizes against the train split, once its size is known.

    Raises:
        ParamsError: a subset is larger than what it can be drawn from, or, where a sample has one
            label, smaller than the number of classes.
    """
    for size in params.sizes:
        picks = num_picks(size, num_train)
        if picks > num_train and params.picks_once:
            raise ParamsError(
                f"params.yaml: size {size} is {picks} picks; the train split has {num_train} "
                "samples (more only with select.candidates: all)"
            )
        if picks < num_classes and params.rules.has_labels:
            raise ParamsError(
                f"params.yaml: size {size} of {num_train} train samples is {picks} picks; there "
                f"are {num_classes} classes, so it must be {num_classes} at least"
            )


def _parsed(text: str) -> object:
    """Return what YAML says: by the parser in C, as DVC does, and errors by that in Python.

    The former takes a sixth of the time, the latter names the right line.
    """
    try:
        return YAML(typ="safe").load(text)
    except Exception:
        return YAML(typ="safe", pure=True).load(text)


def _yaml_problem(error: Exception) -> str:
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return reason(error)

"""The section of params.yaml that says which selection strategies race, and how they are judged."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    NonNegativeFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from stages.shared.settings.messages import choice, describe, either, not_allowed
from stages.shared.settings.section import Section
from stages.shared.settings.sections import Fraction, Select
from stages.shared.settings.training_sections import EpochLength, UpdateLength

# Of all entrants and of random alike: what may be picked, and of whom an order is written.
NOT_BY_ENTRANT = ("candidates", "exclude", "include", "order")


def _is_file_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_]+", name) or name == "random":
        raise not_allowed(
            "the name of an entrant must be of letters, digits and _, and another than random"
        )
    return name


class Race(Section):
    """Who races for each round's subset; none: `select` alone chooses."""

    entrants: dict[Annotated[str, AfterValidator(_is_file_name)], dict[str, Any]]
    judge: str  # a file of stages/shared/models/<task>
    judges: PositiveInt
    random: PositiveInt
    level: Fraction
    margin: NonNegativeFloat
    recipe: Literal["train_ensemble", "train_subset_model"]
    length: Annotated[
        EpochLength | UpdateLength | None,
        either("{epochs: n} or {updates: n}, n a whole number from 1, or empty"),
    ]
    holdout: Annotated[float, Field(ge=0, le=1 / 3)]

    @model_validator(mode="after")
    def _knows_how_random_differs(self) -> Self:
        if self.judges * self.random == 1:
            raise ValueError("random is 1; it must be at least 2 with judges: 1")
        return self


def merged(content: Mapping[str, Any], differs: Mapping[str, Any]) -> dict[str, Any]:
    """Return a section with what differs; within a section of it the other keys stay."""
    found = dict(content)
    for key, value in differs.items():
        is_section = isinstance(value, Mapping) and isinstance(found.get(key), Mapping)
        found[key] = merged(found[key], value) if is_section else value
    return found


def resolved(select: Select, name: str, differs: Mapping[str, Any]) -> Select:
    """Return how an entrant selects: as `select` says, but for what differs.

    Raises:
        ValueError: a key or value is not allowed; the message begins with the key in params.yaml.
    """
    here = f"race.entrants.{name}"
    known = [key for key in Select.model_fields if key not in NOT_BY_ENTRANT]
    for key in differs:
        if key in NOT_BY_ENTRANT:
            raise ValueError(f"{here}.{key} is given; it must be left to select, for all alike")
        if key not in known:
            raise ValueError(f"{here}.{key} is unknown; {choice(key, known)}")
    try:
        return Select.model_validate(merged(select.model_dump(), differs))
    except ValidationError as error:
        raise ValueError(f"{here}.{describe(error, Select)[0]}") from None

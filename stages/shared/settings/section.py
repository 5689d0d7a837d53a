"""What all sections of params.yaml have in common."""

from pydantic import BaseModel, ConfigDict, model_validator

MOST_BITS = 63  # of a whole number, besides its sign


class Section(BaseModel):
    """A part of params.yaml: unknown keys are errors, nothing is converted, nothing changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _fits_64_bits(cls, content: object) -> object:
        """Refuse numbers that arrays cannot hold, and Python perhaps not write."""
        for key, value in content.items() if isinstance(content, dict) else ():
            for found in value if isinstance(value, list) else [value]:
                if isinstance(found, int) and found.bit_length() > MOST_BITS:
                    raise ValueError(
                        f"{key} is a number of {found.bit_length()} bits; it must have "
                        f"{MOST_BITS} at most"
                    )
        return content

"""What train samples are labelled with.

Shapes: N train samples, P picks.
"""

from dataclasses import dataclass

from stages.shared.artifacts import BoxList, Ints


@dataclass(frozen=True)
class Labels:
    """What the train samples of a revision show."""

    class_names: list[str]
    targets_N: Ints
    boxes: BoxList | None  # the objects in them, where the task is to find them

    def classes_of(self, index_P: Ints) -> Ints:
        """Return the class of each pick, or of each object in the picks."""
        return self.targets_N[index_P] if self.boxes is None else self.boxes.of(index_P).class_A

    def said_of(self, row: int) -> str:
        """Say what a sample is labelled with."""
        if self.boxes is None:
            return self.class_names[self.targets_N[row]]
        num = int(self.boxes.count_N[row])
        return f"{num} object" if num == 1 else f"{num} objects"

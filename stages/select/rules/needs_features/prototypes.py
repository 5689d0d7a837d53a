"""The typical of each class, or the outlying."""

from stages.select.class_means import distance_to_class_mean
from stages.select.rules.candidates import Candidates, smallest_first
from stages.shared.artifacts import Ints


def order(candidates: Candidates) -> Ints:
    """Nearest to the mean of their class first, or farthest, as `prototypes.prefer` says.

    The supervised prototypes of Sorscher et al. 2022 (arXiv 2206.14486, section 5): near ones where
    data are few, far ones where they abound. Means are those of what competes.
    """
    distance_K = distance_to_class_mean(candidates)
    is_near = candidates.settings.prototypes.prefer == "nearest"
    return smallest_first(candidates, distance_K if is_near else -distance_K)

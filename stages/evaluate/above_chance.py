"""How much better a model does than one that has learnt nothing would: the metric `above_chance`.

What a model says of a sample has to fit this sample better than others. A model that has learnt
nothing fits the truth of others as well as its own; that is its level of chance, whatever the
classes' shares are. The values of the samples, or of groups of them, have errors as those of other
metrics have, so that the report can test them (stages/report/numbers/conclusions.py).

Shapes: T samples, C classes; groups of images.
"""

from collections.abc import Sequence

import numpy as np
import torch

from stages.shared.artifacts import Floats, Ints
from stages.shared.measuring import jackknife
from stages.shared.measuring.average_precision import Images
from stages.shared.samples.randomness import generator

NUM_SHUFFLES = 4  # of the objects' classes: together they are less noisy than the metric itself


def of_classes(predicted_T: Ints, targets_T: Ints) -> Floats:
    """Return each sample's value, float64 [T]: their mean is accuracy above chance, in [-1, 1].

    s(i, j) is 1 where the class given to sample i is the label of sample j. What is said of i is
    worth s(i, i) - s(i, .) - s(., i) + s(., .) above chance, with means over all other samples.
    The mean over i is that of s(i, i) minus that of all others; the two middle terms take away
    what predictions and labels owe to the classes' shares (Hoeffding 1951, A Combinatorial Central
    Limit Theorem), so that a model that always names one class has 0.
    A single sample has no others, and says nothing of chance.
    """
    num_others = max(len(targets_T) - 1, 1)
    length = 1 + max(int(predicted_T.max()), int(targets_T.max()))
    labels_C = np.bincount(targets_T, minlength=length)
    predictions_C = np.bincount(predicted_T, minlength=length)
    own_T = (predicted_T == targets_T).astype(np.float64)
    row_T = (labels_C[predicted_T] - own_T) / num_others
    column_T = (predictions_C[targets_T] - own_T) / num_others
    return own_T - row_T - column_T + row_T.mean()


def of_objects(found: Images, truth: Images, groups_T: Ints) -> Floats:
    """Return each group's value, float64: their mean is mean average precision above chance.

    Chance is what the same boxes reach where the true boxes stay and their classes are shuffled
    among all objects: to see where something is comes first and needs no classes. It is the mean
    over four shuffles. Where all objects are of one class, the truth is that of another image.
    """
    chance = np.mean(
        [jackknife.of_all_sizes(found, others, groups_T) for others in _of_others(truth)], axis=0
    )
    return jackknife.of_all_sizes(found, truth, groups_T) - chance


def _of_others(truth: Images) -> Sequence[Images]:
    counts = [len(image["labels"]) for image in truth]
    labels = torch.cat([image["labels"] for image in truth])
    shuffles = range(1, NUM_SHUFFLES + 1)
    if len(set(labels.tolist())) == 1:
        places = [1 + (step - 1) % max(len(truth) - 1, 1) for step in shuffles]  # never its own
        return [truth[place:] + truth[:place] for place in places]
    return [
        [
            {**image, "labels": of_image}
            for image, of_image in zip(truth, torch.split(shuffled, counts), strict=True)
        ]
        for step in shuffles
        for order in [generator(0, "above chance", step).permutation(len(labels))]
        for shuffled in [labels[torch.from_numpy(order)]]
    ]

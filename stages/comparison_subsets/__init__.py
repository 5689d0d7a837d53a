"""Comparison subsets: what the target models are trained on.

`selected` is the last round's subset, `random` has as many picks, `random-unique` as many as the
selected one has different samples, `full` is every train sample once but for those that the exclude
list names. `selected-<size>` is the subset of the round to that size, or else the first part of the
last round's; `random-<size>` is the first part of `random`. So one run compares all sizes.
`full-matched` is `full`, to be trained for as many updates as the selected subset, and
`full-matched-<size>` as a subset of that size. Random subsets start from the seed subset and are
bound by the same lists and shares of classes as the selected ones.

Reads   data/prepared/train/               sample_ids.csv, targets.npy int64 [N]
        data/subsets/<size>.csv            the seed subset and the subset of each round
        lists/{seed,include,exclude}.csv   the user's sample ids
Writes  data/comparison/<name>.csv         index, round, score; one row for each pick
        data/comparison/full-matched*/as_long_as.json   picks of the subset whose updates it gets
Params  compare.subsets, rounds, seed_size, seed_subset, random_seed
        select.{balanced,include,exclude,min_per_class}
"""

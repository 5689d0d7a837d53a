"""Train subset model: the target models, on the selected subset and on what it is compared with.

Reads   data/prepared/               train and validation splits, meta.json
        data/comparison/<subset>.csv the picks to train on; as_long_as.json: for as many updates as
                                     a subset of so many picks, instead of its own
        data/ensembles/<size>/       where train_subset_model.initialize_from names a size
Writes  data/subset_models/<model>-<subset>/   like an ensemble
        data/histories/<model>-<subset>.csv
Params  random_seed, train_subset_model

Member m has the same first weights and the same random streams for every subset.
"""

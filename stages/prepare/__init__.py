"""Prepare: split the data and write it as arrays.

Reads   the data set that `dataset.name` names (a file in datasets/), under `dataset.root`
Writes  data/prepared/{train,validation,test}/   inputs.npy uint8 [N, H, W, K]; targets.npy
                                                 int64 [N]; sample_ids.csv, one row for each sample
        data/prepared/meta.json                  class names, shape, mean and std, a fingerprint
        data/ensembles/scratch/model.json        an empty object: the ensemble of those models
                                                 that start from no ensemble
Params  dataset, task

Nothing is written unless all of the data is well. Rows of a split stand in the source's order.
"""

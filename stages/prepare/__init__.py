"""Prepare: split the data and write it as arrays, or list its image files.

Reads   the data set that `dataset.name` names (a file in datasets/), under `dataset.root`
Writes  data/prepared/{train,validation,test}/   inputs.npy uint8 [N, H, W, K]; targets.npy
                                                 int64 [N]; sample_ids.csv, one row for each sample;
                                                 with dataset.groups groups.npy int64 [N]
        or, with storage: files, instead of inputs.npy
                                                 files.csv, path below the root and CRC-32 of the
                                                 pixels of each sample; files.json, the root and
                                                 what size the files are decoded to
        and for object detection                 boxes_A4.npy float32, left, top, right, bottom in
                                                 pixels of the prepared image; box_classes_A.npy
                                                 int64; box_offsets_N1.npy int64, where the boxes
                                                 of each image begin. A target is then the class
                                                 that the image is split by, and nothing else
        data/prepared/meta.json                  class names, shape, mean and std, a fingerprint
        data/ensembles/scratch/model.json        an empty object: the ensemble of those models
                                                 that start from no ensemble
Params  dataset, task

Nothing is written unless all of the data is well; where more is wrong than a line can hold, all of
it goes to data/problems.txt. The lists that later stages read are read to be checked. Rows of a
split stand in the source's order.
"""

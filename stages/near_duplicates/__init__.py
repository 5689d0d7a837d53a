"""Near duplicates: which samples are nearly the same?

Two samples are near duplicates where the cosine of their vectors is at least
`near_duplicates.threshold`; groups are the connected components of such pairs. Vectors are the
embeddings of images, or the samples themselves where the data set is one of vectors: each number
as models read it, with mean 0 and deviation 1, cut at 3. Fewer than 16 numbers are alike by chance,
so that of them copies alone are found. Coloured images of 32 pixels or more that nobody embeds have
thumbnails (thumbnails.py), with a threshold of their own, where they are at most 100,000. To
100,000 samples every pair is compared. Above that only pairs that meet in a leaf of a random
projection tree are, and the recall is measured: of those of 500 random samples that have near
duplicates the share that was found with all of them.
Other images without embeddings, and texts, have no vectors: of them copies alone are found.

Copies are equal bit by bit as they are prepared; blank is what has no content: every pixel of an
image nearly the same, a text of white space, a vector of 16 numbers or more that are all the same.
Images that are left in files are decoded where two have one checksum, so a single blank one among
them is not found.

Groups of the train split alone, which `select.near_duplicates` obeys, know nothing of the test.

Reads   data/prepared/{train,validation,test}/   targets.npy, sample_ids.csv and the inputs; of
                                                 files.csv the files with one checksum
        data/embeddings/                         with embed.model: the same, and
                                                 digest_N.npy, contrast_N.npy
Writes  data/near_duplicates/    of all splits
          groups.csv             sample_id, split, label, group, copy; the samples of the groups
          blank.csv              sample_id
          found.json             how it was looked for, its recall, and counts
          train/group_N.npy      int64 [N], the first row of each train sample's group
Params  near_duplicates.threshold, embed.model, task
"""

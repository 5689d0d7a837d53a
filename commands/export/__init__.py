r"""Take a subset elsewhere: into a list, a folder of images, or what another library reads.

    python -m commands.export csv subset.csv                    the last round's subset
    python -m commands.export copy /data/smaller --subset 0.125 another
    python -m commands.export symlinks --help                   what a form has to choose

`--subset` names a size of params.yaml (data/subsets/<size>.csv) or one of `compare.subsets`
(data/comparison/<name>.csv). A sample that was picked several times stands once, in the place of
its first pick, with the number of its picks, unless the form says otherwise.

    csv          sample_id, path, label, picks, round, score, index (row of the prepared train
                 split)
    text         a path (or a sample id) for each pick, in the order of picking
    symlinks     <class>/<file> as torchvision's ImageFolder reads it; images with boxes become
                 images/<file> and annotations.json
    copy         the same, copied; images without files are written as PNG
    huggingface  the rows of the subset in a data set of Hugging Face, JSON
    fiftyone     a folder that FiftyOne imports, with tags, labels, picks and scores
    coco         COCO's JSON of images with boxes
    yolo         a folder with data.yaml and a list of images for each split, which Ultralytics
                 trains on; where the data is in another form, with links and labels in its own

A path is dataset.root, made absolute, and the sample id. Where no sample id is a file below
dataset.root (embedded or downloaded arrays), paths are empty and lists hold sample ids.

What is written never takes the place of something that is there.

With PyTorch, where `dataset` is an ImageFolder of your images, opened by its absolute path:

    table = pd.read_csv("subset.csv")
    row_of = {path: row for row, (path, _) in enumerate(dataset.samples)}
    subset = Subset(dataset, [row_of[path] for path in table.path.repeat(table.picks)])

on the prepared arrays:

    arrays = [np.load(f"data/prepared/train/{name}.npy") for name in ("inputs", "targets")]
    table, dataset = pd.read_csv("subset.csv"), TensorDataset(*map(torch.from_numpy, arrays))
    subset = Subset(dataset, table["index"].repeat(table.picks).tolist())

or by a sampler, which draws each sample of the data set as often as it was picked:

    table = pd.read_csv("subset.csv")
    sampler = SubsetRandomSampler(table["index"].repeat(table.picks).tolist())
    loader = DataLoader(dataset, batch_size=64, sampler=sampler)

With Hugging Face's datasets:

    rows = json.loads(Path("subset.json").read_text())
    dataset = load_dataset("imagefolder", data_dir=rows["data_dir"], split=rows["split"])
    subset = dataset.select(rows["indices"])

With FiftyOne:

    dataset = fiftyone.Dataset.from_dir("subset", fiftyone.types.LegacyFiftyOneDataset)
"""

import pytest
import pytorch_lightning as pl
import torch
from jsonargparse import ArgumentParser

from snl_video.data import (
    ClipSettings,
    CropSettings,
    ListSettings,
    LoaderSettings,
    PredictSettings,
    VideoDataModule,
    ViewSettings,
)
from snl_video.data.sampler import EpochSampler
from snl_video.errors import AnnotationError
from tests.data.real import REAL, needs_real
from tests.training.tiny import trainer as quiet_trainer
from tests.videos import write_ucf101, write_video

SMALL = {
    "clip": ClipSettings(4, 2),
    "crop": CropSettings(32, short_side=32),
    "views": ViewSettings(2),
    "loader": LoaderSettings(batch_size=2, num_workers=0),
}
KEYS = ("label", "failed", "reason")


@pytest.fixture
def root(tmp_path):
    return write_ucf101(tmp_path / "ucf", num_frames=12)


def test_loaders(root):
    data = VideoDataModule("ucf101", str(root), **SMALL)
    assert data.classes == ["Jump", "Run"]
    assert data.num_classes == 2
    data.setup()
    train, val, test = data.train_dataloader(), data.val_dataloader(), data.test_dataloader()
    assert next(iter(train))["clips"].shape == (2, 1, 3, 4, 32, 32)
    assert next(iter(val))["clips"].shape == (2, 1, 3, 4, 32, 32)
    assert next(iter(test))["clips"].shape == (1, 6, 3, 4, 32, 32)
    assert (len(train), len(val), len(test)) == (2, 1, 2)
    assert next(iter(data.predict_dataloader()))["label"].tolist() == [0]


def test_classes_open_no_video(root):
    for path in (root / "videos").rglob("*.mp4"):
        path.unlink()
    assert VideoDataModule("ucf101", str(root), **SMALL).num_classes == 2


def test_describe(root):
    data = VideoDataModule("ucf101", str(root), **SMALL)
    found = data.describe()
    assert found["num_classes"] == 2
    assert found["subsets"]["train"]["videos"] == 4
    assert found["subsets"]["test"] == found["subsets"]["val"]
    assert len(found["subsets"]["test"]["sha256"]) == 64


def test_describe_tells_what_is_absent(tmp_path):
    write_video(tmp_path / "train" / "a" / "1.mp4", 2)
    found = VideoDataModule("folder", str(tmp_path), **SMALL).describe()
    assert found["subsets"]["train"]["videos"] == 1
    assert "folder val" in found["subsets"]["val"]["error"]


def test_csv(root, tmp_path):
    lists = root / "ucfTrainTestlist"
    data = VideoDataModule(
        "csv",
        str(root / "videos"),
        lists=ListSettings(
            train=str(lists / "trainlist01.txt"), classes=str(tmp_path / "classes.txt")
        ),
        **SMALL,
    )
    (tmp_path / "classes.txt").write_text("none\nJump\nRun\n")
    assert len(data.video_list("train")) == 4
    with pytest.raises(AnnotationError, match=r"needs lists\.val"):
        data.video_list("val")
    with pytest.raises(AnnotationError, match=r"needs lists\.train"):
        assert VideoDataModule("csv", str(root), **SMALL).classes


def test_folder(root):
    data = VideoDataModule("folder", str(root / "videos"), **SMALL)
    assert data.classes == ["Jump", "Run"]
    names = {r.id for subset in ("train", "val") for r in data.video_list(subset).records}
    assert names == {f"{c}/v_{c}_g0{group}_c01.mp4" for c in ("Jump", "Run") for group in (1, 2, 3)}


def test_motion_is_written_when_absent(tmp_path, monkeypatch):
    from snl_video.data.synthetic import motion

    settings = motion.MotionSettings(groups=3, clips_per_group=1, num_frames=6)
    monkeypatch.setattr(
        motion, "write_motion", lambda root, write=motion.write_motion: write(root, settings)
    )
    data = VideoDataModule("motion", str(tmp_path / "motion"), **SMALL)
    assert data.num_classes == 10
    assert data.augmentation.spec.flip == 0
    data.prepare_data()
    data.prepare_data()
    assert len(data.video_list("test")) == 10
    assert next(iter(data.test_dataloader()))["clips"].shape == (1, 6, 3, 4, 32, 32)


def test_predict_paths(root, tmp_path):
    extra = write_video(tmp_path / "own.mp4", 3)
    predict = PredictSettings([str(extra), str(root / "videos" / "Run")])
    data = VideoDataModule("ucf101", str(root), predict=predict, **SMALL)
    data.setup("predict")
    assert [record.id for record in data.video_list("predict").records] == [
        "own.mp4",
        *(f"v_Run_g0{group}_c01.mp4" for group in (1, 2, 3)),
    ]
    assert next(iter(data.predict_dataloader()))["label"].tolist() == [-1]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_one_path_to_predict(root, tmp_path):
    extra = write_video(tmp_path / "own.mp4", 3)
    parser = ArgumentParser()
    parser.add_class_arguments(VideoDataModule, "data")
    for argument, names in ((str(extra), ["own.mp4"]), (f"[{extra}, {extra}]", ["own.mp4"] * 2)):
        arguments = ["--data.format=ucf101", f"--data.root={root}"]
        found = parser.parse_args([*arguments, f"--data.predict.paths={argument}"])
        data = parser.instantiate_classes(found).data
        assert [record.id for record in data.video_list("predict").records] == names


@pytest.mark.filterwarnings("ignore:.*absent:UserWarning")
def test_absent_videos_are_left_out_of_training_and_wrong_in_evaluation(root):
    for name in ("v_Run_g01_c01", "v_Run_g03_c01"):
        (root / "videos" / "Run" / f"{name}.mp4").unlink()
    data = VideoDataModule("ucf101", str(root), lists=ListSettings(missing="wrong"), **SMALL)
    assert data.video_list("train").missing == ["Run/v_Run_g03_c01.mp4"]
    assert len(data.video_list("train")) == 3
    rows = [
        row for batch in data.test_dataloader() for row in zip(*map(batch.get, KEYS), strict=True)
    ]
    assert [(int(label), bool(failed)) for label, failed, _ in rows] == [(0, False), (1, True)]
    assert rows[1][2].startswith("Run/v_Run_g01_c01.mp4: is in the list and not on disk")
    assert data.describe()["subsets"]["test"]["videos"] == 2
    assert [r.id for r in data.video_list("predict").records] == ["Jump/v_Jump_g01_c01.mp4"]


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"format": "avi"}, "unknown format 'avi'; choose one of ucf101"),
        ({"format": "ucf-101"}, r"did you mean 'ucf101'\? choose one of ucf101"),
        ({"root": "nowhere"}, r"nowhere does not exist; set data\.root"),
        ({"split": 0}, "got 0"),
        ({"lists": {"classes": "nowhere.txt"}}, "does not exist"),
        ({"crop": {"size": 64, "short_side": 32}}, "at most 32x32 pixels, got .* size 64"),
        ({"views": {"num_crops": 2}}, "got num_crops 2"),
        ({"views": {"val_num_crops": 2}}, "got num_crops 2"),
        ({"clip": {"num_frames": 0}}, "got 0"),
        (
            {"clip": {"frames": 4}},
            "clip has no key 'frames'; its keys: num_frames, interval",
        ),
    ],
)
def test_bad_arguments_are_named(root, arguments, match):
    def start():
        data = VideoDataModule(**{"format": "ucf101", "root": str(root), **SMALL, **arguments})
        assert data.num_classes
        data.setup("fit")
        data.train_dataloader()

    with pytest.raises(ValueError, match=match):
        start()


def test_a_small_set_still_gives_a_batch(root):
    data = VideoDataModule(
        "ucf101", str(root), **SMALL | {"loader": LoaderSettings(3, num_workers=0)}
    )
    assert len(data.train_dataloader()) == 1
    data = VideoDataModule(
        "ucf101", str(root), **SMALL | {"loader": LoaderSettings(64, num_workers=0)}
    )
    assert next(iter(data.train_dataloader()))["label"].shape == (4,)


def test_workers_have_a_timeout(root):
    settings = LoaderSettings(batch_size=2, num_workers=2, timeout=45.0)
    data = VideoDataModule("ucf101", str(root), **SMALL | {"loader": settings})
    loader = data.train_dataloader()
    assert (loader.timeout, loader.persistent_workers) == (45, True)
    labels = [batch["label"] for batch in loader]
    assert sum(map(len, labels)) == 4
    del loader


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_yaml_arguments(root, tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text(
        f"data:\n  format: ucf101\n  root: {root}\n  crop: {{scale: [0.5, 1], "
        "short_sides: [256, 320]}\n  lists: {missing: skip}\n  predict: {paths: [a.mp4]}\n"
    )
    parser = ArgumentParser()
    parser.add_argument("--config", action="config")
    parser.add_class_arguments(VideoDataModule, "data")
    options = ["--config", str(config), "--data.crop.size=112", "--data.clip.num_frames", "4"]
    data = parser.instantiate_classes(parser.parse_args(options)).data
    assert data.loaders.crop == CropSettings(112, scale=(0.5, 1), short_sides=(256, 320))
    assert data.loaders.clip == ClipSettings(num_frames=4)
    assert data.lists.predict.paths == ["a.mp4"]
    for wrong in ("--data.lists.missing=ignore", "--data.clip.short=mirror", "--data.clip.frames=4",
                  "--data.bad_videos.evaluation=ignore"):  # fmt: skip
        with pytest.raises(SystemExit):
            parser.parse_args([wrong])


class _Watch(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.sums: list[float] = []

    def training_step(self, batch, _):
        self.sums.append(batch["clips"].double().sum().item())
        return self.weight * 0

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


@pytest.mark.filterwarnings("ignore")
def test_lightning_keeps_the_sampler_and_tells_it_the_epoch(root, tmp_path):
    sums = []
    for num_workers in (0, 1):
        loader = LoaderSettings(batch_size=2, num_workers=num_workers)
        data = VideoDataModule("ucf101", str(root), **SMALL | {"loader": loader})
        module = _Watch()
        trainer = quiet_trainer(tmp_path, max_epochs=2)
        trainer.fit(module, data)
        assert isinstance(trainer.train_dataloader.sampler, EpochSampler)
        sums.append(module.sums)
    assert sums[0] == sums[1]
    assert len(set(sums[0])) == 4


@needs_real
@pytest.mark.parametrize(
    ("format", "folder", "subset"),
    [
        ("ucf101", "ucf101_10", "train"),
        ("kinetics", "kinetics400", "test"),
        ("hmdb51", "hmdb51", "test"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*absent:UserWarning")
def test_real_layouts_decode(format, folder, subset):
    data = VideoDataModule(format, str(REAL / folder), lists=ListSettings(missing="skip"), **SMALL)
    loader = getattr(data, f"{subset}_dataloader")()
    assert next(iter(loader))["clips"].any()

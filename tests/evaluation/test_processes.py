"""Two processes say what one says, digit for digit, whatever the number of videos."""

import json
import logging
import os
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
import pytorch_lightning as pl
import torch
import torch.distributed as dist
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from snl_video.data.formats import UCF101
from snl_video.data.sampler import EpochSampler
from snl_video.evaluation import Evaluation, MissingVideosError, VideoScores
from snl_video.evaluation.gathering import gather_rows
from snl_video.evaluation.report.write_report import write_report
from snl_video.training.view_scores import EvaluationSpec, ViewScores
from tests.free_port import free_port
from tests.videos import write_ucf101

COUNTS = (9, 87, 88)
CLASSES = 7
FILES = (
    "metrics.json",
    "videos.csv",
    "per_class.csv",
    "confusion.csv",
    "videos.parquet",
    "report.html",
)


class Scored(Dataset):
    """Videos whose scores depend on nothing but their index; every tenth cannot be read."""

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        generator = torch.Generator().manual_seed(index)
        logits = torch.randn(CLASSES, generator=generator)
        failed = index % 10 == 3
        return {
            "index": index,
            "label": (index * 5) % CLASSES,
            "scores": logits.softmax(0),
            "clip_correct": float(torch.rand((), generator=generator)),
            "failed": failed,
            "reason": f"unreadable {index}" if failed else "",
        }


def evaluate(count, sampler, folder, lose=()):
    scores = VideoScores(folder)
    for batch in DataLoader(Scored(count), batch_size=4, sampler=sampler):
        kept = [row for row, index in enumerate(batch["index"].tolist()) if index not in lose]
        batch = {k: [v[i] for i in kept] if k == "reason" else v[kept] for k, v in batch.items()}
        scores.update(
            batch["index"],
            batch["label"],
            batch["scores"],
            batch["clip_correct"],
            failed=batch["failed"],
            reasons=batch["reason"],
        )
    ids = [f"v_{i}" for i in range(count)]
    results = scores.results(count, ids=ids)
    classes = [f"c{i}" for i in range(CLASSES)]
    case = Evaluation(results, classes, ids, views={"1x1": results}, setting="1x1")
    if not dist.is_initialized() or dist.get_rank() == 0:
        write_report(folder, case, {})


def worker(rank, port, root):
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    for count in COUNTS:
        sampler = DistributedSampler(Scored(count), num_replicas=2, rank=rank, shuffle=False)
        assert len(sampler) * 2 == count + count % 2
        evaluate(count, sampler, root / f"two {count}")
    sampler = DistributedSampler(Scored(9), num_replicas=2, rank=rank, shuffle=False)
    with pytest.raises(MissingVideosError, match=r"1 of 9 videos have no score, first: v_5"):
        evaluate(9, sampler, root, lose=(5,))
    rows = torch.arange(6.0).view(2, 3)
    assert torch.equal(gather_rows(rows if rank else torch.empty(0, 1)), rows)
    assert len(gather_rows(torch.empty(0, 1, dtype=torch.uint8))) == 0
    dist.destroy_process_group()


@pytest.mark.ddp
def test_two_processes_and_one_write_the_same_files(tmp_path):
    torch.multiprocessing.spawn(worker, args=(free_port(), tmp_path), nprocs=2)
    for count in COUNTS:
        evaluate(count, None, tmp_path / f"one {count}")
        numbers = json.loads((tmp_path / f"two {count}/metrics.json").read_text())
        assert numbers["videos"] == numbers["listed"] == count
        assert numbers["failed"] == len(range(3, count, 10))
        assert numbers["scored"] + numbers["failed"] == count
        for name in FILES:
            one = (tmp_path / f"one {count}" / name).read_bytes()
            assert (tmp_path / f"two {count}" / name).read_bytes() == one, (count, name)


class Brightness(torch.nn.Module):
    """Calls a bright clip class 1, so that its answer depends on nothing but the clip."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))

    def forward(self, clip):
        score = clip.mean((1, 2, 3, 4))
        return torch.stack([-score, score], dim=1) * self.weight


class LogLines(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


def fit(root, folder, processes):
    """Train two epochs; what was logged, what was said, and the error that stopped it."""
    from snl_video.data import (
        BadVideoSettings,
        ClipSettings,
        CropSettings,
        LoaderSettings,
        VideoDataModule,
    )
    from snl_video.errors import TooManyUnreadableError
    from snl_video.training import VideoClassifier
    from snl_video.training.callbacks.unreadable_report import UnreadableReport
    from snl_video.training.optim import OptimizerSpec

    data = VideoDataModule(
        "ucf101",
        str(root),
        clip=ClipSettings(2, 2),
        crop=CropSettings(16, short_side=16),
        loader=LoaderSettings(batch_size=4 // processes, num_workers=0),
        bad_videos=BadVideoSettings(max_share=0.3),
    )
    module = VideoClassifier("i3d_r50", 2, width=8, optimizer=OptimizerSpec(lr=1e-6))
    module.network.trunk = Brightness()
    trainer = pl.Trainer(
        accelerator="cpu",
        devices=processes,
        strategy="ddp" if processes > 1 else "auto",
        logger=False,
        default_root_dir=folder,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        limit_val_batches=0,
        max_epochs=2,
        callbacks=[UnreadableReport(data.unreadable)],
    )
    log, error = LogLines(), ""
    logger = logging.getLogger("snl_video.training.callbacks.unreadable_report")
    logger.addHandler(log)
    try:
        trainer.fit(module, data)
    except TooManyUnreadableError as caught:
        error = str(caught)
    finally:
        logger.removeHandler(log)
    metrics = {name: float(value) for name, value in trainer.callback_metrics.items()}
    return {"metrics": metrics, "log": log.lines, "error": error}


def fit_worker(rank, port, roots, folder):
    environment = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "LOCAL_RANK": rank}
    os.environ.update({name: str(v) for name, v in {**environment, "NODE_RANK": 0}.items()})
    warnings.simplefilter("ignore")
    for root in roots:
        found = fit(root, folder, 2)
        (folder / f"{root.name} {rank}.json").write_text(json.dumps(found))
    dist.destroy_process_group()


@pytest.mark.ddp
@pytest.mark.filterwarnings("ignore")
def test_a_fit_on_two_processes_counts_what_one_counts(tmp_path):
    """Eight videos. Two bad ones of one process are 2 of 8, not 2 of 4; three on two are 3 of 8."""
    shares = [list(EpochSampler(range(8), num_replicas=2, rank=rank)) for rank in (0, 1)]
    first, second = ([index for _, index in share] for share in shares)
    first_in_order, second_in_order = sorted(first), sorted(second)
    spoiled = {
        "good": [],
        "two": [first_in_order[0], first_in_order[-1]],
        "three": [first_in_order[0], first_in_order[-1], second_in_order[1]],
    }
    roots, names = [], {}
    for case, indices in spoiled.items():
        roots.append(write_ucf101(tmp_path / case, per_class=5, num_frames=40))
        records = UCF101(roots[-1]).read("train").records
        assert len(records) == 8
        names[case] = [records[index].id for index in indices]
        for index in indices:
            Path(records[index].path).write_bytes(b"this is not a video")
    torch.multiprocessing.spawn(fit_worker, args=(free_port(), roots, tmp_path), nprocs=2)
    for root in roots:
        one = fit(root, tmp_path, 1)
        two, other = (json.loads((tmp_path / f"{root.name} {r}.json").read_text()) for r in (0, 1))
        assert other["error"] == two["error"]
        assert other["log"] == []
        if root.name == "three":
            assert "3 of 8 training videos are unreadable" in one["error"]
            assert "3 of 8 training videos are unreadable" in two["error"]
            for name in names["three"]:
                assert f"{name}: " in two["error"]
            continue
        assert one["error"] == two["error"] == ""
        assert one["log"] == two["log"]
        assert len(two["log"]) == (3 if root.name == "two" else 0)
        for metric in ("train/top1", "data/replaced"):
            assert two["metrics"][metric] == pytest.approx(one["metrics"][metric], abs=1e-6)
            assert other["metrics"][metric] == two["metrics"][metric]
        assert (one["metrics"]["data/replaced"] >= 2) == (root.name == "two")
        assert 0 < one["metrics"]["train/top1"] < 1
        for name in names[root.name]:
            assert "".join(two["log"]).count(f"\n  {name}: ") == 1


def test_a_test_step_scores_every_setting_with_its_own_views(tmp_path):
    """Each view is given logits that tell which view it is."""
    from snl_video.training import VideoClassifier

    torch.manual_seed(0)
    model = VideoClassifier("i3d_r50", 5, width=8)
    logits = torch.randn(2, 30, 5)
    model.scores.logits = lambda forward, clips: logits
    dataset = SimpleNamespace(num_clips=10)
    model._trainer = SimpleNamespace(
        test_dataloaders=SimpleNamespace(dataset=dataset), default_root_dir=tmp_path
    )
    model.on_test_epoch_start()
    label = torch.tensor([1, 4])
    model.test_step({"clips": None, "label": label, "index": torch.tensor([0, 1])}, 0)
    expected = {"1x1": [13], "1x3": [12, 13, 14], "10x3": list(range(30))}
    assert list(model.scores.by_setting) == list(expected)
    for name, views in expected.items():
        results = model.scores.by_setting[name].results(2)
        probabilities = torch.stack([logits[:, v].softmax(1) for v in views]).mean(0)
        torch.testing.assert_close(results.confidence(), probabilities.amax(1))
        torch.testing.assert_close(results.answers.score_true, probabilities[(0, 1), label])
        assert (results.scores is None) == (name != "10x3")
        right = torch.stack([(logits[:, v].argmax(1) == label).float() for v in views]).mean(0)
        torch.testing.assert_close(results.clip_correct, right)


@pytest.mark.parametrize("average", ["probabilities", "logits"])
def test_what_is_averaged_is_what_was_chosen(average):
    scores = ViewScores(EvaluationSpec(average))
    logits = torch.tensor([[[4.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    if average == "logits":
        expected = torch.tensor([[2.0, 0.5, 0.0]]).softmax(1)
    else:
        expected = (logits[:, 0].softmax(1) + logits[:, 1].softmax(1)) / 2
    torch.testing.assert_close(scores.average(logits), expected)


def test_a_setting_that_cannot_be_read_is_refused_at_once():
    with pytest.raises(ValueError, match="clips x crops, as 10x3; got 'ten'"):
        EvaluationSpec(view_settings=["ten"])


@pytest.mark.parametrize("bad", [{"average": "logit"}, {"views_per_forward": -1}])
def test_an_average_or_a_number_of_views_that_is_none_is_refused(bad):
    with pytest.raises(ValueError, match=str(*bad.values())):
        EvaluationSpec(**bad)

"""Two processes say what one says, digit for digit, whatever the number of videos."""

import json
import socket
from types import SimpleNamespace

import pytest
import torch
import torch.distributed as dist
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from snl_video.evaluation import Evaluation, MissingVideosError, VideoScores
from snl_video.evaluation.report import write_report

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
    scores = VideoScores()
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
    dist.destroy_process_group()


@pytest.mark.ddp
def test_two_processes_and_one_write_the_same_files(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torch.multiprocessing.spawn(worker, args=(port, tmp_path), nprocs=2)
    for count in COUNTS:
        evaluate(count, None, tmp_path / f"one {count}")
        numbers = json.loads((tmp_path / f"two {count}/metrics.json").read_text())
        assert numbers["videos"] == numbers["listed"] == count
        assert numbers["failed"] == len(range(3, count, 10))
        assert numbers["scored"] + numbers["failed"] == count
        for name in FILES:
            one = (tmp_path / f"one {count}" / name).read_bytes()
            assert (tmp_path / f"two {count}" / name).read_bytes() == one, (count, name)


def test_a_test_step_scores_every_setting_with_its_own_views():
    """Each view is given logits that tell which view it is."""
    from snl_video.training import VideoClassifier

    torch.manual_seed(0)
    model = VideoClassifier("i3d_r50", 5, width=8)
    logits = torch.randn(2, 30, 5)
    model.view_logits = lambda clips: logits
    dataset = SimpleNamespace(num_clips=10)
    model._trainer = SimpleNamespace(test_dataloaders=SimpleNamespace(dataset=dataset))
    model.on_test_epoch_start()
    label = torch.tensor([1, 4])
    model.test_step({"clips": None, "label": label, "index": torch.tensor([0, 1])}, 0)
    expected = {"1x1": [13], "1x3": [12, 13, 14], "10x3": list(range(30))}
    assert list(model.scores_of_views) == list(expected)
    for name, views in expected.items():
        results = model.scores_of_views[name].results(2)
        probabilities = torch.stack([logits[:, v].softmax(1) for v in views]).mean(0)
        torch.testing.assert_close(results.scores, probabilities)
        right = torch.stack([(logits[:, v].argmax(1) == label).float() for v in views]).mean(0)
        torch.testing.assert_close(results.clip_correct, right)


@pytest.mark.parametrize("average", ["probabilities", "logits"])
def test_what_is_averaged_is_what_was_chosen(average):
    from snl_video.training import VideoClassifier

    model = VideoClassifier("i3d_r50", 3, width=8, average=average)
    logits = torch.tensor([[[4.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    if average == "logits":
        expected = torch.tensor([[2.0, 0.5, 0.0]]).softmax(1)
    else:
        expected = (logits[:, 0].softmax(1) + logits[:, 1].softmax(1)) / 2
    torch.testing.assert_close(model.video_probabilities(logits), expected)


def test_a_setting_that_cannot_be_read_is_refused_at_once():
    from snl_video.training import VideoClassifier

    with pytest.raises(ValueError, match="clips x crops, as 10x3; got 'ten'"):
        VideoClassifier("i3d_r50", 3, width=8, view_settings=["ten"])

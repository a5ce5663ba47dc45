"""Scores on disk: in the order of the list, whoever had them, and never all in memory."""

import copy
import resource

import pyarrow.parquet as pq
import pytest
import torch
import torch.distributed as dist

from snl_video.evaluation import VideoScores, stored_scores, video_table
from snl_video.evaluation.stored_scores import RowFile, gather_stored
from snl_video.evaluation.video_table import read_parquet, write_parquet
from tests.evaluation.cases import evaluation
from tests.free_port import free_port

CLASSES = 3
SHARES = ([4, 0, 7, 2, 9], [], [1, 8, 6, 0, 5, 3])
"""Videos of each of three processes, in the order of their arrival; one of them comes twice."""


def row_of(video, rank):
    """Scores of a video by one process; another says the same of it but for the last digits."""
    generator = torch.Generator().manual_seed(video)
    return torch.rand(1, CLASSES, generator=generator) + rank * 1e-6


def file_of(folder, rank):
    file = RowFile(folder)
    for video in SHARES[rank]:
        file.append(row_of(video, rank))
    return file


def worker(rank, port, folder):
    where = f"tcp://127.0.0.1:{port}"
    dist.init_process_group("gloo", init_method=where, rank=rank, world_size=len(SHARES))
    stored_scores.ROWS = 3
    arrived = [video for share in SHARES for video in share]
    order = torch.tensor([max(i for i, v in enumerate(arrived) if v == n) for n in range(10)])
    mine = folder / f"{rank}"  # a disk of its own, which no other process sees
    stored = gather_stored(file_of(mine, rank), order)
    if rank:
        assert stored is None
        assert list(mine.iterdir()) == []
    else:
        last = {video: r for r, share in enumerate(SHARES) for video in share}
        wanted = torch.cat([row_of(video, last[video]) for video in range(10)])
        assert torch.equal(stored[:], wanted)
        assert torch.equal(stored[4:6], wanted[4:6])
    dist.destroy_process_group()


@pytest.mark.ddp
def test_the_first_process_gets_the_rows_of_all_in_the_order_of_the_list(tmp_path):
    torch.multiprocessing.spawn(worker, args=(free_port(), tmp_path), nprocs=len(SHARES))


def test_a_single_process_reads_its_own_rows_in_any_order(tmp_path):
    file = file_of(tmp_path, 0)
    stored = gather_stored(file, torch.tensor([1, 3, 0]))
    wanted = torch.cat([row_of(video, 0) for video in (0, 2, 4)])
    assert len(stored) == 3
    assert torch.equal(stored[:], wanted)
    assert torch.equal(copy.deepcopy(stored)[1:2], wanted[1:2])
    assert stored[3:].shape == (0, CLASSES)
    assert list(tmp_path.iterdir()) == []


def test_a_table_is_the_same_in_many_pieces(tmp_path, monkeypatch):
    case = evaluation(30, 6, failed=(2, 7))
    write_parquet(tmp_path / "one.parquet", case.results, case.classes, case.ids)
    monkeypatch.setattr(video_table, "ROWS", 7)
    write_parquet(tmp_path / "many.parquet", case.results, case.classes, case.ids)
    one, many = (pq.read_table(tmp_path / f"{name}.parquet") for name in ("one", "many"))
    assert pq.ParquetFile(tmp_path / "many.parquet").num_row_groups == 5
    assert many.equals(one, check_metadata=True)
    table = read_parquet(tmp_path / "many.parquet")
    for have, want in zip(table.answers, case.results.answers, strict=True):
        assert torch.equal(have, want)


def measure(_, folder):
    """Evaluate 400 MB of scores, in a process of its own."""
    videos, classes = 50_000, 2_000
    scores = VideoScores(folder)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for index in torch.arange(videos).split(500):
        rows = torch.rand(len(index), classes)
        scores.update(index, index % classes, rows, torch.zeros(len(index)))
    results = scores.results(videos)
    names = [str(number) for number in range(videos)]
    write_parquet(folder / "videos.parquet", results, names[:classes], names)
    assert len(read_parquet(folder / "videos.parquet").ids) == videos
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert peak * 1024 < 0.75 * videos * classes * 4, peak


def test_an_evaluation_never_holds_all_scores(tmp_path, monkeypatch):
    torch.multiprocessing.spawn(measure, args=(tmp_path,), nprocs=1)

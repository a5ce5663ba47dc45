"""Parts of a list through Ray's processes; what one can't do is told as if it were done here."""

import os
from functools import partial

import pytest

from snl_video.errors import InputError, UsageError
from snl_video.ray_pool import RayPool


class Doubler:
    """Doubles numbers, but one that is called bad."""

    def __init__(self, bad):
        self.bad = bad

    def __call__(self, part):
        if part == self.bad:
            raise InputError(f"{part} is bad; name another")
        return [part, part, os.getpid()]


def test_no_worker_is_refused():
    with pytest.raises(UsageError, match="--workers must be 1 or more, got 0"):
        RayPool(0)


def test_each_part_is_answered_once_by_another_process():
    pytest.importorskip("ray", reason="needs Ray: pip install 'snl_video[ray]'")
    parts = ["a", "caf\udce9.mp4", "c", "d"]
    answers = list(RayPool(1).answers(partial(Doubler, None), parts))
    assert sorted(first for first, *_ in answers) == sorted(parts)
    assert all(first == second and pid != os.getpid() for first, second, pid in answers)


def test_an_error_of_the_input_is_one_here_too():
    pytest.importorskip("ray", reason="needs Ray: pip install 'snl_video[ray]'")
    with pytest.raises(InputError, match=r"^b is bad; name another$"):
        list(RayPool(1).answers(partial(Doubler, "b"), ["a", "b"]))

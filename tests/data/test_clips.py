import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snl_video.data.clips import clip_span, random_clip, uniform_clips

counts = st.integers(1, 12)


@given(video=st.integers(1, 400), frames=counts, interval=counts, clips=counts)
@settings(deadline=None, max_examples=200)
def test_uniform_clips(video, frames, interval, clips):
    span = clip_span(frames, interval)
    indices = uniform_clips(video, frames, interval, clips)
    assert indices.shape == (clips, frames)
    assert indices.dtype == torch.int64
    assert 0 <= indices.min() <= indices.max() < video
    if video >= span:
        assert (indices.diff(dim=1) == interval).all()
        if clips > 1:
            assert indices[0, 0] == 0
            assert indices[-1, -1] == video - 1
    if video >= span + clips - 1:
        assert len(indices.unique(dim=0)) == clips


@given(
    video=st.integers(1, 400),
    frames=counts,
    interval=counts,
    short=st.sampled_from(["repeat", "loop"]),
)
@settings(deadline=None, max_examples=100)
def test_random_clip(video, frames, interval, short):
    indices = random_clip(video, frames, interval, torch.Generator().manual_seed(0), short)
    assert indices.shape == (frames,)
    assert 0 <= indices.min() <= indices.max() < video
    if video >= clip_span(frames, interval):
        assert (indices.diff() == interval).all()
    else:
        assert indices[0] == 0


def test_one_clip_is_the_centre():
    assert uniform_clips(100, 4, 10, 1).tolist() == [[34, 44, 54, 64]]


def test_random_clip_reaches_both_ends():
    generator = torch.Generator().manual_seed(0)
    starts = {int(random_clip(20, 4, 5, generator)[0]) for _ in range(200)}
    assert starts == set(range(5))


def test_short_videos():
    assert uniform_clips(5, 4, 2, 2).tolist() == [[0, 2, 4, 4]] * 2
    assert uniform_clips(5, 4, 2, 2, "loop").tolist() == [[0, 2, 4, 1]] * 2


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ((10, 0, 1, 1), "got 0 and 1"),
        ((10, 1, 0, 1), "got 1 and 0"),
        ((10, 1, 1, 0), "num_clips"),
        ((0, 1, 1, 1), "at least one frame"),
        ((10, 1, 1, 1, "mirror"), "'mirror'"),
    ],
)
def test_bad_numbers_are_named(arguments, match):
    with pytest.raises(ValueError, match=match):
        uniform_clips(*arguments)

"""Frames of the published protocols, each formula written out from what the projects document."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from snl_video.data.clips import ClipSettings
from snl_video.errors import InputError

RATES = [Fraction(30), Fraction(25), Fraction(30000, 1001), Fraction(24), Fraction(15)]
shapes = st.sampled_from([(8, 8), (4, 16), (32, 2), (16, 4), (64, 2), (1, 5)])


def pyslowfast(length, frames, interval, clips, rate):
    """PySlowFast's test clips: places in exact arithmetic, before they are rounded down.

    A clip spans frames * interval frames of 30 a second; clip i of n starts at i / n of what is
    left of the video; its places are evenly spread from its first to its last frame.
    """
    span = frames * interval * rate / 30
    free = max(length - span, 0)
    gaps = max(frames - 1, 1)
    return [
        [free * i / clips + max(span - 1, 0) * k / gaps for k in range(frames)]
        for i in range(clips)
    ]


@given(
    length=st.integers(1, 400),
    shape=shapes,
    clips=st.integers(1, 10),
    rate=st.sampled_from(RATES),
)
@settings(deadline=None, max_examples=200)
def test_clips_of_pyslowfast(length, shape, clips, rate):
    found = ClipSettings(*shape, protocol="pyslowfast").uniform(length, clips, fps=float(rate))
    for row, places in zip(found.tolist(), pyslowfast(length, *shape, clips, rate), strict=True):
        for index, place in zip(row, places, strict=True):
            near = round(place)
            if abs(place - near) < 1e-4:  # float32 decides, as there
                assert index in (min(near, length - 1), min(near - 1, length - 1))
            else:
                assert index == min(math.floor(place), length - 1)


@pytest.mark.parametrize(
    ("shape", "frames"),
    [((8, 8), [0, 9, 18, 27, 36, 45, 54, 63]), ((4, 16), [0, 21, 42, 63])],
)
def test_first_clips_of_pyslowfast_at_30_frames_a_second(shape, frames):
    clip = ClipSettings(*shape, protocol="pyslowfast")
    assert clip.uniform(300, 10, fps=30)[0].tolist() == frames
    assert clip.span == 64
    starts = clip.uniform(304, 10, fps=30)[:, 0]
    assert starts.tolist() == [24 * i for i in range(10)]  # the last clip ends before the video
    assert clip.uniform(304, 1, fps=30)[0, 0] == 0


def test_clips_of_pyslowfast_are_scaled_to_30_frames_a_second():
    clip = ClipSettings(8, 8, protocol="pyslowfast")
    assert clip.uniform(300, 1, fps=15)[0].tolist() == [0, 4, 8, 13, 17, 22, 26, 31]
    assert (clip.span_at(15), clip.span_at(60), clip.span_at(0)) == (32, 128, 64)
    assert torch.equal(clip.uniform(300, 3), clip.uniform(300, 3, fps=0))
    assert torch.equal(clip.uniform(300, 3), clip.uniform(300, 3, fps=30))


def test_random_clips_of_pyslowfast_start_anywhere():
    clip = ClipSettings(8, 8, protocol="pyslowfast")
    generator = torch.Generator().manual_seed(0)
    clips = torch.stack([clip.random(70, generator, fps=30) for _ in range(300)])
    assert set(clips[:, 0].tolist()) == set(range(6))
    assert set((clips[:, -1] - clips[:, 0]).tolist()) <= {63, 64}
    assert clips.max() == 68  # a start is below 6, the last frame 63 after it


def mmaction2(length, frames, interval, clips):
    """MMAction2's test clips: as here, and what is beyond the end starts again."""
    slack = max(length - ((frames - 1) * interval + 1), 0)
    starts = [slack // 2]
    if clips > 1:
        starts = [round(Fraction(slack * i, clips - 1)) for i in range(clips)]
    return [[(start + k * interval) % length for k in range(frames)] for start in starts]


@given(length=st.integers(1, 400), shape=shapes, clips=st.integers(1, 10))
@settings(deadline=None, max_examples=100)
def test_clips_of_mmaction2(length, shape, clips):
    found = ClipSettings(*shape, protocol="mmaction2").uniform(length, clips, fps=25)
    assert found.tolist() == mmaction2(length, *shape, clips)


def test_random_clips_of_mmaction2_leave_room_for_whole_intervals():
    generator = torch.Generator().manual_seed(0)
    drawn = {
        protocol: {
            int(ClipSettings(4, 5, protocol=protocol).random(22, generator)[0]) for _ in range(200)
        }
        for protocol in ("mmaction2", "snl_video")
    }
    assert drawn == {"mmaction2": set(range(3)), "snl_video": set(range(7))}


def test_the_setting_of_short_videos_goes_before_the_protocol():
    def frames(protocol, short=None):
        return ClipSettings(4, 2, short, protocol).uniform(5, 1)[0].tolist()

    assert frames("mmaction2") == frames("snl_video", "loop") == [0, 2, 4, 1]
    assert frames("snl_video") == frames("mmaction2", "repeat") == [0, 2, 4, 4]


def test_an_unknown_protocol_is_named():
    with pytest.raises(InputError, match="unknown protocol 'x'; choose from snl_video, pyslowfast"):
        ClipSettings(protocol="x")

"""TorchCodec behind the same interface; a clear error where it or FFmpeg is absent."""

import sys

import pytest
import torch

from snl_video.data import DecodingSettings, VideoDataModule, open_video
from snl_video.data.decoding import torchcodec_reader
from tests.data.odd_files import ODD_FILES
from tests.data.real import needs_real, real_clips
from tests.videos import read_numbers, write_video

NAME = "torchcodec"


def _problem():
    try:
        torchcodec_reader.video_decoder()
    except ImportError as error:
        return str(error)
    return ""


needs_torchcodec = pytest.mark.skipif(bool(_problem()), reason=_problem()[:60])


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Install a package of that name whose decoders module has the given text."""

    def install(text):
        folder = tmp_path / "site" / NAME
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("")
        (folder / "decoders.py").write_text(text)
        for name in [name for name in sys.modules if name.split(".")[0] == NAME]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.syspath_prepend(str(folder.parent))

    torchcodec_reader.video_decoder.cache_clear()
    yield install
    torchcodec_reader.video_decoder.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] == NAME]:
        del sys.modules[name]


def test_without_the_package(tmp_path, monkeypatch, package):
    path = write_video(tmp_path / "a.mp4", 3)
    monkeypatch.setattr(torchcodec_reader, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'snl_video\[torchcodec\]'"):
        open_video(path, "torchcodec")
    with pytest.raises(ImportError, match="not installed"):
        open_video(path, "torchcodec", timeout=20)


def test_without_ffmpeg(tmp_path, package):
    package("raise RuntimeError('Could not load libtorchcodec')")
    path = write_video(tmp_path / "a.mp4", 3)
    with pytest.raises(ImportError, match=r"install FFmpeg .*Could not load libtorchcodec"):
        open_video(path, "torchcodec")


FAKE = """
from types import SimpleNamespace
import torch

class VideoDecoder:
    metadata = SimpleNamespace(average_fps=25.0)

    def __init__(self, path, **options):
        assert options == {
            "dimension_order": "NHWC", "num_ffmpeg_threads": 1, "seek_mode": "exact"
        }

    def __len__(self):
        return 20

    def get_frames_at(self, indices):
        if max(indices) >= 10:
            raise RuntimeError("no more frames")
        return SimpleNamespace(data=torch.full((len(indices), 4, 6, 3), 7, dtype=torch.uint8))
"""


def test_its_frames_are_taken_and_pyav_helps_out(tmp_path, package):
    package(FAKE)
    video = open_video(write_video(tmp_path / "a.mp4", 20), "torchcodec")
    assert (video.num_frames, video.fps) == (20, 25)
    assert torch.equal(video.get_frames([3, 1]), torch.full((2, 4, 6, 3), 7, dtype=torch.uint8))
    assert read_numbers(video.get_frames([19, 2])) == [19, 2]
    assert read_numbers(video.get_frames([1])) == [1]


@needs_torchcodec
@pytest.mark.parametrize("kind", sorted(set(ODD_FILES) - {"bit flips in the middle"}))
def test_odd_files_give_the_frames_of_pyav(tmp_path, kind):
    path = ODD_FILES[kind][0](tmp_path)
    video, oracle = open_video(path, "torchcodec"), open_video(path, "pyav")
    assert video.num_frames == oracle.num_frames
    frames = oracle.get_frames(range(oracle.num_frames))
    for wanted in (range(video.num_frames), [video.num_frames - 1, 0, video.num_frames // 2]):
        found = open_video(path, "torchcodec").get_frames(wanted)
        assert (found.int() - frames[list(wanted)].int()).abs().max() <= 2


@needs_real
@needs_torchcodec
@pytest.mark.parametrize(
    "path",
    real_clips("ucf101_original", "hmdb51", "kinetics400")[::3],
    ids=lambda path: path.stem[:40],
)
def test_real_clips_give_the_frames_of_pyav(path):
    video, oracle = open_video(path, "torchcodec"), open_video(path, "pyav")
    wanted = [video.num_frames - 1, 1, video.num_frames // 3]
    assert video.num_frames == oracle.num_frames
    difference = video.get_frames(wanted).int() - oracle.get_frames(wanted).int()
    assert difference.abs().max() <= 2


def test_the_data_module_knows_it(tmp_path):
    write_video(tmp_path / "train" / "a" / "1.mp4", 3)
    decoding = DecodingSettings("torchcodec")
    assert VideoDataModule("folder", str(tmp_path), decoding=decoding).num_classes == 1

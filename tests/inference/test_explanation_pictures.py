"""The pictures of an explanation: the ring, the legend, the words, and every frame in each file."""

import av
import numpy as np
import pytest
import torch
from PIL import Image, ImageChops

from snl_video.inference import explanation_pictures
from snl_video.inference.explanation_pictures import (
    MARGIN,
    SIDE,
    Explanation,
    draw_ring,
    frame_pages,
    overview,
    write_pictures,
)

POSITION = (2, 8, 24)


def explanation(size=(32, 32), num_frames=4, position=POSITION, **more):
    row = torch.zeros(2, 4, 4)
    row[0, 0, 0], row[1, 3, 3], row[1, 2, 2] = 0.125, 0.5, 0.375
    clip = torch.full((3, num_frames, *size), 100, dtype=torch.uint8)
    return Explanation(clip, row, position, "a.mp4: snl block at res4.4", **more)


def middle_of_the_ring(image):
    """Mean (row, column) of what is pure white in an image."""
    return [float(n.mean()) for n in np.nonzero((np.asarray(image) == 255).all(axis=2))]


@pytest.mark.parametrize("size", [(32, 32), (224, 224), (30, 40)])
def test_the_ring_is_where_the_position_is_and_only_on_its_frame(size):
    frames = explanation(size).frames(SIDE)
    assert max(frames[0].size) == SIDE
    assert all(side % 2 == 0 for side in frames[0].size)
    for number, frame in enumerate(frames):
        white = (np.asarray(frame) == 255).all(axis=2)
        assert white.any() == (number == 2)
    scale = SIDE / max(size)
    assert middle_of_the_ring(frames[2]) == pytest.approx([8.5 * scale, 24.5 * scale], abs=2)


def test_the_ring_shows_on_white_and_on_black():
    for ground in ("white", "black"):
        image = Image.new("RGB", (64, 64), ground)
        draw_ring(image, (20, 40), 10)
        box = ImageChops.difference(image, Image.new("RGB", (64, 64), ground)).getbbox()
        assert np.allclose(box, (10, 30, 31, 51), atol=3)


def written(monkeypatch, draw, seen):
    """The pictures that `draw` makes, and all texts in them."""
    texts = []
    plain = explanation_pictures.ImageDraw.ImageDraw.text

    def remember(self, place, text, *args, **options):
        texts.append(text)
        return plain(self, place, text, *args, **options)

    monkeypatch.setattr(explanation_pictures.ImageDraw.ImageDraw, "text", remember)
    return draw(seen), texts


def test_the_legend_ends_are_those_of_the_row_and_bright_is_the_greater(monkeypatch):
    seen = explanation()
    page, texts = written(monkeypatch, overview, seen)
    assert seen.legend == (0, 0.5)
    assert [text for text in texts if text in ("0", "0.5")] == ["0", "0.5"]
    pixels = np.asarray(page).astype(int)
    bar = pixels[-(MARGIN + 52 + 2), MARGIN : pixels.shape[1] - MARGIN]
    assert bar[0].tolist() == [170, 170, 170]
    assert bar[-1].min() != 170
    assert bar[-1, 0] > bar[0, 0]


def test_the_overview_names_the_position_the_prediction_and_what_to_read(monkeypatch):
    seen = explanation(prediction="prediction: run 90.0 %")
    assert seen.reading.startswith("12 % of the weight lies in other moments")
    assert seen.reading.endswith("(50 % if it were spread evenly), the most around frame 2.")
    _, texts = written(monkeypatch, overview, seen)
    told = " ".join(texts)
    assert "prediction: run 90.0 %" in texts
    assert "The ring: the asked position, frame 2, row 8, column 24" in told
    assert seen.reading in told
    assert [t for t in texts if t.startswith("frame")] == [
        "frame 0", "frame 1", "frame 2 (asked)", "frame 3"
    ]  # fmt: skip


def test_the_overview_of_a_long_clip_is_a_grid_with_the_asked_frame(monkeypatch):
    seen = explanation(num_frames=64, position=(37, 1, 1))
    page, texts = written(monkeypatch, overview, seen)
    names = [text for text in texts if text.startswith("frame")]
    assert len(names) == 16
    assert "frame 37 (asked)" in names
    assert {"frame 0", "frame 63"} < set(names)
    assert 0.7 < page.size[0] / page.size[1] < 1.3


def test_every_frame_is_in_each_file(tmp_path):
    seen = explanation()
    write_pictures(seen, tmp_path / "out", 100)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    frames = {f"frame_{number:02d}.png" for number in range(4)}
    assert names == frames | {"overview.png", "affinity.gif", "affinity.mp4"}
    assert Image.open(tmp_path / "out/affinity.gif").n_frames == 4
    with av.open(str(tmp_path / "out/affinity.mp4")) as file:
        pictures = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
        assert file.streams.video[0].average_rate == 10
    assert len(pictures) == 4
    page = np.asarray(frame_pages(seen)[2])
    assert np.asarray(Image.open(tmp_path / "out/frame_02.png")).tolist() == page.tolist()
    assert np.abs(pictures[2].astype(int) - page).mean() < 6

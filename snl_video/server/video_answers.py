"""What the page shows of a video; it knows nothing of Gradio."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from snl_video.data.decoding import open_video
from snl_video.data.transforms.crops import EvalTransform
from snl_video.errors import InputError
from snl_video.evaluation.predictions import Prediction
from snl_video.inference.affinity_pictures import affinity_row, grid_position
from snl_video.inference.clip_graphs import graphs_of
from snl_video.inference.explanation_pictures import Explanation, overview
from snl_video.inference.recognizer import Recognizer
from snl_video.inference.timeline_files import draw
from snl_video.inference.video_timeline import Timeline, Windows
from snl_video.server.limits import Deadline, Limits

MOST_WINDOWS = 60
MOST_FRAMES, COLUMNS = 16, 4
"""Of the sheet of frames."""

Progress = Callable[[float, str], Any]
"""Is told the share of the work that is done, and what is being done."""


@dataclass(frozen=True)
class VideoAnswer:
    """What was found in a video.

    Attributes:
        prediction: of the whole video.
        timeline: of its windows.
        clip: its centre clip, uint8 (1, 3, T, S, S).
    """

    prediction: Prediction
    timeline: Timeline
    clip: Tensor

    def to_dict(self) -> dict[str, Any]:
        """Return plain types for JSON."""
        segments = [vars(segment) for segment in self.timeline.segments()]
        return {"top": self.prediction.to_dict()["top"], "segments": segments}

    def timeline_picture(self) -> Image.Image:
        """Classes over time."""
        file = io.BytesIO()
        draw(file, self.timeline, self.timeline.segments(), smooth=3)
        return Image.open(file)

    @property
    def shown(self) -> list[int]:
        """Numbers of the frames of the clip that the sheet shows."""
        count = self.clip.shape[2]
        return [round(i) for i in np.linspace(0, count - 1, min(count, MOST_FRAMES))]

    def sheet(self) -> np.ndarray:
        """Frames of the clip side by side, `COLUMNS` in a row: uint8 (H, W, 3)."""
        frames = self.clip[0, :, self.shown].permute(1, 2, 3, 0)
        blank = -len(frames) % min(COLUMNS, len(frames))
        frames = torch.cat([frames, frames.new_full((blank, *frames.shape[1:]), 255)])
        rows = [torch.cat(list(row), dim=1) for row in frames.split(min(COLUMNS, len(frames)))]
        return torch.cat(rows).numpy()

    def position(self, x: int, y: int) -> tuple[int, int, int]:
        """Frame, row and column of the clip for a pixel of the sheet.

        Raises:
            InputError: the pixel shows no frame.
        """
        side, shown = self.clip.shape[-1], self.shown
        place = y // side * min(COLUMNS, len(shown)) + x // side
        if not 0 <= place < len(shown):
            raise InputError("choose a point of a frame")
        return shown[place], y % side, x % side


def answer_video(
    recognizer: Recognizer, path: str, limits: Limits, progress: Progress = lambda *_: None
) -> VideoAnswer:
    """Recognise a video, as a whole and over time.

    Raises:
        VideoError: it cannot be read, or is more than the limits allow.
    """
    deadline = Deadline(path, limits.max_work)
    progress(0, "reading")
    limits.check(path)
    prediction = recognizer.predict(path)
    video, viewing = open_video(path), recognizer.viewing
    frames = video.num_frames
    half_clip = viewing.clip.span_at(video.fps) // 2
    stride = max(half_clip, frames // MOST_WINDOWS, 1) / (video.fps or 25)
    windows, scores = Windows(path, viewing, stride=stride), []
    for clips in windows:
        deadline.check()
        scores.append(recognizer.clip_scores(clips))
        done = windows.seconds[-1][1] * windows.stream.fps / frames
        progress(min(done, 1), f"{windows.seconds[-1][1]:.0f} s seen")
    name = Path(path).name
    timeline = Timeline(name, recognizer.classes, windows.seconds, torch.stack(scores))
    indices = viewing.clip.uniform(frames, 1, fps=video.fps)[0]
    transform = EvalTransform(viewing.short_side, viewing.size)
    return VideoAnswer(
        prediction, timeline, transform(video.get_frames(indices).permute(0, 3, 1, 2))
    )


def affinity_picture(
    recognizer: Recognizer, answer: VideoAnswer, place: str, position: tuple[int, int, int]
) -> tuple[Image.Image, str]:
    """What a position of the clip attends to in the block at a place: a picture, and its reading.

    Raises:
        InputError: there is no block at the place, or the position lies outside the clip.
    """
    graphs = graphs_of(recognizer.network, answer.clip.to(recognizer.device))
    if place not in graphs:
        raise InputError(f"no block at {place!r}; there are {', '.join(graphs) or 'none'}")
    row = affinity_row(graphs[place], grid_position(position, answer.clip, graphs[place].grid))
    title = f"{graphs[place].block.kind} block at {place}"
    seen = Explanation(answer.clip[0], row.cpu(), position, title)
    return overview(seen), seen.reading

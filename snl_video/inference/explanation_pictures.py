"""Pictures of what a position attends to: large frames with a ring, a legend and the prediction."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import matplotlib
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from snl_video.data.synthetic.video_writer import write_frames
from snl_video.inference.affinity_pictures import blend, overlay, shares_over_time

SIDE, SMALL_SIDE = 512, 256
"""Pixels of the longer side of a frame: alone, and among others in the overview."""
MOST_FRAMES, COLUMNS = 16, 4
"""Of the overview."""
MARGIN, BAR = 24, 16
INK, PAPER = "#1d1c1a", "white"


@dataclass(frozen=True)
class Explanation:
    """What a position attends to.

    Attributes:
        clip: uint8 (3, T, H, W).
        row: of the affinity, (T', H', W').
        position: the asked frame, row and column of the clip, counted from 0.
        title: which video and block.
        prediction: of the network for the clip, "" for none.
    """

    clip: Tensor
    row: Tensor
    position: tuple[int, int, int]
    title: str
    prediction: str = ""

    @property
    def legend(self) -> tuple[float, float]:
        """The values at the ends of the colour bar."""
        return float(self.row.min()), float(self.row.max())

    @property
    def asked(self) -> str:
        """The position in words."""
        t, y, x = self.position
        return f"frame {t}, row {y}, column {x}"

    @cached_property
    def reading(self) -> str:
        """One sentence: how much of the weight lies in other frames than the asked one."""
        shares = shares_over_time(self.row)
        moments = len(shares)
        if moments == 1:
            return "The features of the block have one moment: all of the weight lies in it."
        here = self.position[0] * moments // self.clip.shape[1]
        best = int(shares.argmax()) * self.clip.shape[1] // moments
        return (
            f"{100 * (1 - float(shares[here])):.0f} % of the weight lies in other moments than the "
            f"asked one ({100 * (1 - 1 / moments):.0f} % if it were spread evenly), the most "
            f"around frame {best}."
        )

    def frames(self, side: int) -> list[Image.Image]:
        """The frames, their longer side `side` pixels, with the ring on the asked one."""
        t, y, x = self.position
        height, width = self.clip.shape[2:]
        scale = side / max(height, width)
        # even, as a video needs it
        size = (2 * round(height * scale / 2), 2 * round(width * scale / 2))
        images = [Image.fromarray(f.numpy()) for f in overlay(self.clip, self.row, size)]
        centre = ((x + 0.5) * size[1] / width, (y + 0.5) * size[0] / height)
        draw_ring(images[t], centre, side / 24)
        return images


def draw_ring(image: Image.Image, centre: tuple[float, float], radius: float) -> None:
    """Draw a white ring with a dark edge, which shows on any ground."""
    draw, (x, y) = ImageDraw.Draw(image), centre
    width = max(round(radius / 4), 2)
    for colour, out, wide in (("black", radius + 2, width + 4), ("white", radius, width)):
        draw.ellipse((x - out, y - out, x + out, y + out), outline=colour, width=wide)


def frame_pages(seen: Explanation) -> list[Image.Image]:
    """Each frame large, under what it is and over the legend."""
    pages = []
    for number, image in enumerate(seen.frames(SIDE)):
        asked = (
            f": asked here, {seen.asked.partition(', ')[2]}" if number == seen.position[0] else ""
        )
        lines = [seen.title, f"frame {number} (0 to {seen.clip.shape[1] - 1}){asked}"]
        pages.append(_page(seen, [[image]], [[""]], lines))
    return pages


def overview(seen: Explanation) -> Image.Image:
    """The frames in a grid, at most `MOST_FRAMES` of them evenly and the asked one."""
    images = seen.frames(SMALL_SIDE)
    chosen = {round(i) for i in np.linspace(0, len(images) - 1, min(len(images), MOST_FRAMES))}
    if seen.position[0] not in chosen:
        chosen.remove(min(chosen, key=lambda i: abs(i - seen.position[0])))
        chosen.add(seen.position[0])
    numbers = sorted(chosen)
    names = [f"frame {n}" + " (asked)" * (n == seen.position[0]) for n in numbers]
    rows = range(0, len(numbers), COLUMNS)
    return _page(
        seen,
        [[images[n] for n in numbers[start : start + COLUMNS]] for start in rows],
        [names[start : start + COLUMNS] for start in rows],
        [seen.title, f"The ring: the asked position, {seen.asked}", seen.reading],
    )


def write_pictures(seen: Explanation, folder: Path, milliseconds: int) -> None:
    """Write overview.png, frame_TT.png, affinity.gif and affinity.mp4."""
    folder.mkdir(parents=True, exist_ok=True)
    overview(seen).save(folder / "overview.png")
    pages = frame_pages(seen)
    for number, page in enumerate(pages):
        page.save(folder / f"frame_{number:02d}.png")
    pages[0].save(
        folder / "affinity.gif",
        save_all=True,
        append_images=pages[1:],
        duration=milliseconds,
        loop=0,
    )
    pixels = np.stack([np.asarray(page) for page in pages])
    write_frames(folder / "affinity.mp4", pixels, Fraction(1000, milliseconds))


def _page(
    seen: Explanation,
    images: list[list[Image.Image]],
    names: list[list[str]],
    lines: list[str],
) -> Image.Image:
    """Lines of text, rows of images with their names below them, and the legend."""
    lines = [*lines[:1], *filter(None, [seen.prediction]), *lines[1:]]
    large, normal = _font(20), _font(15)
    wide, high = images[0][0].size
    gap, caption = 10, 24 if any(map(any, names)) else 0
    room = max(len(images[0]) * (wide + gap) - gap, SIDE)
    wrapped = [
        (text, large if n == 0 else normal)
        for n, line in enumerate(lines)
        for text in _wrapped(line, large if n == 0 else normal, room)
    ]
    top = MARGIN + sum(round(font.size * 1.5) for _, font in wrapped) + 8
    bottom = top + len(images) * (high + caption + gap)
    size = (room + 2 * MARGIN, bottom + BAR + 52 + MARGIN)
    page = Image.new("RGB", (size[0] + size[0] % 2, size[1] + size[1] % 2), PAPER)
    draw, y = ImageDraw.Draw(page), MARGIN
    for text, font in wrapped:
        draw.text((MARGIN, y), text, INK, font)
        y += round(font.size * 1.5)
    for i, (row, of_row) in enumerate(zip(images, names, strict=True)):
        for j, (image, name) in enumerate(zip(row, of_row, strict=True)):
            x, y = MARGIN + j * (wide + gap), top + i * (high + caption + gap)
            page.paste(image, (x, y))
            draw.text((x, y + high + 3), name, INK, normal)
    _legend(page, bottom + 6, room, seen.legend)
    return page


def _legend(page: Image.Image, y: int, width: int, ends: tuple[float, float]) -> None:
    """The colour bar over grey, the values at its ends, and what they mean."""
    heat = torch.linspace(0, 1, width).expand(BAR, width)
    bar = blend(torch.full((BAR, width, 3), 170.0), heat)
    page.paste(Image.fromarray(bar.numpy()), (MARGIN, y))
    draw, font, under = ImageDraw.Draw(page), _font(15), y + BAR + 4
    draw.text((MARGIN, under), f"{ends[0]:.3g}", INK, font)
    draw.text((MARGIN + width / 2, under), "weight (row of A)", INK, font, anchor="ma")
    draw.text((MARGIN + width, under), f"{ends[1]:.3g}", INK, font, anchor="ra")


def _font(size: int) -> ImageFont.FreeTypeFont:
    file = Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
    return ImageFont.truetype(str(file), size)


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: float) -> list[str]:
    """The text in lines that fit into a width."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines

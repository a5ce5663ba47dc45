"""Small drawings as inline SVG, in the colours of the page."""

import base64
import io
from collections.abc import Sequence

import numpy as np
from matplotlib.image import imsave
from torch import Tensor

from snl_video.evaluation.report.markup import Markup, tag
from snl_video.evaluation.views import ViewSetting


def interval_bar(
    value: float, interval: Sequence[float], *, low: float = 0.0, high: float = 1.0
) -> Markup:
    """Draw a number and its interval on the line from ``low`` to ``high``."""
    width, span = 200, high - low

    def place(share: float) -> float:
        return round(width * (min(max(share, low), high) - low) / span, 2)

    left, right = place(interval[0]), place(interval[1])
    zero = place(0.0) if low < 0 < high else None
    return _svg(
        width,
        14,
        tag("line", x1=0, y1=7, x2=width, y2=7, class_="axis"),
        "" if zero is None else tag("line", x1=zero, y1=0, x2=zero, y2=14, class_="zero"),
        tag("rect", x=left, y=4, width=max(right - left, 1), height=6, rx=3, class_="faint"),
        tag("circle", cx=place(value), cy=7, r=4, class_="fill"),
        label=f"{value:.3f}, interval {interval[0]:.3f} to {interval[1]:.3f}",
    )


def view_drawing(setting: ViewSetting, whole: ViewSetting) -> Markup:
    """Draw the clips (across) and crops (down) that are loaded, and fill those that are taken."""
    taken = set(setting.select(whole))
    size = 11 if whole.num_clips <= 12 else 7
    cells = []
    for view in range(whole.num_clips * whole.num_crops):
        clip, crop = divmod(view, whole.num_crops)
        kind = "fill" if view in taken else "off"
        box = {"x": clip * size, "y": crop * size, "width": size - 2, "height": size - 2}
        cells.append(tag("rect", **box, rx=1, class_=kind))
    label = f"{setting} of {whole} views"
    return _svg(whole.num_clips * size, whole.num_crops * size, *cells, label=label, fixed=True)


def reliability_diagram(counts: Tensor, confidence: Tensor, accuracy: Tensor) -> Markup:
    """Draw accuracy by confidence bin above the share of videos in each bin, all (M,)."""
    side, left, foot = 300, 56, 56
    bars = len(counts)
    width = side / bars
    most = max(int(counts.max()), 1)
    marks = [
        tag("line", x1=left, y1=side, x2=left + side, y2=0, class_="ideal"),
        tag("line", x1=left, y1=side, x2=left + side, y2=side, class_="axis"),
    ]
    for number in range(bars):
        count = int(counts[number])
        if not count:
            continue
        x = round(left + number * width + 1, 2)
        right, sure = float(accuracy[number]) * side, float(confidence[number]) * side
        low, high = min(right, sure), max(right, sure)
        column = {"x": x, "width": round(width - 2, 2)}
        title = tag(
            "title",
            f"{count} videos, confidence {sure / side:.3f}, accuracy {right / side:.3f}",
        )
        tall = round(foot * count / most, 2)
        marks += [
            tag("rect", y=round(side - right, 2), height=round(right, 2), **column, class_="faint"),
            tag(
                "rect", y=round(side - high, 2), height=round(high - low, 2), **column, class_="gap"
            ),
            tag(
                "g",
                title,
                tag("rect", y=round(side - right - 1, 2), height=2, **column, class_="fill"),
            ),
            tag("rect", y=side + 14, height=tall, **column, class_="faint"),
        ]
    for share in (0, 0.5, 1):
        marks.append(
            tag("text", f"{share:.0%}", x=left - 6, y=side * (1 - share) + 4, text_anchor="end")
        )
        marks.append(
            tag(
                "text",
                f"{share:.0%}",
                x=left + side * share,
                y=side + foot + 32,
                text_anchor="middle",
            )
        )
    marks.append(
        tag("text", "confidence", x=left + side / 4, y=side + foot + 32, text_anchor="middle")
    )
    marks.append(tag("text", "accuracy", x=left - 6, y=side * 0.25 + 4, text_anchor="end"))
    marks.append(tag("text", "videos", x=left - 6, y=side + 26, text_anchor="end"))
    return _svg(left + side + 6, side + foot + 38, *marks, label="accuracy by confidence")


def confusion_image(confusion: Tensor) -> str:
    """Return a (K, K) matrix as a data URI: each row's shares as opacity, so any paper shows."""
    counts = confusion.double().numpy()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    pixels = np.empty((*shares.shape, 4))
    pixels[..., :3] = np.array([77, 137, 190]) / 255
    pixels[..., 3] = np.sqrt(shares)
    buffer = io.BytesIO()
    imsave(buffer, pixels, format="png")
    return data_uri(buffer.getvalue(), "image/png")


def data_uri(content: bytes, kind: str) -> str:
    """Return bytes as an address that needs no request."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _svg(
    width: float, height: float, *marks: Markup | str, label: str, fixed: bool = False
) -> Markup:
    return tag(
        "svg",
        *marks,
        viewBox=f"0 0 {width} {height}",
        width=width,
        height=height,
        role="img",
        aria_label=label,
        preserveAspectRatio=None if fixed else "xMinYMid meet",
        xmlns="http://www.w3.org/2000/svg",
    )

"""The picture at the top of the README: clip -> backbone -> block as graph and filter.

    python -m benchmarks.overview

writes docs/pictures/overview.svg. The ground is opaque, so that it reads on light and dark pages,
and no letter is smaller than 14 of 480 units, so that it reads on a phone.
"""

import math
from pathlib import Path

OUT = Path(__file__).parents[1] / "docs/pictures/overview.svg"
WIDTH, HEIGHT = 480, 548
INK, FAINT, GROUND = "#1f2937", "#9ca3af", "#ffffff"
STAGE, BLOCK, PANEL = "#dbe4ee", "#0f766e", "#f0fdfa"
SQUARE, OTHER = "#ea580c", "#6366f1"
SIDE, CELL = 92, 23

Point = tuple[float, float]


def overview() -> str:
    """The whole picture as SVG."""
    parts = [
        f'<rect width="{WIDTH}" height="{HEIGHT}" rx="12" fill="{GROUND}"/>',
        *clip(16, 40),
        *backbone(112),
        *zoom(),
        *graph(36, 262),
        *response(280, 262, 170, 110),
        *formula(),
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            'font-family="system-ui, Segoe UI, Helvetica, Arial, sans-serif" role="img" '
            'aria-label="A clip goes through a backbone. A block between two stages makes a graph '
            'of the positions and filters the features on it.">',
            *parts,
            "</svg>\n",
        ]
    )


def clip(x: float, y: float) -> list[str]:
    """Four frames, one behind the other; a square leaves one corner and is in another at last."""
    frames = []
    for i in reversed(range(4)):
        left, top = x + 7 * i, y + 24 - 8 * i
        frames.append(rect(left, top, 60, 60, fill="#fafafa", stroke=FAINT, rx=3))
    frames.append(rect(x + 6, y + 62, 14, 14, fill=SQUARE))
    frames.append(rect(x + 64, y + 5, 14, 14, fill=SQUARE))
    return [*frames, text(x + 40, y + 108, "clip")]


def backbone(x: float) -> list[str]:
    """The stages as boxes that grow smaller, with the block after res4."""
    parts = [arrow((x - 12, 88), (x + 10, 88))]
    left = x + 14.0
    for name, height in (("stem", 84), ("res2", 74), ("res3", 64), ("res4", 54)):
        parts.append(rect(left, 88 - height / 2, 38, height, fill=STAGE, rx=4))
        parts.append(text(left + 19, 148, name))
        left += 46
    parts.append(rect(left, 52, 34, 72, fill=BLOCK, rx=4))
    parts.append(text(left + 17, 42, "block", fill=BLOCK, bold=True))
    left += 42
    parts.append(rect(left, 66, 38, 44, fill=STAGE, rx=4))
    parts.append(text(left + 19, 148, "res5"))
    parts.append(arrow((left + 42, 88), (left + 62, 88)))
    parts.append(text(left + 86, 93, "class"))
    return parts


def zoom() -> list[str]:
    """The panel of the block, and the lines that open it."""
    return [
        f'<path d="M310 124 L16 190 H464 L344 124 Z" fill="{BLOCK}" opacity="0.10"/>',
        rect(16, 180, 448, 352, fill=PANEL, stroke=BLOCK, rx=10),
        text(130, 212, "a graph A", size=18, bold=True, fill=BLOCK),
        text(130, 234, "which positions are tied"),
        text(362, 212, "and a filter F", size=18, bold=True, fill=BLOCK),
        text(362, 234, "which signals pass"),
    ]


def graph(x: float, y: float) -> list[str]:
    """The positions of an early and a late frame, and how strongly one is tied to the others."""
    early, late = (x, y + 40), (x + 100, y)
    parts = []
    for left, top in (early, late):
        parts.append(rect(left, top, SIDE, SIDE, fill="#ffffff", stroke=FAINT, rx=3))
        for i in range(1, 4):
            offset = i * CELL
            parts.append(line((left + offset, top), (left + offset, top + SIDE), FAINT, 0.5))
            parts.append(line((left, top + offset), (left + SIDE, top + offset), FAINT, 0.5))
    source = centre(early, 3, 0)
    for row, column in ((0, 1), (1, 2), (2, 0), (3, 3)):
        parts.append(line(source, centre(late, row, column), BLOCK, 1.2, 0.6))
    for row, column in ((0, 3), (2, 2), (1, 0)):
        parts.append(line(source, centre(early, row, column), BLOCK, 1.2, 0.6))
    target = centre(late, 0, 3)
    parts.append(
        f'<path d="M{source[0]:g} {source[1]:g} C{x + 40:g} {y - 10:g} {x + 120:g} {y - 20:g} '
        f'{target[0]:g} {target[1]:g}" fill="none" stroke="{BLOCK}" stroke-width="4"/>'
    )
    for row, column, where, colour in (
        (3, 0, early, SQUARE),
        (0, 3, late, SQUARE),
        (1, 2, early, OTHER),
        (2, 0, late, OTHER),
    ):
        cx, cy = centre(where, row, column)
        parts.append(rect(cx - 8, cy - 8, 16, 16, fill=colour))
    parts.append(text(early[0] + SIDE / 2, early[1] + SIDE + 20, "early"))
    parts.append(text(late[0] + SIDE / 2, late[1] + SIDE + 20, "late"))
    return parts


def response(x: float, y: float, width: float, height: float) -> list[str]:
    """A filter's gain over the eigenvalues of A, with the eigenvalues below."""
    base = y + height
    points = [
        f"{x + width * i / 40:.1f} {base - 8 - (height - 24) * gain(i / 20 - 1):.1f}"
        for i in range(41)
    ]
    parts = [
        line((x, base), (x + width, base), INK, 1.2),
        line((x + width / 2, y), (x + width / 2, base), FAINT, 0.8),
        f'<path d="M{" L".join(points)}" fill="none" stroke="{BLOCK}" stroke-width="3"/>',
    ]
    for value in (-0.35, -0.2, -0.08, 0.02, 0.1, 0.24, 0.5, 0.78, 1.0):
        at = x + width * (value + 1) / 2
        parts.append(f'<circle cx="{at:g}" cy="{base:g}" r="3.5" fill="{SQUARE}"/>')
    for value in (-1, 0, 1):
        label = str(value).replace("-", "\N{MINUS SIGN}")
        parts.append(text(x + width * (value + 1) / 2, base + 22, label))
    return [*parts, text(x + width / 2, base + 42, "eigenvalue of A")]


def formula() -> list[str]:
    """Y = X + Z W_1 + A Z W_2, each term with its meaning."""
    terms = [(72, "Y = X"), (134, "+"), (206, "Z W\u2081"), (280, "+"), (368, "A Z W\u2082")]
    meanings = [(72, "the input"), (206, "each alone"), (368, "what it is tied to")]
    return [
        line((40, 440), (440, 440), FAINT, 0.8),
        *(text(x, 482, words, size=26) for x, words in terms),
        *(text(x, 512, words) for x, words in meanings),
    ]


def gain(eigenvalue: float) -> float:
    """A low-pass response on [-1, 1], from 0 to 1."""
    return 0.12 + 0.88 / (1 + math.exp(-5 * (eigenvalue - 0.35)))


def centre(frame: Point, row: int, column: int) -> Point:
    """The middle of a cell of a frame whose corner is given."""
    return frame[0] + CELL * (column + 0.5), frame[1] + CELL * (row + 0.5)


def rect(
    x: float, y: float, width: float, height: float, *, fill: str, stroke: str = "", rx: float = 2
) -> str:
    """A rectangle."""
    edge = f' stroke="{stroke}"' if stroke else ""
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{rx:g}" '
        f'fill="{fill}"{edge}/>'
    )


def line(start: Point, end: Point, colour: str, width: float, opacity: float = 1) -> str:
    """A straight line."""
    return (
        f'<path d="M{start[0]:g} {start[1]:g} L{end[0]:g} {end[1]:g}" stroke="{colour}" '
        f'stroke-width="{width:g}" opacity="{opacity:g}"/>'
    )


def arrow(start: Point, end: Point) -> str:
    """A horizontal arrow to the right."""
    x, y = end
    head = f'<path d="M{x:g} {y:g} l-9 -6 v12 z" fill="{INK}"/>'
    return line(start, (x - 6, y), INK, 2.5) + head


def text(
    x: float, y: float, words: str, *, size: int = 15, fill: str = INK, bold: bool = False
) -> str:
    """Words, centred."""
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" fill="{fill}" '
        f'text-anchor="middle"{weight}>{words}</text>'
    )


if __name__ == "__main__":
    OUT.write_text(overview(), encoding="utf-8")

"""Reads the answer of a relations clip from its decoded frames alone, by brute force."""

from collections import Counter

import numpy as np

COLOURS = {
    "Yellow": (250, 220, 40),
    "Blue": (40, 90, 250),
    "Red": (230, 40, 40),
    "Green": (40, 190, 60),
    "Magenta": (220, 60, 220),
    "Cyan": (40, 220, 220),
    "White": (250, 250, 250),
    "Black": (15, 15, 15),
}
NEAR = 40


def seen_things(frame, side):
    """What is on a frame (H, W, 3): list of (shape, colour, row, column), distractors too.

    Row and column are those of the upper left corner of its square of `side` pixels.
    """
    things = []
    for colour, rgb in COLOURS.items():
        mask = np.abs(frame.astype(int) - rgb).max(-1) < NEAR
        for pixels in components(mask):
            if len(pixels) > side * side / 4:
                row, column = np.rint((pixels.min(0) + pixels.max(0) + 1 - side) / 2).astype(int)
                things.append((shape_of(pixels), colour, row, column))
    return things


def components(mask):
    """Connected sets of pixels, each (n, 2), diagonal neighbours joined."""
    todo = {tuple(place) for place in np.argwhere(mask)}
    while todo:
        found, edge = [], [todo.pop()]
        while edge:
            row, column = edge.pop()
            found.append((row, column))
            around = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & todo
            todo -= around
            edge += around
        yield np.array(found)


def shape_of(pixels):
    """The shape of pixels (n, 2), by how much of their box is filled where."""
    box = np.zeros(pixels.max(0) - pixels.min(0) + 1, dtype=bool)
    box[tuple((pixels - pixels.min(0)).T)] = True
    rows, columns = (np.arange(n) / (n - 1) for n in box.shape)

    def filled(row, column):
        near = np.abs(rows - row)[:, None] + np.abs(columns - column)[None] < 0.15
        return box[near].mean() > 0.5

    if max(box.shape) > 1.5 * min(box.shape):
        return "upright" if box.shape[0] > box.shape[1] else "lying"
    if not filled(0.5, 0.5):
        return "ring"
    if filled(0.1, 0.1):
        return "square"
    if filled(0.9, 0.1):
        return "triangle"
    return "disc" if filled(0.22, 0.22) else "cross"


def parts_of(frames, side):
    """Things of each part of a clip (T, H, W, 3): neighbouring frames that are not empty.

    Returns:
        list of (frame numbers, things of the middle frame without distractors).
    """
    things = [seen_things(frame, side) for frame in frames]
    parts, shown = [], []
    for t in range(len(frames) + 1):
        if t < len(frames) and things[t]:
            shown.append(t)
        elif shown:
            middle = things[shown[len(shown) // 2]]
            parts.append((shown, [thing for thing in middle if thing[0] != "ring"]))
            shown = []
    return parts


def answer(task, parts):
    """The class name that the things of the parts mean."""
    things = [{shape: colour for shape, colour, *_ in part} for _, part in parts]
    if task == "same_different":
        return "Same" if things[0] == things[1] else "Different"
    if task == "binding":
        assert set(things[0]) == set(things[1]) == {"upright", "lying"}
        assert set(things[0].values()) == set(things[1].values())
        return "Kept" if things[0] == things[1] else "Swapped"
    if task == "order":
        turn = [list(COLOURS).index(thing["square"]) for thing in things]
        least = turn.index(min(turn))
        return "Forwards" if turn[(least + 1) % 3] < turn[(least + 2) % 3] else "Backwards"
    if task == "odd_one_out":
        colour_of = {shape: colour for part in things for shape, colour in part.items()}
        counts = Counter(colour_of.values())
        (odd,) = (shape for shape, colour in colour_of.items() if counts[colour] == 1)
        return f"{odd.capitalize()}IsOdd"
    if task == "recall":
        ((shape, white),) = things[1].items()
        assert white == "White"
        return things[0][shape]
    if task == "sequence":
        return "Repeated" if things[:2] == things[2:] else "Swapped"
    equal = sum(colour == things[1][shape] for shape, colour in things[0].items())
    return ("NoneEqual", "OneEqual", "TwoEqual", "ThreeEqual")[equal]

"""What appears in a clip of the relations data set: the tasks, their classes and their answers.

A clip has two to four parts, one after another, with empty frames between. Each part shows things:
a shape in a colour. Every colour and shape is as likely in one class as in another in any part, and
so is every colour in the whole clip; only things of different parts compared tell the class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SHAPES = ("square", "disc", "cross", "triangle")
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
BARS = ("upright", "lying")
DISTRACTOR = "ring"
WHITE = list(COLOURS).index("White")
PAIRS = 3


@dataclass(frozen=True)
class Thing:
    """A shape that is shown during one part of a clip.

    Attributes:
        shape: one of `SHAPES` or `BARS`, or `DISTRACTOR`.
        colour: number of one of `COLOURS`.
        part: number of the part.
    """

    shape: str
    colour: int
    part: int


@dataclass(frozen=True)
class Task:
    """One question about a clip.

    Attributes:
        parts: parts of a clip.
        colours: how many colours it can be asked with, least and most.
        classes: the answers for a number of colours, in the order of the labels.
        things: what a clip with a label shows, for a random generator and a number of colours.
    """

    parts: int
    colours: tuple[int, int]
    classes: Callable[[int], list[str]]
    things: Callable[[np.random.Generator, int, int], list[Thing]]


def same_different(rng: np.random.Generator, label: int, colours: int) -> list[Thing]:
    """A square, later another one: of the same colour or not."""
    first, other = _two_colours(rng, colours)
    return [Thing("square", first, 0), Thing("square", first if label == 0 else other, 1)]


def binding(rng: np.random.Generator, label: int, colours: int) -> list[Thing]:
    """An upright and a lying bar of two colours, later both again: were the colours swapped?

    The bars are equally large, so both classes have the same pixels of every colour in each part.
    """
    first, other = _two_colours(rng, colours)
    again = (first, other) if label == 0 else (other, first)
    return [
        Thing(shape, colour, part)
        for part, pair in enumerate(((first, other), again))
        for shape, colour in zip(BARS, pair, strict=True)
    ]


def odd_one_out(rng: np.random.Generator, label: int, colours: int) -> list[Thing]:
    """Square, disc and cross one after another in any order: which has a colour of its own."""
    usual, odd = _two_colours(rng, colours)
    order = rng.permutation(3).tolist()
    return [
        Thing(SHAPES[number], odd if number == label else usual, part)
        for part, number in enumerate(order)
    ]


def recall(rng: np.random.Generator, label: int, colours: int) -> list[Thing]:
    """Every colour with a shape of its own, later one of the shapes in white: its colour before."""
    shapes = [SHAPES[number] for number in rng.permutation(colours)]
    before = [Thing(shape, colour, 0) for colour, shape in enumerate(shapes)]
    return [*before, Thing(shapes[label], WHITE, 1)]


def sequence(rng: np.random.Generator, label: int, colours: int) -> list[Thing]:
    """Two squares one after another, then both again: in the same order of colours or not.

    The order of frames matters, which a non-local block does not see.
    """
    first, other = _two_colours(rng, colours)
    again = (first, other) if label == 0 else (other, first)
    return [Thing("square", colour, part) for part, colour in enumerate((first, other, *again))]


def order(rng: np.random.Generator, label: int, colours: int) -> list[Thing]:
    """Three squares one after another, their colours as in `COLOURS` from any on, or backwards.

    Only the order tells: every colour is as often first, second and third. A non-local block does
    not see it.
    """
    forwards = np.sort(rng.permutation(colours)[:3])
    turn = np.roll(forwards if label == 0 else forwards[::-1], rng.integers(3)).tolist()
    return [Thing("square", colour, part) for part, colour in enumerate(turn)]


def counting(rng: np.random.Generator, label: int, colours: int) -> list[Thing]:
    """Square, disc and cross, later all again: how many have the same colour as before."""
    equal = rng.permutation(PAIRS) < label
    things = []
    for shape, same in zip(SHAPES, equal, strict=False):
        first, other = _two_colours(rng, colours)
        things += [Thing(shape, first, 0), Thing(shape, first if same else other, 1)]
    return things


def _two_colours(rng: np.random.Generator, colours: int) -> tuple[int, int]:
    first = int(rng.integers(colours))
    return first, int(first + rng.integers(1, colours)) % colours


ANY = (2, len(COLOURS))
TASKS = {
    "same_different": Task(2, ANY, lambda _: ["Same", "Different"], same_different),
    "binding": Task(2, ANY, lambda _: ["Kept", "Swapped"], binding),
    "odd_one_out": Task(3, ANY, lambda _: ["SquareIsOdd", "DiscIsOdd", "CrossIsOdd"], odd_one_out),
    "recall": Task(2, (2, len(SHAPES)), lambda colours: list(COLOURS)[:colours], recall),
    "sequence": Task(4, ANY, lambda _: ["Repeated", "Swapped"], sequence),
    "order": Task(3, (3, len(COLOURS)), lambda _: ["Forwards", "Backwards"], order),
    "counting": Task(
        2, ANY, lambda _: ["NoneEqual", "OneEqual", "TwoEqual", "ThreeEqual"], counting
    ),
}

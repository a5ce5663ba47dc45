import base64
import dataclasses
import io
import json
import re
from html import escape
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from jinja2 import UndefinedError
from PIL import Image

from snl_video.evaluation import Evaluation
from snl_video.evaluation.report.mistakes import confident_mistakes, film_strip
from snl_video.evaluation.report.page import render
from snl_video.evaluation.report.write_report import write_report
from snl_video.wording import flatten
from tests.evaluation.cases import evaluation, random_results

FILES = {
    "metrics.json",
    "videos.parquet",
    "videos.csv",
    "per_class.csv",
    "confusion.csv",
    "confusion.png",
    "per_class.png",
    "report.html",
}
NASTY = "<script>alert(\"x\")</script> & 'quotes' $\\frac{1}$"
CONTEXT = {
    "checkpoint": NASTY,
    "data": {"format": NASTY, "split": 1, "subsets": {"test": {"videos": 3, "sha256": "ab"}}},
    "network": {
        "clip_shape": [3, 8, 32, 32],
        "parameters": 1234567,
        "gmacs": 1.5,
        "blocks": [
            {
                "place": "res4.1",
                "kind": "snl",
                "positions": 64,
                "in_channels": 8,
                "inner_channels": 4,
                "parameters": 99,
                "gmacs": 0.25,
            }
        ],
    },
    "recipe": {"model": {"optimizer": {"lr": 0.125}, "note": NASTY}},
    "load_report": {
        "source": NASTY,
        "format": "pytorchvideo",
        "sha256": "cd" * 32,
        "loaded": ["trunk.a"] * 318,
        "missing": [],
        "unexpected": [f"odd {i} {NASTY}" for i in range(22)],
        "mismatched": [{"name": "trunk.b", "theirs": [4, 3], "ours": [4, 2]}],
        "new_head": True,
        "new_blocks": ["res4.1"],
        "backbone_share": 0.98765,
    },
}


class Colours:
    """A video of ten frames, each of its own gray."""

    num_frames = 10

    def get_frames(self, indices):
        grays = np.array(indices, dtype=np.uint8)[:, None, None, None] * 20
        return torch.from_numpy(np.broadcast_to(grays, (len(indices), 30, 44, 3)).copy())


class Balanced(HTMLParser):
    """Fails on tags that do not close, and collects scripts, addresses and texts."""

    def __init__(self, text):
        super().__init__()
        self.open, self.scripts, self.addresses, self.texts = [], 0, [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, name, attributes):
        self.handle_startendtag(name, attributes)
        if name not in ("meta", "link"):
            self.open.append(name)
        self.scripts += name == "script"

    def handle_startendtag(self, name, attributes):
        given = dict(attributes)
        self.addresses += [given[key] for key in ("src", "href") if key in given]
        assert not any(key.startswith("on") for key in given)

    def handle_endtag(self, name):
        assert self.open.pop() == name

    def handle_data(self, data):
        self.texts.append(data)


def nasty_case(**options):
    case = evaluation(**options)
    return dataclasses.replace(
        case,
        classes=[f"{NASTY} {i}" for i in range(len(case.classes))],
        ids=[f'{NASTY}"{i}.mp4' for i in range(len(case.ids))],
        absent=[NASTY],
    )


def write(folder, case, open_video=None):
    write_report(folder, case, CONTEXT, open_video=open_video)
    return (folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("num_classes", [2, 10, 45])
def test_everything_is_written_and_awkward_names_stay_text(tmp_path, num_classes):
    case = nasty_case(num_videos=100, num_classes=num_classes, failed=(4,), skill=1.0)
    html = write(tmp_path, case, lambda index: Colours())
    assert {path.name for path in tmp_path.iterdir()} == FILES
    parsed = Balanced(html)
    assert parsed.scripts == 1
    assert "<script>alert" not in html
    assert any(NASTY in text for text in parsed.texts)


def test_a_page_asks_for_nothing_from_outside(tmp_path):
    html = write(tmp_path, evaluation(100, 45, failed=(4,)), lambda index: Colours())
    for address in Balanced(html).addresses:
        assert address.startswith(("data:", "#"))
    assert set(re.findall(r"https?://[^\"' ]+", html)) <= {"http://www.w3.org/2000/svg"}
    assert "url(" not in html
    assert "@import" not in html


def test_every_link_leads_somewhere(tmp_path):
    html = write(tmp_path, evaluation(failed=(3,)))
    links = re.findall(r'href="#([^"]+)"', html)
    assert len(links) == 10
    for anchor in links:
        assert html.count(f'id="{anchor}"') == 1


def test_the_page_says_what_the_numbers_say(tmp_path):
    case = evaluation(60, 8, failed=(3,))
    html = write(tmp_path, case)
    numbers = json.loads((tmp_path / "metrics.json").read_text())
    text = " ".join(" ".join(Balanced(html).texts).split())
    for name in ("top1", "top5", "mean_class", "clip_top1", "ece"):
        assert f"{100 * numbers[name]:.1f}" in text
    low, high = numbers["intervals"]["top1"]
    assert f"{100 * low:.1f} to {100 * high:.1f}" in text
    assert "60 listed = 59 scored + 1 failed + 0 absent" in text
    for part in ("moov atom not found", "optimizer.lr", "0.125", "1,234,567", "res4.1"):
        assert part in text
    for part in (
        "98.77% of the backbone",
        "cd" * 32,
        "loaded 318",
        "missing in the file 0",
        "of another size 1 trunk.b ([4, 3] in the file, [4, 2] here)",
        "odd 19",
        "and 2 more",
    ):
        assert part in text
    assert "odd 20" not in text
    assert numbers["list_sha256"] in text


def test_random_weights_give_no_section_of_pretrained_ones(tmp_path):
    context = {name: value for name, value in CONTEXT.items() if name != "load_report"}
    write_report(tmp_path, evaluation(), context)
    assert 'id="pretrained"' not in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_partial_run_is_called_partial(tmp_path):
    results = dataclasses.replace(random_results(5, 2), expected=9)
    html = write(tmp_path, Evaluation(results, ["a", "b"], list("rstuvwxyz")))
    assert "Partial: the run was cut short, 5 of the 9 listed videos were tested" in html


def test_mistakes_of_highest_confidence_come_first_and_never_failed():
    results = random_results(80, 5, failed=(1, 2), skill=0.3)
    mistakes = confident_mistakes(results, 15)
    assert len(mistakes) == 15
    by_hand = sorted(
        (
            (-float(s.max()), i)
            for i, s in enumerate(results.scores[:])
            if int(s.argmax()) != int(results.label[i]) and not results.failed[i]
        )
    )
    assert [m.index for m in mistakes] == [i for _, i in by_hand[:15]]
    assert [m.index for m in confident_mistakes(results, 1000)] == [i for _, i in by_hand]
    for m in mistakes:
        scores = results.scores[m.index : m.index + 1][0].tolist()
        assert m.predicted == int(np.argmax(scores))
        assert m.rank == sorted(scores, reverse=True).index(scores[m.label]) + 1 > 1


def test_no_mistake_gives_no_section(tmp_path):
    case = evaluation(20, 4, skill=50.0)
    assert confident_mistakes(case.results) == []
    assert 'id="mistakes"' not in write(tmp_path, case)


def test_a_strip_shows_the_whole_video_in_order():
    strip = film_strip(Colours(), frames=5, width=22)
    pictures = [
        Image.open(io.BytesIO(base64.b64decode(uri.removeprefix("data:image/jpeg;base64,"))))
        for uri in strip
    ]
    assert [picture.size for picture in pictures] == [(22, 15)] * 5
    grays = [np.asarray(picture).mean() / 20 for picture in pictures]
    assert grays == pytest.approx([1, 3, 5, 7, 9], abs=0.1)


def test_a_video_that_cannot_be_opened_costs_its_strip_and_not_the_report(tmp_path):
    def broken(index):
        raise OSError(f"no such file /videos/{index}")

    html = write(tmp_path, evaluation(60, 4, skill=0.5), broken)
    assert "no frames: OSError: no such file /videos/" in html


@pytest.mark.parametrize("num_classes", [10, 400])
def test_figures_are_as_large_as_their_names_need(tmp_path, num_classes):
    write_report(tmp_path, evaluation(800, num_classes, skill=3.0), {})
    for name in ("confusion.png", "per_class.png"):
        image = Image.open(tmp_path / name)
        assert 600 < image.width < 2400
        assert 300 < image.height < 2400
        assert np.asarray(image.convert("L")).std() > 5


def test_a_template_escapes_what_it_is_given_and_misses_what_it_is_not():
    with pytest.raises(UndefinedError, match="'title' is undefined"):
        render("base.html")
    assert "<title>&lt;x&gt; &amp; &#34;</title>" in render("base.html", title='<x> & "')


def test_settings_are_written_as_dotted_names():
    assert flatten({"a": {"b": None, "c": {}}, "d": 1}) == [
        ("a.b", "\u2013"),
        ("a.c", "{}"),
        ("d", "1"),
    ]


@pytest.mark.parametrize(
    ("data", "title"),
    [
        ({"format": "folder", "root": "/data/my <videos>/", "split": 1}, "my <videos>"),
        ({"format": "ucf101", "root": "data/UCF-101", "split": 2}, "UCF-101, split 2"),
        ({"format": "csv"}, "csv"),
        ({}, "videos"),
    ],
)
def test_a_report_is_called_after_its_data(tmp_path, data, title):
    write_report(tmp_path, evaluation(), {"data": data})
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    for element in ("title", "h1"):
        assert f"<{element}>{escape(title)}</{element}>" in html

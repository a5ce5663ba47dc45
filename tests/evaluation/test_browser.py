"""The report in a real browser: it opens, sorts, filters, and complains about nothing."""

from pathlib import Path

import pytest

from snl_video.evaluation.report.write_report import write_report
from tests.evaluation.cases import evaluation

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not there")
    with sync_api.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    settings = {
        "augment": {"randaugment_magnitude_of_each_operation": 9},
        "root": "data/" + "x" * 90,
    }
    context = {"recipe": {"model": {"width": 64}, "data": settings}}
    case = evaluation(295, 30, failed=(1,), skill=2.0)
    return write_report(folder, case, context) / "report.html"


@pytest.fixture
def opened(browser, report):
    """The page of 30 classes, what it logged and what it asked for."""
    view = browser.new_page(viewport={"width": 1200, "height": 900})
    complaints, requests = [], []
    view.on("console", lambda message: complaints.append(message.text))
    view.on("pageerror", lambda error: complaints.append(str(error)))
    view.on("request", lambda request: requests.append(request.url))
    view.goto(report.as_uri())
    yield view, complaints, requests
    view.close()


def column(view, number):
    return view.locator(f"#per-class tbody tr:visible td:nth-child({number})").all_text_contents()


def test_a_click_sorts_by_number_and_a_second_one_turns_it(opened):
    view, complaints, _ = opened
    before = column(view, 1)
    button = view.get_by_role("button", name="Top-1 %")
    button.click()
    accuracies = [float(text) for text in column(view, 3)]
    assert accuracies == sorted(accuracies)
    assert len(set(accuracies)) > 3
    button.click()
    assert [float(text) for text in column(view, 3)] == sorted(accuracies, reverse=True)
    head = view.locator("#per-class thead th").nth(2)
    assert head.get_attribute("aria-sort") == "descending"
    view.get_by_role("button", name="Videos").click()
    assert column(view, 2) == ["9"] * 5 + ["10"] * 25
    view.get_by_role("button", name="Class").click()
    assert column(view, 1) == sorted(before, key=lambda name: (name.casefold(), name))
    assert complaints == []


def test_the_filter_leaves_the_classes_that_match(opened):
    view, complaints, _ = opened
    view.get_by_placeholder("Filter classes").fill("class 17")
    names = column(view, 1)
    assert "class 17" in names
    assert len(names) < 30
    view.get_by_placeholder("Filter classes").fill("")
    assert len(column(view, 1)) == 30
    assert complaints == []


def test_nothing_is_asked_from_outside_and_every_picture_is_there(opened):
    view, complaints, requests = opened
    assert all(url.startswith(("file:", "data:")) for url in requests)
    widths = view.eval_on_selector_all("img", "all => all.map(one => one.naturalWidth)")
    assert widths
    assert all(widths)
    assert complaints == []


@pytest.mark.parametrize("width", [360, 768, 1200])
def test_no_page_is_wider_than_its_window(opened, width):
    view, _, _ = opened
    view.set_viewport_size({"width": width, "height": 800})
    assert view.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_names_and_values_of_settings_have_room(opened, width):
    view, _, _ = opened
    view.set_viewport_size({"width": width, "height": 800})
    widths = view.eval_on_selector_all("#recipe dd", "all => all.map((one) => one.clientWidth)")
    heights = view.eval_on_selector_all("#recipe dt", "all => all.map((one) => one.clientHeight)")
    assert len(widths) == len(heights) == 3
    assert min(widths) > 110
    assert max(heights) < 80


def test_dark_and_light_differ(opened):
    view, _, _ = opened
    colours = set()
    for scheme in ("light", "dark"):
        view.emulate_media(color_scheme=scheme)
        colours.add(view.evaluate("getComputedStyle(document.documentElement).backgroundColor"))
    assert len(colours) == 2

"""The page: drop a video, see its classes, its timeline, and what a point attends to."""

import os
import signal
import sys
import tempfile
from functools import partial
from typing import Any, NoReturn

from snl_video.errors import InputError
from snl_video.inference.recognizer import Recognizer
from snl_video.models.insertion import inserted_blocks
from snl_video.server.doors import Doors, without_urls
from snl_video.server.limits import Limits, told
from snl_video.server.video_answers import VideoAnswer, affinity_picture, answer_video

CSS = """
.gradio-container { max-width: 1100px !important; width: 100%; margin: auto; }
#video button[aria-label^="Trim"] { display: none; }
@media (max-width: 700px) {
  #timeline, #affinity { overflow-x: auto !important; }
  #timeline img, #affinity img { min-width: 640px; }
  #timeline button, #affinity button, .image-frame { justify-content: flex-start !important; }
}
"""


def launch(
    recognizer: Recognizer,
    limits: Limits | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    block: bool = True,
) -> Any:
    """Serve the page until it is interrupted.

    Args:
        recognizer: what names the videos.
        limits: what is taken.
        host: address to listen at; 0.0.0.0 for other machines too.
        port: to listen at.
        block: wait; else return at once what `close()` ends.

    Raises:
        InputError: Gradio is not installed, or the port is taken.
    """
    limits = limits or Limits()
    folder = tempfile.TemporaryDirectory(prefix="snl_video_uploads_")
    os.environ["GRADIO_TEMP_DIR"] = folder.name  # read when Gradio is imported
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    page = build_page(recognizer, limits)
    page.queue(max_size=limits.queue, default_concurrency_limit=1, api_open=False)
    try:
        page.launch(
            server_name=host,
            server_port=port,
            share=False,
            prevent_thread_lock=True,
            quiet=True,
            show_error=False,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            enable_monitoring=False,
            run_history=False,
            footer_links=["api"],
            allowed_paths=[],
            max_file_size=limits.max_megabytes * 2**20,
            state_session_capacity=100,
            app_kwargs={"middleware": [(Doors, (), {})]},
            css=CSS,
        )
    except OSError as error:
        raise InputError(f"cannot serve at {host}:{port}: {error}") from error
    page.uploads = folder  # lives as long as the page
    if block:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        print(f"http://{host}:{port}  (Ctrl-C ends it)", flush=True)
        page.block_thread()
    return page


def build_page(recognizer: Recognizer, limits: Limits) -> Any:
    """Return the page, a `gradio.Blocks`.

    Raises:
        InputError: Gradio is not installed.
    """
    try:
        import gradio as gr
    except ImportError as error:
        raise InputError("the page needs Gradio: pip install 'snl_video[serve]'") from error

    def refuse(error: InputError) -> NoReturn:
        raise gr.Error(told(error), print_exception=False) from error

    def recognise(path: str | None, progress: Any) -> VideoAnswer:
        if path is None:
            raise gr.Error("choose a video first", print_exception=False)
        try:
            return answer_video(
                recognizer, path, limits, lambda share, text: progress(share, desc=text)
            )
        except InputError as error:
            refuse(error)

    def show(path: str | None, progress: Any = gr.Progress()) -> tuple[Any, ...]:  # noqa: B008
        answer = recognise(path, progress)
        sheet = answer.sheet() if places else None
        return dict(answer.prediction.top), answer.timeline_picture(), answer, sheet, None, ""

    def as_json(path: str, progress: Any = gr.Progress()) -> dict[str, Any]:  # noqa: B008
        return recognise(path, progress).to_dict()

    def attend(answer: VideoAnswer | None, place: str, event: gr.SelectData) -> tuple[Any, str]:
        if answer is None:
            raise gr.Error("recognise a video first", print_exception=False)
        try:
            return affinity_picture(recognizer, answer, place, answer.position(*event.index))
        except InputError as error:
            refuse(error)

    picture = partial(gr.Image, show_label=False, interactive=False)
    places = list(inserted_blocks(recognizer.network))
    keep = limits.keep_minutes * 60
    with gr.Blocks(
        title="snl_video", analytics_enabled=False, delete_cache=(max(int(keep / 10), 1), int(keep))
    ) as page:
        gr.Markdown(
            "# What does a video show?\n"
            f"Drop one of at most {limits.max_megabytes} MB and {limits.max_seconds:g} s. It is "
            f"deleted after {limits.keep_minutes:g} minutes at the latest."
        )
        kept = gr.State(time_to_live=keep)
        with gr.Row():
            with gr.Column(scale=3):
                video = gr.Video(
                    show_label=False, sources=["upload"], height=360, buttons=[], elem_id="video"
                )
                button = gr.Button("Recognise", variant="primary")
            with gr.Column(scale=2):
                top = gr.Label(label="classes of the whole video", num_top_classes=5)
        timeline = picture(elem_id="timeline", buttons=["fullscreen"])
        with gr.Column(visible=bool(places)):
            gr.Markdown(
                "## What does a point attend to?\n"
                "Click a point of a frame: the colours show where its block of the network looks, "
                "in all frames."
            )
            place = gr.Dropdown(places, value=places[-1] if places else None, label="block")
            sheet = picture(elem_id="sheet", buttons=[])
            reading = gr.Markdown()
            affinity = picture(elem_id="affinity", buttons=["fullscreen"])
        gr.Button(visible=False).click(
            as_json, video, gr.JSON(visible=False), api_name="recognise", concurrency_id="network"
        )
        button.click(
            show,
            video,
            [top, timeline, kept, sheet, affinity, reading],
            api_visibility="private",
            concurrency_id="network",
            show_progress_on=[top],
        )
        sheet.select(
            attend,
            [kept, place],
            [affinity, reading],
            api_visibility="private",
            concurrency_id="network",
            show_progress_on=[affinity],
        )
    video.async_move_resource_to_block_cache = without_urls(
        video.async_move_resource_to_block_cache
    )
    return page

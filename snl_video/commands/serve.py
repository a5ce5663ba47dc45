"""`snl-video serve`: a web page that recognises videos."""

from collections.abc import Sequence

from snl_video.commands.command_parser import CommandParser
from snl_video.commands.freed_memory import keep_freed_memory
from snl_video.inference.recognizer import load_model
from snl_video.server.limits import Limits


def serve(
    model: str,
    limits: Limits,
    host: str = "127.0.0.1",
    port: int = 7860,
    views: str | None = None,
    device: str | None = None,
) -> None:
    """Serve a web page: drop a video, see its classes, its timeline, and what a point attends to.

      snl-video serve runs/mine

    Needs Gradio: pip install 'snl_video[serve]'. The page asks nothing of other machines.

    Args:
        model: folder of a run, a checkpoint, or kinetics400.
        limits: what is taken.
        host: address to listen at; 0.0.0.0 lets other machines in.
        port: to listen at.
        views: clips x crops of each video; by default few on a CPU.
        device: cpu or cuda; by default a GPU if there is one.
    """
    from snl_video.server.web_page import launch

    recognizer = load_model(model, device=device)
    keep_freed_memory(recognizer.device)
    if views:
        recognizer = recognizer.with_views(views)
    launch(recognizer, limits, host=host, port=port)


def main(words: Sequence[str]) -> None:
    """Run the command."""
    usage = "MODEL [--host ADDRESS] [--port N] [--max_seconds S]"
    parser = CommandParser(
        "snl-video serve", serve, usage, words={"model": None}, group=("limits", Limits)
    )
    parser.call(words)

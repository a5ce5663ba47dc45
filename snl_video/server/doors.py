"""The few doors of Gradio that the page needs; all others are shut, and so is the way out."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

DOORS = re.compile(
    r"/(config|theme\.css|favicon\.ico|manifest\.json|robots\.txt)?/?"
    r"|/(assets|static|svelte)/.*"
    r"|/gradio_api/(info|openapi\.json|app_id|startup-events|theme\.css|upload|upload_progress"
    r"|heartbeat/\w+|queue/(join|data)|call/\w+(/\w+)?|cancel|reset|file=/.*)/?"
)
"""Paths that are answered. `file=` takes uploads and pictures, but fetches no URL."""

OWN = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:"
"""Content security policy: the browser fetches nothing from elsewhere."""


class Doors:
    """An ASGI layer that answers 404 to what is not in `DOORS`, and adds the policy `OWN`."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and not DOORS.fullmatch(scope["path"]):
            start = {"type": "http.response.start", "status": 404, "headers": []}
            await send(start)
            await send({"type": "http.response.body", "body": b"not found"})
            return

        async def send_with_policy(message: Any) -> None:
            if message["type"] == "http.response.start":
                policy = (b"content-security-policy", OWN.encode())
                message["headers"] = [*message.get("headers", []), policy]
            await send(message)

        await self.app(scope, receive, send_with_policy)


Move = Callable[[str | None], Awaitable[str | None]]


def without_urls(move: Move) -> Move:
    """Let Gradio take uploads only: it would fetch URLs for whoever calls the API.

    Args:
        move: of a component: puts the file of a request among the uploads.
    """

    async def moved(path: str | None) -> str | None:
        if path and "://" in path:
            raise ValueError(f"{path}: upload the video; URLs are not fetched")
        return await move(path)

    return moved

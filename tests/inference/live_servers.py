"""A server on this machine that sends a video over HTTP, whole or in part."""

import socket
import threading
from contextlib import contextmanager


@contextmanager
def http_server(body, *, length=None, silent=False):
    """Yield the URL of a server that sends `body` to everyone who asks.

    Args:
        body: bytes after the head of the answer.
        length: that the head promises; by default what comes.
        silent: keep the connection open afterwards, and send no more.
    """
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def answer(connection):
        with connection:
            connection.recv(4096)
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {length or len(body)}\r\n"
            try:
                connection.sendall(head.encode() + b"Connection: close\r\n\r\n" + body)
                if silent:
                    over.wait(60)
            except OSError:
                pass

    def accept():
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=answer, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/live.ts"
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()

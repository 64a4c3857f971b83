"""A provider on the loopback interface that gives every call the same answer, for the real client libraries."""

import contextlib
import http.server
import threading
from collections.abc import Iterable, Iterator


@contextlib.contextmanager
def answering(
    status: int, headers: Iterable[tuple[str, str]], body: bytes, asked: list[str] | None = None
) -> Iterator[str]:
    """The base URL of a server that answers so; `asked` gets the path of every call."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            if asked is not None:
                asked.append(self.path)
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(status)
            for name, value in (*headers, ("content-length", str(len(body))), ("connection", "close")):
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()

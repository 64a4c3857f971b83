"""ClickHouse's HTTP protocol over its engine in this process (chdb), on loopback: what the tests' client talks to.

Run beside the tests, `uv run --no-project --with chdb --with lz4 --with zstandard python chdb_front.py --data FOLDER`:
it prints its port and its process id, and ends when its standard input does. Every request has a connection to the
engine of its own, as HTTP requests have, so that databases and settings of one are not another's. No users, no
sessions, no replication: chdb has none. https://clickhouse.com/docs/interfaces/http
"""

import argparse
import email.parser
import email.policy
import gzip
import os
import re
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import chdb  # type: ignore[import-not-found]  # never in the project's environment
import lz4.frame  # type: ignore[import-untyped]
import zstandard

# What HTTP itself uses of the query string, and the engine knows nothing of.
_TRANSPORT = {
    "buffer_size",
    "client_protocol_version",
    "compress",
    "database",
    "decompress",
    "default_format",
    "enable_http_compression",
    "http_headers_progress_interval_ms",
    "query",
    "query_id",
    "role",
    "send_progress_in_http_headers",
    "session_check",
    "session_id",
    "session_timeout",
    "wait_end_of_query",
}
_DECODERS = {
    "gzip": gzip.decompress,
    "lz4": lz4.frame.decompress,
    "zstd": lambda body: zstandard.ZstdDecompressor().decompressobj().decompress(body),
}
_FORMAT = re.compile(rb"\bFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
_INSERT = re.compile(rb"\s*(INSERT\s+INTO\s[^\n]*?)\s+FORMAT\s+Native\n", re.IGNORECASE)
_CODE = re.compile(r"Code: (\d+)\.")
_STATUS = {60: 404, 81: 404, 516: 403, 497: 403}
# chdb and chdb-core both bring `chdb/__init__.py`: whichever was installed last decides what `chdb.ChdbError` is, and
# chdb-core raises one of its own, a RuntimeError.
_ERRORS = (chdb.ChdbError, RuntimeError)


class Front(BaseHTTPRequestHandler):
    """Answers one client's requests, one after the other."""

    protocol_version = "HTTP/1.1"
    # Head and body in one packet, at once: in two, each answer waits 40 ms for the client's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    folder: Path

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: tests read other output."""

    def _serve(self) -> None:
        place = urlsplit(self.path)
        body = self._body()
        if place.path == "/ping":
            self._answer(200, b"Ok.\n")
            return
        words = dict(parse_qsl(place.query, keep_blank_values=True))
        if self.headers.get_content_type() == "multipart/form-data":
            words |= self._form(body)
            body = b""
        query = b"\n".join(part for part in (words.pop("query", "").encode(), body) if part)
        try:
            answer, answered_as = self._run(query, words)
        except _ERRORS as error:
            self._fail(str(error))
        else:
            self._answer(200, answer, **{"X-ClickHouse-Format": answered_as, "X-ClickHouse-Timezone": "UTC"})

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b"".join(iter(self._chunk, b""))
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        decode = _DECODERS.get(self.headers.get("Content-Encoding", ""))
        return decode(body) if decode else body

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0], 16)
        chunk = self.rfile.read(size)
        self.rfile.readline()
        return chunk

    def _form(self, body: bytes) -> dict[str, str]:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
        fields = {}
        for part in message.iter_parts():
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            fields[str(part.get_param("name", header="content-disposition"))] = payload.decode()
        return fields

    def _run(self, query: bytes, words: dict[str, str]) -> tuple[bytes, str]:
        """The engine's answer, and the format that it has."""
        asked = _FORMAT.search(query[-200:])
        answered_as = asked[1].decode() if asked else "TabSeparated"
        parameters = {name.removeprefix("param_"): value for name, value in words.items() if name.startswith("param_")}
        connection = chdb.connect(str(self.folder))
        try:
            if words.get("database"):
                connection.query(f"USE `{words['database']}`")
            settings = [
                f"{name} = '{_quoted(value)}'"
                for name, value in words.items()
                if name not in _TRANSPORT and not name.startswith("param_")
            ]
            if settings:  # one statement for all: each takes the engine as long
                connection.query(f"SET {', '.join(settings)}")
            return self._ask(connection, query, answered_as, parameters), answered_as
        finally:
            connection.close()

    def _ask(self, connection: Any, query: bytes, answered_as: str, parameters: dict[str, str]) -> bytes:
        insert = _INSERT.match(query)
        if not insert:
            return connection.query(query, answered_as, params=parameters).bytes() or b""
        # Data in the query itself is taken for more statements where it looks like them.
        with tempfile.NamedTemporaryFile(dir=self.folder) as file:
            file.write(query[insert.end() :])
            file.flush()
            statement = f"{insert[1].decode()} FROM INFILE '{file.name}' COMPRESSION 'none' FORMAT Native"
            connection.query(statement, answered_as)
        return b""

    def _fail(self, message: str) -> None:
        code = _CODE.search(message)
        number = int(code[1]) if code else 1002
        self._answer(_STATUS.get(number, 500), message.encode(), **{"X-ClickHouse-Exception-Code": str(number)})

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        encodings = [word.strip() for word in self.headers.get("Accept-Encoding", "").split(",")]
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "zstd" in encodings and len(body) > 1024:
            body = zstandard.ZstdCompressor(level=1).compress(body)
            self.send_header("Content-Encoding", "zstd")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def main() -> None:
    """Serve until the parent closes our standard input."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    Front.folder = arguments.data
    kept_open = chdb.connect(str(Front.folder))  # the engine goes with its last connection
    server = ThreadingHTTPServer(("127.0.0.1", arguments.port), Front)
    server.daemon_threads = True
    sys.stdout.write(f"{server.server_port} {os.getpid()}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()
    kept_open.close()


if __name__ == "__main__":
    main()

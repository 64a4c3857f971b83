"""The listener: a gRPC server on its own address, bounded in what it takes at once."""

import logging
import ssl
from pathlib import Path

import grpc

from midwatch_core import ConfigError, Guard, Host
from midwatch_grpc import health, service
from midwatch_grpc.health import HealthService
from midwatch_grpc.reception import Reception
from midwatch_grpc.reflection import ReflectionService
from midwatch_grpc.service import Service
from midwatch_grpc.settings import GrpcSettings

logger = logging.getLogger(__name__)

# What is being answered at the end is given so long.
_GRACE_S = 2.0
# Keys of https://grpc.github.io/grpc/core/group__grpc__arg__keys.html
_OPTIONS: tuple[tuple[str, int], ...] = (
    # Another process on the same address would get some of its connections.
    ("grpc.so_reuseport", 0),
    # A connection whose other end is gone is noticed, and its streams end.
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 20_000),
    ("grpc.server_handshake_timeout_ms", 20_000),
    # Some versions look at the size of a packed message when it is unpacked, and kilobytes were gigabytes. None may be.
    ("grpc.compression_enabled_algorithms_bitset", 1),
)


class Listener:
    """Serves from `start` to `stop`."""

    def __init__(self, settings: GrpcSettings, host: Host) -> None:
        self._settings = settings
        reception = Reception(access=host.access, metrics=host.metrics, guard=Guard())
        names = (service.NAME, health.NAME)
        self._health = HealthService(host.health, names)
        self._reflection = ReflectionService(reception, names)
        self._service = Service(
            reception=reception,
            intake=host.intake,
            scanner=host.scanner,
            max_message_bytes=settings.max_message_bytes,
        )
        self._server: grpc.aio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        """Begin to listen; `port` is then the one that was got. Raises ConfigError naming the setting."""
        credentials = _credentials(self._settings)
        self._server = self._new_server()
        address = str(self._settings.listen)
        try:
            if credentials is None:
                self.port = self._server.add_insecure_port(address)
            else:
                self.port = self._server.add_secure_port(address, credentials)
        except RuntimeError as error:  # gRPC's log says which of the address's families failed, and how
            raise ConfigError(f"grpc.listen: can't listen on {address}; is it taken?") from error
        await self._server.start()
        logger.info("gRPC listens on %s (port %d)%s", address, self.port, ", with TLS" if credentials else "")

    async def stop(self) -> None:
        """Take nothing new; what is being answered has two seconds."""
        self._health.close()
        if self._server is not None:
            await self._server.stop(_GRACE_S)

    def _new_server(self) -> grpc.aio.Server:
        most = self._settings.max_message_bytes
        bounds = (
            ("grpc.max_receive_message_length", most),
            ("grpc.max_concurrent_streams", self._settings.max_requests),
        )
        server = grpc.aio.server(options=(*_OPTIONS, *bounds), maximum_concurrent_rpcs=self._settings.max_requests)
        handlers = (self._service.handlers(), self._health.handlers(), *self._reflection.handlers())
        server.add_generic_rpc_handlers(handlers)
        return server


def _credentials(settings: GrpcSettings) -> grpc.ServerCredentials | None:
    """What TLS needs; None without a certificate. Raises ConfigError for files that are none or do not fit."""
    if settings.certificate is None or settings.private_key is None:
        return None
    certificate, private_key = settings.certificate.expanduser(), settings.private_key.expanduser()
    try:
        # gRPC would say of a bad pair only that it can't listen. The word keeps a locked key from asking the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, private_key, password="")
        return grpc.ssl_server_credentials([(_content(private_key), _content(certificate))])
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"grpc.certificate, grpc.private_key: {error.strerror or error}") from error


def _content(file: Path) -> bytes:
    return file.read_bytes()

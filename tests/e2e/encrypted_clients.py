# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""Clients over TLS (RFC 7858) and HTTPS (RFC 8484), the latter by the h2 library."""

import base64
import socket
import ssl
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events
from clients import TcpClient, parse
from harness import PATIENCE

DNS_MESSAGE = "application/dns-message"


class TlsClient(TcpClient):
    def __init__(self, address, context, session=None, **how):
        super().__init__(address, **how)
        self.socket = context.wrap_socket(self.socket, server_hostname="dns.test", session=session)

    def is_closed(self, seconds=0.0):
        self.socket.settimeout(max(seconds, 0.001))
        try:
            return self.socket.recv(1) == b""
        except (socket.timeout, ssl.SSLWantReadError):
            return False
        except OSError:
            return True


@dataclass
class Response:
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    reset: int = None  # the code, where the server has reset the stream
    is_whole: bool = False

    @property
    def status(self):
        return int(self.headers.get(":status", 0))

    @property
    def message(self):
        assert self.status == 200, (self.headers, self.body)
        assert self.headers["content-type"] == DNS_MESSAGE
        return parse(self.body)


def as_query(wire):
    """As the URL of a GET has it"""
    return base64.urlsafe_b64encode(wire).rstrip(b"=").decode()


class HttpsClient:
    """One connection over HTTP/2; `responses` by stream"""

    def __init__(self, address, context, path="/dns-query", window=None):
        self.connection = TcpClient(address)
        self.socket = context.wrap_socket(self.connection.socket, server_hostname="dns.test")
        self.path = path
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.h2.initiate_connection()
        if window is not None:
            self.h2.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: window})
        self.grants = window is None
        self.responses = {}
        self.has_goaway = False
        self.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def flush(self):
        self.socket.sendall(self.h2.data_to_send())

    def request(self, method="POST", query="", body=None, **headers):
        """Sends a request and returns its stream."""
        stream = self.h2.get_next_available_stream_id()
        self.responses[stream] = Response()
        fields = {":method": method, ":scheme": "https", ":authority": "dns.test",
                  ":path": self.path + (f"?{query}" if query else ""), **headers}
        self.h2.send_headers(stream, list(fields.items()), end_stream=body is None)
        if body is not None:
            self.h2.send_data(stream, body, end_stream=True)
        self.flush()
        return stream

    def post(self, message, **headers):
        wire = message if isinstance(message, bytes) else message.to_wire()
        return self.request(body=wire, **{"content-type": DNS_MESSAGE, **headers})

    def get(self, message):
        return self.request("GET", "dns=" + as_query(message if isinstance(message, bytes) else message.to_wire()))

    def read(self, seconds=PATIENCE):
        """Takes in what one read brings; False at the end."""
        self.socket.settimeout(seconds)
        piece = self.socket.recv(65536)
        for event in self.h2.receive_data(piece) if piece else ():
            response = self.responses.get(getattr(event, "stream_id", None))
            if isinstance(event, h2.events.ConnectionTerminated):
                self.has_goaway = True
            if response is None:
                continue
            if isinstance(event, h2.events.ResponseReceived):
                response.headers = dict(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                response.body += event.data
                if self.grants:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                response.is_whole = True
            elif isinstance(event, h2.events.StreamReset):
                response.reset, response.is_whole = event.error_code, True
        self.flush()
        return bool(piece)

    def wait(self, *streams):
        """The responses to these"""
        while not all(self.responses[stream].is_whole for stream in streams):
            assert self.read(), "closed instead of answered"
        return [self.responses[stream] for stream in streams]

    def ask(self, message, **headers):
        return self.wait(self.post(message, **headers))[0]

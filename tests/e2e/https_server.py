# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""An upstream server that speaks DNS over HTTPS (RFC 8484), by the h2 library.

Beside what handlers of FakeUpstream return, theirs may return Http(…) for another answer of HTTP,
Reset(…) for the end of one stream, GoAway() for the end of a connection to come."""

from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from fake_upstream import CLOSE, RESET, Raw
from tls_server import TlsUpstream

DNS_MESSAGE = "application/dns-message"


@dataclass(frozen=True)
class Http:
    """An answer of HTTP as it is; `body`: bytes or a message"""

    status: int
    body: object = b""
    headers: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Reset:
    """The stream is reset with this code"""

    code: int = h2.errors.ErrorCodes.INTERNAL_ERROR


@dataclass(frozen=True)
class GoAway:
    """No stream above this one is looked at; 0: none at all, None: all that there are"""

    last: int = None


@dataclass
class Request:
    headers: dict
    body: bytes = b""


class HttpsUpstream(TlsUpstream):
    """`requests` has what came, `refused` counts those that were not looked at. `most`: streams that it
    takes at once; above that they are refused while the other side can't know, or end the connection.
    `early`: answers so before a request's body may be sent."""

    def __init__(self, handler, certificate, path="/dns-query", protocols=("h2",), most=None, early=None, **how):
        super().__init__(handler, certificate, **how)
        self.context.set_alpn_protocols(list(protocols))
        self.path, self.most, self.early = path, most, early
        self.requests = []
        self.refused = 0
        self.sessions = {}

    def url(self, name=None):
        return f"https://{self.address}{self.path}" + (f"#{name}" if name else "")

    def _read_tcp(self, connection, source, buffer):
        session = self.sessions.get(connection)
        if session is None:
            session = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
            session.open_requests = {}
            session.last = None  # after GOAWAY
            session.initiate_connection()
            if self.early:
                session.update_settings({h2.settings.SettingCodes.INITIAL_WINDOW_SIZE: 0})
            if self.most is not None:
                session.update_settings({h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: self.most})
            self.sessions[connection] = session
            self._flush(connection)
        for piece in self._pieces(connection):
            try:
                events = session.receive_data(piece)
            except h2.exceptions.ProtocolError:
                self._flush(connection)
                self._close(connection)
                return
            for event in events:
                self._take_event(event, connection, session, source)
            self._flush(connection)

    def _close(self, connection):
        self.sessions.pop(connection, None)
        super()._close(connection)

    def _take_event(self, event, connection, session, source):
        if isinstance(event, h2.events.RequestReceived):
            if session.last is not None and event.stream_id > session.last:
                self.refused += 1
                return
            if self.early:
                self.requests.append(Request({}))
                self._send_response(session, event.stream_id, self.early)
                return
            if self.most is not None and len(session.open_requests) >= self.most:
                session.reset_stream(event.stream_id, h2.errors.ErrorCodes.REFUSED_STREAM)
                self.refused += 1
                return
            headers = {name.decode() if isinstance(name, bytes) else name:
                       value.decode() if isinstance(value, bytes) else value for name, value in event.headers}
            session.open_requests[event.stream_id] = Request(headers)
        elif isinstance(event, h2.events.DataReceived):
            session.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            if event.stream_id in session.open_requests:
                session.open_requests[event.stream_id].body += event.data
        elif isinstance(event, h2.events.StreamEnded) and event.stream_id in session.open_requests:
            request = session.open_requests[event.stream_id]
            self.requests.append(request)
            self._receive(request.body, "https", source,
                          lambda reply, stream=event.stream_id: self._answer(reply, stream, connection))
        elif isinstance(event, h2.events.StreamReset):
            session.open_requests.pop(event.stream_id, None)

    def _flush(self, connection):
        data = self.sessions[connection].data_to_send() if connection in self.sessions else b""
        if data:
            self._send_tcp(Raw(data), connection)

    def _answer(self, reply, stream, connection):
        session = self.sessions.get(connection)
        if session is None:
            return
        if reply in (CLOSE, RESET) or isinstance(reply, Raw):
            self._send_tcp(reply, connection)
            return
        if isinstance(reply, GoAway):
            session.last = stream if reply.last is None else reply.last
            session.close_connection(last_stream_id=session.last)
            self._flush(connection)
            session.state_machine.state = h2.connection.ConnectionState.SERVER_OPEN
            return
        session.open_requests.pop(stream, None)
        try:
            if isinstance(reply, Reset):
                session.reset_stream(stream, reply.code)
            else:
                answer = reply if isinstance(reply, Http) else Http(200, reply, {"content-type": DNS_MESSAGE})
                self._send_response(session, stream, answer)
        except (h2.exceptions.StreamClosedError, h2.exceptions.NoSuchStreamError):
            return
        self._flush(connection)

    @staticmethod
    def _send_response(session, stream, answer):
        body = answer.body if isinstance(answer.body, bytes) else answer.body.to_wire(max_size=65535)
        headers = {":status": str(answer.status), "content-length": str(len(body)), **answer.headers}
        session.send_headers(stream, [(name, value) for name, value in headers.items() if value is not None])
        window = session.local_flow_control_window(stream)
        for at in range(0, min(len(body), window), 16384):
            piece = body[at:min(at + 16384, window)]
            session.send_data(stream, piece)
        if len(body) <= window:
            session.end_stream(stream)

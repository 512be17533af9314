# SPDX-License-Identifier: MIT
# Copyright the dnslet authors
"""A server that takes posts in StatHat's place."""

import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from basics import PATIENCE

KEY = "somebody@example.com"


class StatHat:
    """`with StatHat() as stathat:`; its `posts` are (path, headers, body), `status` its answer."""

    def __init__(self, status=200):
        self.status = status
        self.posts = queue.Queue()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(outer.status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")
                outer.posts.put((self.path, dict(self.headers), json.loads(body)))

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def variables(self, host="127.0.0.1"):
        return {"STATHAT_USER": KEY, "DNSLET_STATHAT_URL": f"http://{host}:{self.port}/ez"}

    def post(self, seconds=PATIENCE):
        """(path, headers, stat -> (kind, number)) of the next post"""
        path, headers, body = self.posts.get(timeout=seconds)
        assert body.keys() == {"ezkey", "data"} and body["ezkey"] == KEY
        stats = {}
        for entry in body["data"]:
            [kind] = entry.keys() - {"stat"}
            assert entry["stat"] not in stats
            stats[entry["stat"]] = (kind, entry[kind])
        return path, headers, stats

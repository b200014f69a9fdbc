"""A local server that replaces Slack and other HTTPS subscribers, with its own certificate authority."""

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import trustme

from harness.processes import LocalServer

# The path of an archived channel's webhook. Slack's response:
# https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors
ARCHIVED = "/services/archived"


class Listener:
    """Stores the posts that it receives, by path."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.certificates = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(self.certificates))
        self.posts: list[tuple[str, dict]] = []
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.posts.append((self.path, json.loads(body)))
                status, answer = (410, b"channel_is_archived") if self.path == ARCHIVED else (200, b"ok")
                self.send_response_only(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self._server = LocalServer(Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://localhost:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def got(self, path: str) -> list[dict]:
        """Returns the posts to a path."""
        return [post for at, post in list(self.posts) if at == path]

    def stop(self) -> None:
        self._server.shutdown()

"""A server on loopback that keeps comments as GitHub and GitLab do: pages, the longest body, tokens that may not write.

GitHub Docs, REST API, "Issue comments" and "Using pagination"; GitLab Docs, REST API, "Notes".
"""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BOT = {"login": "github-actions[bot]", "id": 7}
PERSON = {"login": "mallory", "id": 13}


@dataclass
class Forge:
    """What the server has, and how it behaves."""

    url: str = ""
    #: Comments of pull request 5, as the service has them.
    comments: list[dict[str, Any]] = field(default_factory=list)
    #: Tokens that may write, with whom they are; the others may read.
    writers: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: {"writes": BOT})
    #: Whether the user of a token can be asked for: not with the token of a workflow.
    tells_user: bool = False
    longest: int = 65_536
    #: Answers of a server error before each GET that works.
    failures: int = 0
    #: Method and path of each request.
    requests: list[str] = field(default_factory=list)

    def add(self, body: str, user: Mapping[str, Any]) -> dict[str, Any]:
        number = len(self.comments) + 1
        made = {
            "id": number,
            "body": body,
            "user": user,
            "author": user,
            "system": False,
            "html_url": f"{self.url}/{number}",
        }
        self.comments.append(made)
        return made

    @property
    def bodies(self) -> list[str]:
        return [one["body"] for one in self.comments]


@contextmanager
def running(forge: Forge) -> Iterator[Forge]:  # noqa: C901 - a handler of http.server is a class
    """The server, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self, code: int, value: Any, **headers: str) -> None:
            content = json.dumps(value).encode()
            self.send_response(code)
            for name, text in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(content)

        def user(self) -> Mapping[str, Any] | None:
            token = self.headers.get("PRIVATE-TOKEN") or self.headers.get("Authorization", "").removeprefix("Bearer ")
            return forge.writers.get(token)

        def do_GET(self) -> None:
            forge.requests.append(f"GET {self.path}")
            if urlsplit(self.path).path.endswith("/user"):
                known = self.user() if forge.tells_user else None
                self.answer(*((200, known) if known else (403, {"message": "Resource not accessible by integration"})))
                return
            if forge.failures:
                forge.failures -= 1
                self.answer(502, {"message": "Server Error"})
                return
            asked = {
                name: int(values[0])
                for name, values in parse_qs(urlsplit(self.path).query).items()
                if values[0].isdigit()
            }
            size, page = min(asked.get("per_page", 30), 100), asked.get("page", 1)
            more = {"Link": f'<{forge.url}{urlsplit(self.path).path}?per_page={size}&page={page + 1}>; rel="next"'}
            left = len(forge.comments) > page * size
            self.answer(200, forge.comments[(page - 1) * size : page * size], **(more if left else {}))

        def written(self) -> None:
            forge.requests.append(f"{self.command} {self.path}")
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]
            user = self.user()
            if user is None:
                self.answer(403, {"message": "Resource not accessible by integration"})
            elif len(body) > forge.longest:
                self.answer(422, {"message": "Body is too long (maximum is 65536 characters)"})
            elif self.command == "POST":
                self.answer(201, forge.add(body, user))
            else:
                (one,) = (one for one in forge.comments if str(one["id"]) == self.path.rpartition("/")[2])
                one["body"] = body
                self.answer(200, one)

        do_POST = do_PATCH = do_PUT = written  # noqa: N815 - as http.server names them

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        forge.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield forge
        finally:
            server.shutdown()

"""A Galaxy server on loopback: as much of its API as `ansible-galaxy` asks for, with collections and roles in archives.

Source: ansible-core, `ansible/galaxy/api.py`, API versions v1 (roles) and v3 (collections).
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class GalaxyServer:
    """What is published, by name and version, and each path that was asked for."""

    collections: dict[str, dict[str, bytes]] = field(default_factory=dict)
    roles: dict[str, dict[str, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def publish(self, archive: Path) -> None:
        """Publish a collection as `ansible-galaxy collection build` leaves it: `namespace-name-version.tar.gz`."""
        space, name, version = archive.name.removesuffix(".tar.gz").split("-")
        self.collections.setdefault(f"{space}.{name}", {})[version] = archive.read_bytes()

    def publish_role(self, name: str, version: str, files: dict[str, str]) -> None:
        """Publish a role; its archive has a folder around everything, as GitHub's have."""
        self.roles.setdefault(name, {})[version] = role_archive(files)

    def answer(self, path: str, query: str) -> Any:
        """The JSON object, or the archive, at a path; None for what is not there."""
        self.asked.append(path)
        match path.strip("/").split("/"):
            case ["api"]:
                return {"available_versions": {"v1": "v1/", "v3": "v3/"}}
            case ["api", "v1", "roles", *rest]:
                return self._roles(rest, query)
            case ["api", "v3", "collections", space, name, *rest]:
                return self._collection(space, name, rest)
            case [("collection" | "role") as kind, name, file]:
                published = self.roles if kind == "role" else self.collections
                return published.get(name, {}).get(file.removesuffix(".tar.gz"))
        return None

    def _roles(self, rest: list[str], query: str) -> Any:
        if not rest:
            return {"results": [{"id": name} for name in self.roles if query == _role_query(name)]}
        name = rest[0]
        found = [{"name": each, "download_url": f"{self.url}/role/{name}/{each}.tar.gz"} for each in self.roles[name]]
        return {"results": found, "next_link": None}

    def _collection(self, space: str, name: str, rest: list[str]) -> Any:
        match rest:
            case ["versions", version]:
                return self._version(space, name, version)
            case ["versions"]:
                versions = self.collections.get(f"{space}.{name}")
                return versions and {"data": [{"version": each} for each in versions], "links": {"next": None}}
        created = {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"}
        return created if f"{space}.{name}" in self.collections else None

    def _version(self, space: str, name: str, version: str) -> Any:
        archive = self.collections.get(f"{space}.{name}", {}).get(version)
        return archive and {
            "namespace": {"name": space},
            "collection": {"name": name},
            "version": version,
            "href": f"/api/v3/collections/{space}/{name}/versions/{version}/",
            "download_url": f"{self.url}/collection/{space}.{name}/{version}.tar.gz",
            "artifact": {"sha256": hashlib.sha256(archive).hexdigest()},
            "metadata": {"dependencies": {}},
            "signatures": [],
        }


def role_archive(files: dict[str, str]) -> bytes:
    """A tar.gz of files in one folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(f"role-1/{name}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


@contextmanager
def serving(galaxy: GalaxyServer) -> Iterator[GalaxyServer]:
    """Answer on a free port of loopback while the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            where = urlsplit(self.path)
            content = galaxy.answer(where.path, where.query)
            body = content if isinstance(content, bytes) else json.dumps(content or {}).encode()
            self.send_response(404 if content is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    galaxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield galaxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _role_query(name: str) -> str:
    space, _, role = name.rpartition(".")
    return f"owner__username={space}&name={role}"

"""nginx as a client meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

    from orchestrator.validate.suite.plugin import Image


#: Values of headers that are at least as strict as any other.
_STRICTEST = {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"}
_ASK = "curl --silent --show-error --insecure --location --max-time 60"


def test_server_runs_from_boot_on(host: Host) -> None:
    """Enabled and running."""
    assert host.service("nginx").is_enabled
    assert host.service("nginx").is_running


def test_configuration_is_sound(host: Host) -> None:
    """Nginx reads all of it without a warning."""
    check = host.run("nginx -t -q")
    assert check.rc == 0
    assert check.stderr == ""


def test_health_is_answered(host: Host) -> None:
    """A load balancer gets its 200."""
    assert host.check_output(f"{_ASK} http://localhost/healthz") == "ok"


def test_default_site_answers(host: Host) -> None:
    """There is a page."""
    status = host.check_output(f"{_ASK} --output /dev/null --write-out '%{{http_code}}' http://localhost/")
    assert status == "200"


@pytest.mark.parametrize("path", ["/", "/there-is-no-such-page"])
def test_headers_protect_the_visitor(host: Host, image: Image, path: str) -> None:
    """Answers carry the declared headers, errors too, and do not tell the version."""
    lines = host.check_output(f"{_ASK} --output /dev/null --dump-header - http://localhost{path}").splitlines()
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert headers["server"] == "nginx"
    declared = image.vars.get("nginx_headers", {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "SAMEORIGIN"})
    found = {name: headers.get(name.lower(), "missing") for name in declared}
    assert {name: value for name, value in found.items() if value not in {declared[name], _STRICTEST.get(name)}} == {}


def test_workers_are_as_many_as_declared(host: Host, image: Image) -> None:
    """And they do not run as root."""
    server = host.check_output("systemctl show --property MainPID --value nginx")
    workers = host.check_output("ps -o user= --ppid %s", server).split()
    declared = image.vars.get("nginx_worker_processes", "auto")
    expected = host.check_output("nproc") if declared == "auto" else declared
    assert len(workers) == int(expected)
    assert "root" not in workers
    assert host.check_output("ps -o user= -p %s", server) == "root"


def test_old_tls_is_refused(host: Host) -> None:
    """Only TLS 1.2 and newer, whichever site uses it."""
    lines = [line.strip().rstrip(";").split() for line in host.check_output("nginx -T 2>/dev/null").splitlines()]
    protocols = [set(line[1:]) for line in lines if line[:1] == ["ssl_protocols"]]
    assert protocols != []
    assert set().union(*protocols) <= {"TLSv1.2", "TLSv1.3"}

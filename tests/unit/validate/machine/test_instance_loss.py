"""What it means that a machine ended while it was to be tested."""

from __future__ import annotations

import pytest

from orchestrator.validate.errors import BootFailed, MachineLost, ValidationError
from orchestrator.validate.machine.instance_loss import ended


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("Server.InternalError", MachineLost),
        ("Server.SpotInstanceTermination", MachineLost),
        ("Client.UserInitiatedShutdown", MachineLost),
        ("", MachineLost),
        ("Client.InstanceInitiatedShutdown", BootFailed),
        ("Client.InternalError", BootFailed),
    ],
)
def test_an_image_is_to_blame_for_what_it_does_itself(code: str, kind: type[ValidationError]) -> None:
    found = {"InstanceId": "i-1", "State": {"Name": "terminated"}, "StateReason": {"Code": code, "Message": "told"}}
    error = ended(found, "before it was tested")
    assert type(error) is kind
    assert error.message == "i-1 is terminated before it was tested: told"

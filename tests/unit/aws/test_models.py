"""Models of services are what botocore's own loader reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import DataNotFoundError, UnknownServiceError
from botocore.loaders import create_loader

from orchestrator.aws.models import ModelLoader

if TYPE_CHECKING:
    from pathlib import Path

    from botocore.loaders import Loader

TYPES = ("service-2", "paginators-1", "waiters-2", "endpoint-rule-set-1")


@pytest.mark.parametrize("service", ["ec2", "iam", "kms", "s3", "secretsmanager", "service-quotas", "ssm", "sts"])
def test_models_are_botocores_own(service: str) -> None:
    """Every service that the factory asks; the order of keys is the same, which botocore serializes by."""
    ours, theirs = ModelLoader(None), create_loader(None)
    for kind in TYPES:
        assert _read(ours, service, kind) == _read(theirs, service, kind)


def _read(loader: Loader, service: str, kind: str) -> str:
    """A model as text, or which error says that there is none."""
    try:
        return json.dumps(loader.load_service_model(service, kind))
    except DataNotFoundError as error:
        return type(error).__name__


@pytest.mark.parametrize("name", ["endpoints", "partitions", "_retry", "sdk-default-configuration"])
def test_data_is_botocores_own(name: str) -> None:
    assert ModelLoader(None).load_data(name) == create_loader(None).load_data(name)


def test_models_when_a_person_has_added_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS_DATA_PATH names several folders, with variables; the first that has a model wins."""
    folder = tmp_path / "first/ec2/2099-01-01"
    folder.mkdir(parents=True)
    (folder / "service-2.json").write_text('{"of": "tomorrow"}')
    monkeypatch.setenv("MODELS", str(tmp_path))
    given = "$MODELS/first:$MODELS/second"
    loaded = ModelLoader(given).load_service_model("ec2", "service-2")
    assert loaded == create_loader(given).load_service_model("ec2", "service-2")
    assert loaded == {"of": "tomorrow"}


def test_models_when_there_are_none() -> None:
    with pytest.raises(UnknownServiceError):
        ModelLoader(None).load_service_model("no-such-service", "service-2")
    with pytest.raises(DataNotFoundError):
        ModelLoader(None).load_data("ec2/2016-11-15/no-such-type")

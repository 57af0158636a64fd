"""Lists that come in pages: tokens lead to the next page, and to nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.sending import refused
from tests.contract.source import source

if TYPE_CHECKING:
    from tests.contract.conftest import Contract


@source("AWS Systems Manager API Reference", "GetParametersByPath, MaxResults and NextToken")
def test_pages_of_a_path_have_each_parameter_once(aws: Contract) -> None:
    ssm = aws.client("ssm")
    names = [f"/{aws.name}/{number}" for number in range(3)]
    for name in names:
        ssm.put_parameter(Name=name, Value="x", Type="String")
    aws.later(ssm.delete_parameters, Names=names)
    first = ssm.get_parameters_by_path(Path=f"/{aws.name}", MaxResults=2)
    rest = ssm.get_parameters_by_path(Path=f"/{aws.name}", MaxResults=2, NextToken=first["NextToken"])
    assert len(first["Parameters"]) == 2
    assert sorted(each["Name"] for each in first["Parameters"] + rest["Parameters"]) == names
    assert not rest.get("NextToken")


@source("AWS Systems Manager API Reference", "GetParametersByPath, InvalidNextToken")
def test_a_token_that_was_never_given_leads_to_no_parameters(aws: Contract) -> None:
    answer = refused(aws.client("ssm").get_parameters_by_path, Path="/", NextToken="nonsense")
    assert answer[0] == "InvalidNextToken"

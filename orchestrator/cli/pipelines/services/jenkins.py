"""Jenkins: the Jenkinsfile of a multibranch pipeline."""

from __future__ import annotations

from orchestrator.cli.pipelines.pipeline import Pipeline, PipelineFile

PIPELINE = Pipeline(
    "jenkins",
    (PipelineFile("Jenkinsfile", "jenkins/Jenkinsfile"),),
    "make the credentials ami-id-token (OpenID Connect id token as file) and ami-builder-role (the role's ARN)",
    comment="//",
)

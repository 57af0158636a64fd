"""GitLab CI: a file with all jobs, and the one that GitLab reads, which includes it."""

from __future__ import annotations

from orchestrator.cli.pipelines.pipeline import Pipeline, PipelineFile

PIPELINE = Pipeline(
    "gitlab",
    (
        PipelineFile(".gitlab/ami.gitlab-ci.yml", "gitlab/ami.gitlab-ci.yml"),
        PipelineFile(".gitlab-ci.yml", "gitlab/include.yml"),
    ),
    "set the CI/CD variables AMI_BUILDER_ROLE (the ARN of the role that builds) and AMI_COMMENT_TOKEN",
)

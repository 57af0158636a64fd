"""GitHub Actions: a workflow for each occasion, and two composite actions that they share."""

from __future__ import annotations

from orchestrator.cli.pipelines.pipeline import Pipeline, PipelineFile

#: Actions of others, by commit: a tag may be moved (GitHub Docs, "Secure use reference", "Using third-party actions").
_ACTIONS = (
    ("checkout", "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1"),
    ("cache", "actions/cache@27d5ce7f107fe9357f9df03efb73ab90386fccae # v5.0.5"),
    ("upload", "actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0"),
    ("download", "actions/download-artifact@3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c # v8.0.1"),
    ("credentials", "aws-actions/configure-aws-credentials@e6de054238d6b7531b4efff3b6587d9aade6a06c # v6.2.3"),
)

PIPELINE = Pipeline(
    "github",
    (
        PipelineFile(".github/actions/ami-setup/action.yml", "github/setup-action.yml"),
        PipelineFile(".github/actions/ami-build/action.yml", "github/build-action.yml"),
        PipelineFile(".github/workflows/ami-pull-request.yml", "github/pull-request.yml"),
        PipelineFile(".github/workflows/ami-build.yml", "github/build.yml", for_account=True),
        PipelineFile(".github/workflows/ami-sweep.yml", "github/sweep.yml", for_account=True),
        PipelineFile(".github/workflows/ami-update.yml", "github/update.yml"),
    ),
    "set the variables AMI_READER_ROLE and AMI_BUILDER_ROLE of the repository to the ARNs of the two roles",
    _ACTIONS,
)

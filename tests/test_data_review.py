"""The workflow that reviews the data of a pull request: safe as it says, and its scripts run."""

import os
import re
import subprocess

import pytest
from compared import OTHER_SCORES, commit, write_project
from pipeline import ROOT, Checkout
from ruamel.yaml import YAML

PATH = ROOT / ".github/workflows/data-review.yaml"
WORKFLOW = YAML(typ="safe", pure=True).load(PATH.read_text())
COMPARE, COMMENT = WORKFLOW["jobs"]["compare"], WORKFLOW["jobs"]["comment"]
STEPS = {step.get("name"): step for job in (COMPARE, COMMENT) for step in job["steps"]}
# Stands for GitHub's command: it keeps what it is asked to post.
GH = """#!/bin/sh
echo "$@" > "$POSTED/arguments"
cp comment.md "$POSTED/comment.md"
"""


def test_code_of_a_pull_request_runs_without_rights_and_secrets():
    assert list(WORKFLOW["on"]) == ["pull_request"]
    assert WORKFLOW["permissions"] == {}
    assert COMPARE["permissions"] == {"contents": "read"}
    assert "secrets." not in PATH.read_text()
    [checkout] = [step for step in COMPARE["steps"] if "checkout" in step.get("uses", "")]
    assert checkout["with"]["persist-credentials"] is False


def test_the_job_that_may_write_comments_runs_no_code_of_the_pull_request():
    assert COMMENT["permissions"] == {"pull-requests": "write"}
    assert COMMENT["if"] == "github.event.pull_request.head.repo.full_name == github.repository"
    assert [step["uses"] for step in COMMENT["steps"] if "uses" in step] == [
        "actions/download-artifact@v7"
    ]
    commands = re.findall(r"^\s*([\w.-]+)", STEPS["Comment"]["run"], re.MULTILINE)
    assert commands == ["printf", "gh"]


def test_nothing_that_somebody_chose_is_pasted_into_a_script():
    assert not [step["run"] for step in STEPS.values() if "${{" in step.get("run", "")]


def test_actions_are_pinned_by_their_major_version():
    used = [step["uses"] for job in (COMPARE, COMMENT) for step in job["steps"] if "uses" in step]
    assert len(used) == 4
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+", name) for name in used)


@pytest.mark.parametrize("name", [name for name, step in STEPS.items() if "run" in step])
def test_a_script_is_valid_bash(name):
    subprocess.run(["bash", "-n"], input=STEPS[name]["run"], text=True, check=True)


def run_step(checkout, name, **settings):
    """Run a step's script as GitHub does."""
    output = checkout.run("bash", "-eo", "pipefail", "-c", STEPS[name]["run"], **settings)
    assert output.code == 0, output.text
    return output.text


@pytest.fixture(scope="module")
def pulled(tmp_path_factory):
    """A fresh clone of a pull request's branch; its data lie on a DVC remote alone."""
    folder = tmp_path_factory.mktemp("reviewed")
    made = write_project(folder)
    made.dvc("remote", "add", "--default", "store", str(folder / "store"))
    made.git("commit", "--quiet", "--all", "--message=Remote")
    made.git("checkout", "--quiet", "-b", "change")
    commit(made, "other", OTHER_SCORES)
    made.dvc("push", "--all-commits")
    (folder / "clone").mkdir()
    return made.clone(folder / "clone")


@pytest.mark.slow
def test_the_comment_of_a_pull_request_is_made_from_a_fresh_clone(pulled, tmp_path):
    settings = {
        "BASE": "origin/main",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "PYTHONPATH": str(ROOT),
    }
    run_step(pulled, "Fetch the data of both commits", **settings)
    run_step(pulled, "Compare", **settings)

    text = (pulled.folder / "comment.md").read_text()
    assert (tmp_path / "summary.md").read_text() == text
    assert text.startswith("## Selection: `base` → `HEAD`\n\n### Test results\n\n")
    assert "### Selected samples\n\n1 pick added;" in text
    assert "Not compared" not in text
    assert re.search(r"### Metrics\n\n\|.*\n\|.*\n\| metrics/summary.json +\| net +\| 70", text)
    assert (pulled.folder / "changes.html").read_text().count("data:image/webp") == 2
    assert "vega" in (pulled.folder / "dvc_plots/index.html").read_text()


@pytest.mark.slow
def test_the_comment_is_posted_with_the_address_of_the_pages(tmp_path):
    gh = tmp_path / "bin/gh"
    gh.parent.mkdir()
    gh.write_text(GH)
    gh.chmod(0o755)
    (tmp_path / "comment.md").write_text("## Selection\n")
    (tmp_path / "posted").mkdir()

    run_step(
        Checkout(tmp_path, tmp_path),
        "Comment",
        NUMBER="7",
        PAGES="https://example.org/pages",
        PATH=f"{gh.parent}{os.pathsep}{os.environ['PATH']}",
        POSTED=str(tmp_path / "posted"),
    )

    assert (tmp_path / "posted/arguments").read_text() == (
        "pr comment 7 --edit-last --create-if-none --body-file comment.md\n"
    )
    assert (tmp_path / "posted/comment.md").read_text() == (
        "## Selection\n\nPictures of what came and went, and the plots: "
        "[data-review](https://example.org/pages).\n"
    )

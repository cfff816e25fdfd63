"""Nothing leaves this machine, and nothing is left on it outside our own folders."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import watched

from agent.assets.resolve import ASSETS, failed_note, find
from agent.util import process, telemetry

EXAMPLE = Path(__file__).parents[1] / "docs" / "example" / "example.mp4"
OTHER_WORK = {
    "LANGSMITH_TRACING": "true", "LANGSMITH_API_KEY": "x", "ORT_DISABLE_TELEMETRY": "0",
    "FASTAPI_OTEL_AUTO_CONFIGURE": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://192.0.2.1:4318",
}  # fmt: skip
"""What somebody's shell may say."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model files that can be had here, so that none is fetched."""
    folder = tmp_path_factory.mktemp("models")
    for name in ASSETS:
        if (path := find(name).path) is not None:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).symlink_to(path)
    # Those that nobody can fetch here, as after a try that failed.
    notes = [failed_note(name).name for name in ASSETS if not (folder / name).exists()]
    (folder / "cache" / "models").mkdir(parents=True)
    for note in notes:
        (folder / "cache" / "models" / note).touch()
    lacking = [n for n in ASSETS if not ASSETS[n].optional and not (folder / n).exists()]
    if lacking:
        pytest.skip(f"{', '.join(lacking)}: not here, and cannot be fetched")
    return folder


def test_loading_a_network_leaves_nothing_at_home(tmp_path: Path) -> None:
    code = "import agent, onnxruntime, sys; onnxruntime.InferenceSession(sys.argv[1])"
    weights = process.ROOT / "agent/senses/weights/aus_skin.onnx"
    seen = watched.run(
        watched.python("-P", "-c", code, str(weights)),
        tmp_path / "w", tmp_path, **OTHER_WORK,
    )  # fmt: skip
    assert seen.done.returncode == 0, seen.done.stderr
    assert seen.left == []
    assert seen.connects == []


@pytest.mark.parametrize("words", [("look",), ("ask", "What does she feel?")])
def test_a_look_leaves_nothing_at_home_and_meets_nobody(
    words: tuple[str, ...], models: Path, tmp_path: Path
) -> None:
    command = watched.python("-P", "-m", "agent.cli.main", words[0], str(EXAMPLE), *words[1:])
    more = OTHER_WORK | {"DUCHENNE_ASSETS": str(models)}
    shutil.copytree(models / "cache", tmp_path / "w" / "cache")
    seen = watched.run(command, tmp_path / "w", tmp_path, **more)
    assert seen.done.returncode == 0, seen.done.stderr
    assert seen.left == []
    assert seen.connects == []
    assert sorted(p.name for p in tmp_path.iterdir()) == ["w"]  # nor in the current folder


def test_every_child_gets_every_switch(models: Path, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    (clips / "a.mp4").symlink_to(EXAMPLE)
    command = watched.python("-P", "-m", "agent.cli.main", "caption", str(clips), "--workers", "2")
    more = OTHER_WORK | {"DUCHENNE_ASSETS": str(models)}
    shutil.copytree(models / "cache", tmp_path / "w" / "cache")
    seen = watched.run([*command, "--out", str(tmp_path / "out")], tmp_path / "w", clips, **more)
    assert seen.done.returncode == 0, seen.done.stderr
    assert seen.left == [] and seen.connects == []
    children = [one for one in seen.processes if "agent.captions.workers" in one["argv"]]
    assert children
    for child in children:
        assert process.safe().items() <= child["environment"].items()


def test_the_environment_of_a_child_says_all_switches_whatever_ours_says() -> None:
    ours = {"ORT_DISABLE_TELEMETRY": "0", "PYTHONPATH": ":.:/absolute", "OPENAI_API_KEY": "k"}
    for made in (process.environment(ours=ours), process.restricted(secrets=False, ours=ours)):
        assert (telemetry.REPORTS | telemetry.TRACES).items() <= made.items()
        assert made["PYTHONPATH"].split(":") == [str(process.ROOT), "/absolute"]
    assert "OPENAI_API_KEY" not in process.restricted(secrets=False, ours=ours)

"""An archive on a Ray cluster of two nodes, one of which is killed half way."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnxruntime", reason="running a model needs onnxruntime: pip install '.[cpu]'")
ray = pytest.importorskip("ray", reason="needs Ray: pip install '.[ray]'")

from fastdiar.archive.cluster import TRIES, _computed, in_cluster
from fastdiar.core.errors import DataError

NODE = {"num_cpus": 1, "object_store_memory": 80_000_000, "include_dashboard": False}
LONGEST_SECONDS = 240
BUSY = 3
"""Processes that want a core, from which on a node that does not start is nobody's fault."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two nodes of one core each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_raylet_start_wait_time_s", "120")
        patch.setenv("RAY_worker_niceness", "0")
        cluster = two_nodes()
        yield cluster
        logs = cluster.head_node.get_session_dir_path()
        cluster.shutdown()
    shutil.rmtree(logs, ignore_errors=True)


def two_nodes(tries: int = 2) -> Any:
    """A cluster; tried again, because Ray gives a node's processes 15 seconds to start, which a busy machine does not manage."""
    from ray.cluster_utils import Cluster

    try:
        cluster = Cluster(initialize_head=True, head_node_args=NODE)
        cluster.add_node(**NODE)
    except Exception as error:
        if tries > 1:
            return two_nodes(tries - 1)
        skip_if_busy(error)
        raise
    return cluster


def skip_if_busy(error: Exception) -> None:
    if os.getloadavg()[0] > BUSY * (os.cpu_count() or 1):
        pytest.skip(f"this machine is too busy for Ray: {error}")


def finished(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of Python's that has ended: Ray waits for ever where its processes do not start."""
    try:
        command = [sys.executable, *arguments]
        return subprocess.run(command, check=False, capture_output=True, text=True, timeout=LONGEST_SECONDS)
    except subprocess.TimeoutExpired as error:
        skip_if_busy(error)
        raise


def test_what_the_function_raises_ends_the_work(cluster: Any) -> None:
    code = "import sys; from fastdiar.archive.cluster import in_cluster; list(in_cluster(int, ['1', 'x'], sys.argv[1]))"
    done = finished("-c", code, cluster.address)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "ValueError: invalid literal for int() with base 10: 'x'"


def test_a_node_killed_half_way_costs_no_recording_and_none_is_done_twice(
    cluster: Any, archive: Path, turns: dict[str, bytes], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    manifest = out / "manifest.jsonl"
    done_before_the_kill = []

    def kill() -> None:
        count = 0
        while count < len(turns) // 2:
            time.sleep(0.02)
            count = manifest.read_text().count('"turns"') if manifest.is_file() else 0
        done_before_the_kill.append(count)
        cluster.remove_node(cluster.worker_nodes.copy().pop(), allow_graceful=False)

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    command = ["diarize", str(archive), "-o", str(out), "--engine", "ray", "--ray-address", cluster.address]
    done = finished("-m", "fastdiar", *command)
    assert done.returncode == 0, done.stderr
    killer.join()
    assert len(turns) // 2 <= done_before_the_kill[0] < len(turns)
    assert {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*.rttm")} == turns
    noted = [json.loads(line) for line in manifest.read_text().splitlines()[1:]]
    assert Counter(entry.get("turns") for entry in noted) == Counter(turns.keys())


def test_a_cluster_that_is_not_there() -> None:
    with pytest.raises(DataError, match=r"no Ray cluster at '127\.0\.0\.1:1': start one with ray start --head"):
        list(in_cluster(int, ["1"], "127.0.0.1:1"))


class DyingRay:
    """Stands in for Ray, whose machines die as an item reaches them, so and so often."""

    exceptions = ray.exceptions

    def __init__(self, deaths: int) -> None:
        self.deaths, self.begun = deaths, 0

    def remote(self, *arguments: Any, **options: Any) -> Any:
        """A decorator where options are given, else an item begun."""
        if options:
            return lambda function: self
        self.begun += 1
        return self.begun

    def put(self, value: Any) -> Any:
        return value

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 1.0}

    def wait(self, references: list[int], **options: Any) -> tuple[list[int], list[int]]:
        return references, []

    def get(self, reference: int) -> str:
        if reference <= self.deaths:
            raise ray.exceptions.LocalRayletDiedError
        return "done"


@pytest.mark.parametrize(("deaths", "expected"), [(2, "done"), (99, None)])
def test_an_item_whose_machine_dies_as_it_gets_there_is_begun_anew_but_not_for_ever(deaths: int, expected: str | None) -> None:
    dying = DyingRay(deaths)
    assert list(_computed(dying, str, ["item"], 1, None)) == [("item", expected)]
    assert dying.begun == min(deaths, TRIES) + 1

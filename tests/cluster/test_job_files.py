"""The job files of Slurm and Kubernetes: their shell, their fields, and the commands in them."""

import os
import re
import subprocess
from pathlib import Path

import yaml

from tests.test_configs import parse

ROOT = Path(__file__).parents[2]
SBATCH = ROOT / "cluster/slurm/fit.sbatch"


def program(folder, name, line):
    path = folder / name
    path.write_text(f"#!/usr/bin/env bash\n{line}\n")
    path.chmod(0o755)


def test_the_slurm_script_starts_a_training_that_goes_on_by_itself(tmp_path):
    program(tmp_path, "srun", 'printf "%s\\n" "$@"')
    slurm = {"SLURM_JOB_NUM_NODES": "2", "SLURM_NTASKS_PER_NODE": "8"}
    done = subprocess.run(
        [
            "bash",
            SBATCH,
            "--config",
            "kinetics400/slow_r50_8x8",
            "--run_dir",
            str(tmp_path / "run"),
        ],
        env={**os.environ, **slurm, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    words = done.stdout.split()
    start = words.index("snl-video")
    assert all(word.startswith("--") for word in words[:start])
    assert words[start + 1] == "fit"
    recipe = ROOT / "configs/kinetics400/slow_r50_8x8.yaml"
    given = [str(recipe) if "/slow_r50" in word else word for word in words[start + 2 :]]
    config = parse(more=given)
    assert (config.trainer.num_nodes, config.trainer.devices) == (2, "8")
    assert config.resume == "auto"


def test_slurm_asks_for_what_lightning_needs():
    lines = SBATCH.read_text().splitlines()
    asked = dict(
        line[10:].split("=") for line in lines if line.startswith("#SBATCH --") and "=" in line
    )
    assert asked["ntasks-per-node"] == asked["gpus-per-node"]  # a process a GPU
    assert asked["signal"].startswith("SIGUSR1@")  # to every step, so without "B:"
    assert "#SBATCH --requeue" in lines


def test_the_array_carries_out_one_run_a_job(tmp_path):
    script = ROOT / "cluster/slurm/compare_kinds.sbatch"
    program(tmp_path, "snl-video", 'printf "%s\\n" "$@"')
    done = subprocess.run(
        ["bash", script, "--kinds", "none", "snl"],
        env={**os.environ, "SLURM_ARRAY_TASK_ID": "4", "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["compare-kinds", "--kinds", "none", "snl", "--part", "4"]
    shown = script.read_text().replace("\\\n#", "")
    kinds, splits = (re.search(rf"--{name} ([\w ]+) --", shown)[1] for name in ("kinds", "splits"))
    last = re.search(r"--array=0-(\d+)", shown)[1]
    assert len(kinds.split()) * len(splits.split()) == int(last) + 1


def test_the_kubernetes_job_starts_one_torchrun_a_pod():
    job = yaml.safe_load((ROOT / "cluster/kubernetes/pytorchjob.yaml").read_text())
    assert (job["apiVersion"], job["kind"]) == ("kubeflow.org/v1", "PyTorchJob")
    worker = job["spec"]["pytorchReplicaSpecs"]["Worker"]
    (container,) = worker["template"]["spec"]["containers"]
    assert container["name"] == "pytorch"
    assert container["command"] == ["torchrun", "-m", "snl_video"]
    assert container["args"][0] == "fit"
    recipe = ROOT / "configs/kinetics400/slow_r50_8x8.yaml"
    words = [
        f"--config={recipe}" if word.startswith("--config") else word
        for word in container["args"][1:]
    ]
    config = parse(more=words)
    assert config.resume == "auto"
    assert config.trainer.num_nodes == worker["replicas"]
    elastic = job["spec"]["elasticPolicy"]
    assert elastic["minReplicas"] == elastic["maxReplicas"] == worker["replicas"]
    assert job["spec"]["nprocPerNode"] == config.trainer.devices
    assert container["resources"]["limits"]["nvidia.com/gpu"] == int(config.trainer.devices)
    variables = {row["name"]: row["value"] for row in container["env"]}
    assert variables["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] == "1"
    volumes = {volume["name"] for volume in worker["template"]["spec"]["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes

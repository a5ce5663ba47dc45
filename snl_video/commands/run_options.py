"""Options of a run beside those of trainer, model and data."""

from typing import Literal

from jsonargparse.typing import PositiveFloat
from pytorch_lightning.callbacks import ModelCheckpoint
from pytorch_lightning.cli import LightningArgumentParser

from snl_video.inference.engines.engine import Backend, Precision
from snl_video.protocol import ProtocolName
from snl_video.training.callbacks.freezing import Freezing
from snl_video.weights import PretrainedSpec


def add_engine_options(parser: LightningArgumentParser) -> None:
    """Add what may run the network of an evaluation."""
    parser.add_argument(
        "--backend",
        type=Backend,
        default="torch",
        help="what runs the network: torch, or compile (by torch.compile), openvino, onnxruntime; "
        "a test compares it with torch on its first videos",
    )
    parser.add_argument(
        "--precision",
        type=Precision,
        default="fp32",
        help="of the backend; bf16 for a CPU or a GPU that has it",
    )


def add_run_options(parser: LightningArgumentParser) -> None:
    """Add the run's folder, its weights and checkpoints, and link the data to the model."""
    parser.add_argument("--run_dir", type=str, default="runs/default", help="folder of the run")
    parser.add_argument(
        "--pretrained",
        type=str | PretrainedSpec | None,
        default=None,
        help="weights to start from: a file or kinetics400, or a source with more settings; "
        "read when fit starts, not when it resumes",
    )
    parser.add_argument(
        "--resume",
        type=Literal["auto"] | None,
        default=None,
        help="auto: fit goes on from the last checkpoint of run_dir, where there is one",
    )
    parser.add_argument(
        "--logger",
        type=Literal["tensorboard", "wandb", "mlflow"],
        default="tensorboard",
        help="where fit logs to beside the CSV files of run_dir",
    )
    parser.add_argument(
        "--process_timeout",
        type=PositiveFloat,
        default=1800.0,
        help="seconds after which a process of several that waits for the others gives up",
    )
    parser.add_argument(
        "--protocol",
        type=ProtocolName,
        default="snl_video",
        help="which frames make a clip, where test clips start and how the head averages: as "
        "published evaluations do; docs/explanation/protocols.md shows the table",
    )
    parser.add_lightning_class_args(Freezing, "freeze")
    parser.add_lightning_class_args(ModelCheckpoint, "checkpoint")
    parser.set_defaults(
        {
            "checkpoint.filename": "best",
            "checkpoint.monitor": "val/top1",
            "checkpoint.mode": "max",
            "checkpoint.enable_version_counter": False,
        }
    )
    parser.link_arguments(
        "run_dir", "checkpoint.dirpath", compute_fn=lambda folder: f"{folder}/checkpoints"
    )
    parser.link_arguments("protocol", "data.clip.protocol")
    parser.link_arguments("protocol", "model.protocol")
    parser.link_arguments("data.num_classes", "model.num_classes", apply_on="instantiate")
    parser.link_arguments("data.classes", "model.classes", apply_on="instantiate")

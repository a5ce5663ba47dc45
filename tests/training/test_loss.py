import math

import pytest
import torch
from torch.nn import functional as F

from snl_video.training import LossSpec
from snl_video.training.loss import WeightedCrossEntropy, balanced_weights
from tests.training.tiny import TinyData, classifier, trainer

B, K = 6, 5
WEIGHTS = [0.5, 2.0, 1.0, 0.1, 3.0]


def case():
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(B, K, dtype=torch.float64, generator=generator)
    soft = torch.rand(B, K, dtype=torch.float64, generator=generator)
    return logits, torch.tensor([0, 4, 2, 2, 3, 1]), soft / soft.sum(1, keepdim=True)


def brute(logits, targets, weights, smoothing):
    total = norm = 0.0
    for row, target in zip(logits.tolist(), targets.tolist(), strict=True):
        scale = math.log(sum(math.exp(value) for value in row))
        for c in range(K):
            share = (1 - smoothing) * target[c] + smoothing / K
            total -= weights[c] * share * (row[c] - scale)
            norm += weights[c] * target[c]
    return total / norm


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [[1.0] * K, WEIGHTS])
def test_soft_targets_by_brute_force(weights, smoothing):
    logits, _, soft = case()
    loss = WeightedCrossEntropy(K, smoothing).double()
    loss.weight = torch.tensor(weights, dtype=torch.float64)
    expected = brute(logits, soft, weights, smoothing)
    assert loss(logits, soft).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weights", [[1.0] * K, WEIGHTS])
def test_labels_as_torch_does_and_one_hot_rows_alike(weights, smoothing):
    logits, labels, _ = case()
    loss = WeightedCrossEntropy(K, smoothing).double()
    loss.weight = torch.tensor(weights, dtype=torch.float64)
    logits.requires_grad_()
    expected = F.cross_entropy(logits, labels, loss.weight, label_smoothing=smoothing)
    (gradient,) = torch.autograd.grad(expected, logits)
    for target in (labels, F.one_hot(labels, K).double()):
        value = loss(logits, target)
        torch.testing.assert_close(value, expected, rtol=1e-12, atol=0)
        torch.testing.assert_close(torch.autograd.grad(value, logits)[0], gradient)


def test_balanced_weights_by_hand():
    weights = balanced_weights([0, 0, 0, 1, 1, 2], ["a", "b", "c"])
    torch.testing.assert_close(weights, torch.tensor([6 / 9, 6 / 6, 6 / 3]))
    with pytest.raises(ValueError, match="2 of 4 have none: b, d"):
        balanced_weights([0, 2], ["a", "b", "c", "d"])


def test_balanced_weights_come_from_the_training_list(tmp_path):
    model = classifier(loss=LossSpec(class_weights="balanced"))
    trainer(tmp_path, max_steps=1).fit(model, TinyData())
    torch.testing.assert_close(model.loss.weight, 8 / (4 * torch.tensor([5.0, 1.0, 1.0, 1.0])))
    assert not [name for name in model.state_dict() if name.startswith("loss")]


def test_balanced_weights_without_a_datamodule_are_refused(tmp_path):
    data = TinyData()
    with pytest.raises(ValueError, match="class_weights 'balanced' needs a datamodule"):
        trainer(tmp_path).fit(
            classifier(loss=LossSpec(class_weights="balanced")),
            data.train_dataloader(),
            data.val_dataloader(),
        )


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0, 2.0], r"4 positive numbers, one for each class, got \[1\.0, 2\.0\]"),
        ([1.0, 2.0, 0.0, 1.0], r"4 positive numbers, .*, got \[1\.0, 2\.0, 0\.0, 1\.0\]"),
        ([1.0, 2.0, math.inf, 1.0], "4 positive numbers, .* inf"),
        ("even", "must be 'none', 'balanced' or 4 positive numbers, .*, got 'even'"),
    ],
)
def test_bad_weights_are_named(weights, message):
    with pytest.raises(ValueError, match=message):
        classifier(loss=LossSpec(class_weights=weights))


def test_a_mixed_batch_learns_its_target_and_counts_the_dominant_class():
    model = classifier(loss=LossSpec(0.1, [1.0, 2.0, 3.0, 4.0])).eval()
    clips = torch.randint(256, (3, 1, 3, 4, 32, 32), dtype=torch.uint8)
    target = torch.tensor([[0.6, 0.4, 0, 0], [0, 0.3, 0.7, 0], [0.1, 0.2, 0.3, 0.4]])
    batch = {"clips": clips, "label": torch.tensor([1, 1, 0]), "target": target}
    logged = {}
    model.log = lambda name, value, **_: logged.update({name: value})
    loss = model.training_step(batch, 0)
    logits = model(clips.flatten(0, 1)).detach()
    weights = [1.0, 2.0, 3.0, 4.0]
    total = norm = 0.0
    for row, share in zip(logits.double().log_softmax(1), target.double(), strict=True):
        for c in range(4):
            total -= weights[c] * (0.9 * share[c] + 0.025) * row[c]
            norm += weights[c] * share[c]
    assert loss.item() == pytest.approx((total / norm).item(), rel=1e-5)
    right = (logits.argmax(1) == torch.tensor([0, 2, 3])).float().mean()
    assert logged["train/top1"] == right


def test_labels_still_count_without_a_target():
    model = classifier().eval()
    clips = torch.randint(256, (4, 1, 3, 4, 32, 32), dtype=torch.uint8)
    label = model(clips.flatten(0, 1)).argmax(1)
    label[0] = (label[0] + 1) % 4
    logged = {}
    model.log = lambda name, value, **_: logged.update({name: value})
    model.training_step({"clips": clips, "label": label}, 0)
    assert logged["train/top1"] == pytest.approx(0.75)

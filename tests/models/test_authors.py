"""The IRN authors' checkpoints load by key map."""

import pytest
import torch

from unshrink.errors import WeightsError
from unshrink.models import registry, weights

SUBNETS = {"F": "f", "G": "g", "H": "h"}


def _their_state(name):
    """A state dict with the authors' keys, made from a network of ours, and that network."""
    torch.manual_seed(0)
    model = registry.build(registry.get(name))
    theirs = {}
    for index, link in enumerate(model.chain.links):
        prefix = f"operations.{index}"
        if type(link).__name__ == "Haar":
            theirs[f"{prefix}.haar_weights"] = torch.ones(12, 1, 2, 2)
        elif type(link).__name__ == "Mixing":
            theirs[f"{prefix}.conv_weights"] = torch.randn(9, 9)
            link.matrix.data = theirs[f"{prefix}.conv_weights"]
        else:
            for capital, small in SUBNETS.items():
                for k, conv in enumerate(getattr(link, small).convs):
                    conv.weight.data = torch.randn_like(conv.weight)
                    theirs[f"{prefix}.{capital}.conv{k + 1}.weight"] = conv.weight.data
                    theirs[f"{prefix}.{capital}.conv{k + 1}.bias"] = conv.bias.data
    return theirs, model


@pytest.mark.parametrize("name", ["irn-x2", "irn-x3", "irn-x4"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_their_checkpoint_gives_the_same_network(name, prefix, tmp_path):
    theirs, model = _their_state(name)
    path = tmp_path / "IRN.pth"
    torch.save({prefix + key: tensor for key, tensor in theirs.items()}, path)
    loaded = weights.load(name, path=path).model.state_dict()
    ours = model.state_dict()
    assert loaded.keys() == ours.keys()
    assert all(torch.equal(loaded[key], ours[key]) for key in ours)


def test_a_missing_tensor_is_told(tmp_path):
    theirs, _ = _their_state("irn-x2")
    theirs.pop("operations.8.H.conv5.bias")
    torch.save(theirs, tmp_path / "IRN.pth")
    with pytest.raises(WeightsError, match=r"h\.convs\.4\.bias"):
        weights.load("irn-x2", path=tmp_path / "IRN.pth")


def test_a_foreign_tensor_is_told(tmp_path):
    torch.save({"backbone.weight": torch.zeros(1)}, tmp_path / "IRN.pth")
    with pytest.raises(WeightsError, match="backbone"):
        weights.load("irn-x2", path=tmp_path / "IRN.pth")


class _Payload:
    def __reduce__(self):
        return (print, ("this must never run",))


def test_code_in_a_checkpoint_never_runs(tmp_path, capsys):
    torch.save({"operations.1.F.conv1.weight": _Payload()}, tmp_path / "IRN.pth")
    with pytest.raises(WeightsError, match="without running code"):
        weights.load("irn-x2", path=tmp_path / "IRN.pth")
    assert "never" not in capsys.readouterr().out

"""Components of a third party: names and where they are, so that listing them imports none of them."""

from __future__ import annotations

from fastdiar.registry import Component, hookimpl

FASTDIAR_HOOK = 1


@hookimpl
def fastdiar_components() -> list[Component]:
    """The plugin's components."""
    return [
        Component("encoder", "conformer", "fastdiar_acme.conformer:Conformer", "torchaudio's Conformer over log-mels"),
        Component(
            "pooling",
            "attentive_statistics",
            "fastdiar_acme.attentive_statistics:AttentiveStatistics",
            "mean and standard deviation over the frames that tell most",
        ),
        Component("loss", "am_softmax", "fastdiar_acme.am_softmax:AmSoftmax", "additive margin on cosines (AM-Softmax)"),
    ]

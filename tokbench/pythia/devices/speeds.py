"""Estimate the times of a model on a device from its datasheet.

A prefill or decoding step takes max(FLOPs / (e F), bytes moved / (e W)), with F and W the peak FLOP/s and bytes/s and
e the efficiency: the share of the peaks that software reaches. e is an assumption; docs/serving.md lists published
shares, 0.38 to 0.76.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from tokbench.errors import TokbenchError
from tokbench.pythia.devices.catalogue import DeviceSpec, choose_number_type, find_device
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.memory import weight_bytes
from tokbench.pythia.model.quantization import Quantization, find_quantization
from tokbench.pythia.model.work import Phase, count_work

Tokens = npt.NDArray[np.int64]
Seconds = npt.NDArray[np.float64]
Limit = Literal["arithmetic", "bandwidth"]

DEFAULT_EFFICIENCY = 0.5
"""Assumed share of the peaks, between the published ones."""

EFFICIENCY_RANGE = (0.3, 0.75)
"""Shares between which estimates are shown as a range."""

USABLE_SHARE = 0.9
"""Share of the memory for weights, cache and logits; the rest is for the driver, activations and fragmentation.

The default of vLLM (`gpu_memory_utilization`).
"""

KV_BYTES = 2
"""Bytes per value in the cache: 16 bits."""


@dataclass(frozen=True)
class DeviceSpeed:
    """Times of a model on a device, estimated from its peak figures.

    efficiency: share of the peak FLOP/s and bytes/s that is reached, above 0 and at most 1.
    assumed: whether nobody named the efficiency; the note then says what others would give.
    """

    device: DeviceSpec
    architecture: Architecture
    quantization: Quantization
    efficiency: float = DEFAULT_EFFICIENCY
    assumed: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.efficiency <= 1:
            raise TokbenchError(f"an efficiency of {self.efficiency}", "use a share of the peak, such as 0.4 or 40%")

    @property
    def basis(self) -> str:
        """Return that these times were estimated."""
        return "estimated"

    @property
    def note(self) -> str:
        """Name the device, its peaks, and the share of them that is assumed."""
        kind = choose_number_type(self.quantization)
        peak = self.device.flops.get(kind)
        rate = f"{peak / 1e12:,.4g} TFLOP/s ({kind})" if peak else "unknown FLOP/s"
        low, high = (f"{self.efficiency / end:.2f} at {end:.0%}" for end in reversed(EFFICIENCY_RANGE))
        others = f"; times by which seconds change: {low}, {high}" if self.assumed else ""
        return (
            f"{self.device.title}, {self.quantization.label}: {self.efficiency:.0%} of {rate} and "
            f"{self.device.bandwidth / 1e9:,.4g} GB/s assumed{others}"
        )

    @property
    def source(self) -> str:
        """Name the device and the efficiency."""
        return f"device/{self.device.name}/{self.efficiency:g}"

    def time(self, phase: Phase, tokens: int, batch: int = 1) -> tuple[float, Limit]:
        """Return the seconds of a prefill or decoding step for the whole batch, and what limits them.

        tokens: the prompt of a prefill, or the context of a step.

        Raises TokbenchError if arithmetic may limit them and the device's FLOP/s are unknown: in all but decoding one
        text.
        """
        work = count_work(
            self.architecture, self.quantization, phase, tokens=tokens, batch=batch, kv_bytes_per_value=KV_BYTES
        )
        moving = work.moved_bytes / (self.efficiency * self.device.bandwidth)
        peak = self.device.flops.get(choose_number_type(self.quantization))
        if peak is None and phase == "decode" and batch == 1:
            return moving, "bandwidth"
        arithmetic = work.flops / (self.efficiency * self.require_flops())
        return (arithmetic, "arithmetic") if arithmetic > moving else (moving, "bandwidth")

    def require_flops(self) -> float:
        """Return the peak FLOP/s for the weights' type; TokbenchError if they are not published."""
        kind = choose_number_type(self.quantization)
        if kind not in self.device.flops:
            message = f"no FLOP/s in {kind} are published for {self.device.title}: only single texts can be decoded"
            raise TokbenchError(message, "choose another device or type; see: tokbench list devices")
        return self.device.flops[kind]

    def prefill_seconds(self, tokens: Tokens) -> Seconds:
        """Return the seconds until the first new token, for each prompt length; no time for no tokens."""
        lengths, inverse = np.unique(tokens, return_inverse=True)
        seconds = [self.time("prefill", int(length))[0] if length > 0 else 0.0 for length in lengths]
        return np.array(seconds, np.float64)[inverse.reshape(-1)]

    def decode_seconds(self, prompts: Tokens, new_tokens: Tokens) -> Seconds:
        """Sum the times of the steps, at contexts S + 1 to S + n - 1 after a prompt of S."""
        ends = prompts + np.maximum(new_tokens - 1, 0)
        first, last = int(prompts.min(initial=0)), int(ends.max(initial=0))
        steps = [self.time("decode", context)[0] for context in range(first + 1, last + 1)]
        running = np.concatenate([[0.0], np.cumsum(steps)])
        return np.where(prompts > 0, running[ends - first] - running[prompts - first], 0.0)

    def find_joules(self, seconds: float) -> float | None:
        """Return the most joules that the device takes in some seconds: at its power limit; None if unknown."""
        return None if self.device.power is None else self.device.power * seconds


def device_speed(
    name: str, architecture: Architecture, quantization: Quantization | str, efficiency: float | None = None
) -> DeviceSpeed:
    """Return the estimated times of a model on a named device, for costs.

    efficiency: share of the peaks that is reached; `DEFAULT_EFFICIENCY` by default.

    Raises TokbenchError for an unknown device or type, for an efficiency that is no share, for a device without
    published FLOP/s in the type, and for weights that do not fit its memory.
    """
    kind = find_quantization(quantization) if isinstance(quantization, str) else quantization
    share = DEFAULT_EFFICIENCY if efficiency is None else efficiency
    speed = DeviceSpeed(find_device(name), architecture, kind, share, assumed=efficiency is None)
    speed.require_flops()
    check_memory(speed)
    return speed


def holds_weights(device: DeviceSpec, architecture: Architecture, quantization: Quantization) -> bool:
    """Return whether the weights fit a device; true if its memory is unknown."""
    return device.memory is None or weight_bytes(architecture, quantization) <= USABLE_SHARE * device.memory


def check_memory(speed: DeviceSpeed) -> None:
    """Raise TokbenchError if the weights do not fit the device, as far as its memory is known."""
    memory, weights = speed.device.memory, weight_bytes(speed.architecture, speed.quantization)
    if memory is None or holds_weights(speed.device, speed.architecture, speed.quantization):
        return
    raise TokbenchError(
        f"{weights / 2**30:,.1f} GiB of weights in {speed.quantization.label} do not fit {speed.device.title}, where "
        f"{USABLE_SHARE * memory / 2**30:,.1f} GiB are usable",
        "choose a smaller type (--quantization) or another device",
    )

"""Devices as data, and what follows for a model: times, largest batch, joules."""

from __future__ import annotations

from tokbench.pythia.devices.capacity import Capacity, find_capacity
from tokbench.pythia.devices.catalogue import DeviceSpec, devices, find_device
from tokbench.pythia.devices.speeds import DEFAULT_EFFICIENCY, DeviceSpeed, device_speed

__all__ = [
    "DEFAULT_EFFICIENCY",
    "Capacity",
    "DeviceSpec",
    "DeviceSpeed",
    "device_speed",
    "devices",
    "find_capacity",
    "find_device",
]

"""Targets: what is judged, how it is installed, started and spoken to (see `conformance.targets.loader`)."""

from conformance.targets.install import environment_folder, install_target, is_installed
from conformance.targets.launch import RunningTarget, start_target
from conformance.targets.loader import load_target, load_target_file, target_names
from conformance.targets.target import PLACEHOLDERS, Install, Probe, Target, Way, ad_hoc_target

__all__ = [
    "PLACEHOLDERS",
    "Install",
    "Probe",
    "RunningTarget",
    "Target",
    "Way",
    "ad_hoc_target",
    "environment_folder",
    "install_target",
    "is_installed",
    "load_target",
    "load_target_file",
    "start_target",
    "target_names",
]

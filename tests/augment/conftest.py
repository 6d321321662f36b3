"""Other libraries' augmentations, imported by the tests that compare with them and not by every worker."""

import importlib
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def tv() -> ModuleType:
    return importlib.import_module("torchvision.transforms.v2.functional")


@pytest.fixture(scope="session")
def kornia() -> ModuleType:
    return importlib.import_module("kornia")

"""Libraries that people use for the same work, made to compute as nearly the same as they let us.

They are for comparison alone and in no extra but `bench`; each is imported where it is measured.
"""

from importlib import metadata
from importlib.util import find_spec

# What a library is called here: the module that is looked for, and the distributions whose versions are reported.
LIBRARIES = {
    "stable-baselines3": ("stable_baselines3", ("stable-baselines3",)),
    "torchrl": ("torchrl", ("torchrl", "tensordict")),
}
NOT_INSTALLED = "not installed"


def installed(side: str) -> bool:
    """Tell whether a side can be measured: a library is here, or it is no library."""
    return side not in LIBRARIES or find_spec(LIBRARIES[side][0]) is not None


def versions() -> dict[str, str]:
    """Return the versions of all that speeds are compared with; "not installed" where one is missing."""
    names = ["numpy", "torchvision", "kornia", *(name for _, parts in LIBRARIES.values() for name in parts)]
    return {name: _version(name) for name in names}


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return NOT_INSTALLED

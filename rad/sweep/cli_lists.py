"""Lists as they are typed, with spaces or commas between the values."""

import itertools
from collections.abc import Sequence

from rad.settings import SettingError

BANDIT = "ucb:"  # commas separate its augmentations


def split(flag: str, words: Sequence[str]) -> list[str]:
    """Return the values in the order typed, each once.

    An augmentation that begins with `ucb:` holds commas itself and has to be a separate word.

    Raises:
        SettingError: a value is empty, or `ucb:` follows a comma.

    Example:
        >>> split("augment", ["none,crop", "crop", "ucb:crop,flip"])
        ['none', 'crop', 'ucb:crop,flip']
    """
    values = [value for word in words for value in ([word] if word.startswith(BANDIT) else word.split(","))]
    if "" in values:
        raise SettingError(flag, f"a value is empty in {' '.join(words)}; allowed: values with a space or , between")
    if any(value.startswith(BANDIT) and value not in words for value in values):
        raise SettingError(flag, f"{BANDIT} holds commas itself; put spaces around it, got {' '.join(words)}")
    return list(dict.fromkeys(values))


def seeds(words: Sequence[str]) -> list[int]:
    """Return the seeds 1 to N for one number N, and several numbers as they are.

    Raises:
        SettingError: a value is no whole number, or N is below 1.

    Example:
        >>> seeds(["3"]), seeds(["3,5", "9"])
        ([1, 2, 3], [3, 5, 9])
    """
    values = split("seeds", words)
    if not all(value.isdecimal() for value in values):
        raise SettingError("seeds", " ".join(words), "one number N, for 1 to N, or several seeds")
    numbers = [int(value) for value in values]
    if len(numbers) > 1 or len(words) > 1:
        return list(dict.fromkeys(numbers))
    if not 1 <= numbers[0] <= 10_000:  # more is a seed given as a number of seeds
        raise SettingError("seeds", f"{numbers[0]}; for one run with a seed: --seed N", "from 1 to 10,000")
    return list(range(1, numbers[0] + 1))


def overrides(words: Sequence[str]) -> dict[str, list[str]]:
    """Return the values of each field; a word without = belongs to the field before it.

    Raises:
        SettingError: there is no field, a field is named twice, or a value is empty.

    Example:
        >>> overrides(["batch_size=64,128", "256", "gamma=0.9"])
        {'batch_size': ['64', '128', '256'], 'gamma': ['0.9']}
    """
    fields: dict[str, list[str]] = {}
    name = ""
    for word in words:
        if "=" in word:
            name, _, word = word.partition("=")
            name = name.removeprefix("--").replace("-", "_")
            if name in fields:
                raise SettingError("sweep", f"{name} stands twice; allowed: once, with all its values")
        if not name:
            raise SettingError("sweep", word, "FIELD=VALUE,VALUE")
        fields.setdefault(name, []).append(word)
    return {name: split("sweep", values) for name, values in fields.items()}


def pairs(augments: Sequence[str]) -> list[str]:
    """Return a+b for all ordered pairs, and a alone in place of a+a; a pair with `none` is the other alone.

    Raises:
        SettingError: there is nothing to pair.

    Source: Laskin et al. 2020 (arXiv 2004.14990), figure 2.

    Example:
        >>> pairs(["crop", "flip"])
        ['crop', 'crop+flip', 'flip+crop', 'flip']
    """
    if not augments:
        raise SettingError("pairs", "needs augmentations to pair: --augment crop flip ..., got none")
    chains = (
        [name for name in dict.fromkeys(pair) if name != "none"] for pair in itertools.product(augments, repeat=2)
    )
    return list(dict.fromkeys("+".join(chain) or "none" for chain in chains))

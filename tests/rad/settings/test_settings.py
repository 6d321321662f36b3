import pickle

import pytest

from rad.settings import SettingError, flag_name, mention, setting


@pytest.mark.parametrize(
    ("error", "text", "on_the_terminal"),
    [
        (SettingError("batch_size", 0, "at least 1"), "batch_size: must be at least 1, got 0", "--batch-size: must be"),
        (SettingError("RUN_A", "x is no run"), "RUN_A: x is no run", "RUN_A: x is no run"),
        (
            SettingError("a", mention("needs {clip_value}") + ", got {gamma} {}"),
            "a: needs clip_value, got {gamma} {}",
            "--a: needs --clip-value, got {gamma} {}",
        ),
    ],
)
def test_the_names_of_settings_are_written_as_flags_on_the_terminal_only(
    error: SettingError, text: str, on_the_terminal: str
) -> None:
    assert str(error) == text and error.say(flag_name).startswith(on_the_terminal)
    assert str(pickle.loads(pickle.dumps(error))) == text  # as from a worker process


def raised(error: Exception, *names: str) -> str:
    with pytest.raises(SettingError) as caught, setting("test_split", *names):
        raise error
    return str(caught.value)


def test_an_error_from_below_gets_the_field_that_is_set() -> None:
    assert raised(ValueError("no such split")) == "test_split: no such split"
    assert raised(SettingError("camera_id", 9, "0")) == "camera_id: must be 0, got 9"
    assert raised(SettingError("split", "none", "one"), "split") == "test_split: must be one, got none"
    with pytest.raises(OSError), setting("test_split"):
        raise OSError

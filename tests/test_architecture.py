"""Who may import whom, and what no source file may hold: tables of rules, and a walk over the source."""

import ast
import graphlib
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# A room may import itself and what stands beside it. The longest name that fits a module is its room.
FOR_ALL = "rad.__version__ rad.settings"  # for any room but augment and encoders
ROOMS = {
    "augment": "",
    "encoders": "",
    "rad.settings": "",
    "rad.types": "",
    "rad.losses": "rad.types",
    "rad.heads": "",
    "rad.buffers": "rad.types",
    "rad.envs": "rad.types",
    "rad.runtime": "rad.types",
    "rad.agents": "augment encoders rad.heads rad.losses rad.types",
    "rad.loops": "rad.buffers rad.types",
    "rad.actors": "rad.loops rad.types",
    # Above: the learner. Below: what is done with it.
    "rad.report": "",
    "rad.report.read": (
        "rad.envs.suites rad.runtime.files rad.runtime.metrics_file rad.runtime.migrate rad.runtime.run_dir"
    ),
    "rad.report.stats": "rad.envs.suites rad.report.read",
    "rad.report.draw": "rad.report.read rad.report.stats",
    "rad.report.page": "rad.report.draw rad.report.read rad.report.stats rad.runtime.run_dir",
    "rad.report.compare_runs": "rad.report.draw rad.report.read rad.report.stats",
    "rad.experiment": "augment encoders rad.actors rad.agents rad.buffers rad.envs rad.loops rad.runtime",
    "rad.evaluation": "rad.envs rad.experiment rad.report.draw rad.report.read rad.report.stats rad.runtime",
    "rad.attention": (
        "encoders rad.agents rad.evaluation rad.experiment rad.report.draw rad.report.read rad.report.stats rad.runtime"
    ),
    "rad.training": "rad.attention rad.envs rad.evaluation rad.experiment rad.report.draw rad.runtime",
    "rad.sweep": "rad.experiment rad.report.draw rad.report.read rad.runtime rad.training",
    "rad.doctor": "rad.envs rad.runtime",
    "rad.commands": (
        "rad.attention rad.doctor rad.evaluation rad.experiment rad.report.compare_runs rad.report.draw "
        "rad.report.page rad.report.read rad.runtime rad.sweep rad.training"
    ),
    "rad.commands.bench": "rad.commands.flags scripts.bench",
    "rad.cli": "rad.commands rad.runtime.plugins rad.runtime.processes",
    "scripts": "rad.cli",
    "scripts.notebook_page": "",
    "scripts.gallery": "augment rad.agents rad.envs rad.report.draw",
    "scripts.bench": (
        "augment rad.agents rad.attention rad.buffers rad.envs rad.experiment rad.report.draw rad.runtime rad.training"
    ),
}
TOP_MODULES = 4  # at most, in rad/ itself
FOLDER_MODULES = 12  # at most, beside __init__.py and folders
LISTS = {"rad/commands": 20}  # of folders that are lists: a module for each command, found by its name
ARROWS = 73  # at most: pairs of rooms of which one imports the other; what is inside one of these counts as it
WHOLE = "rad.report rad.commands scripts"
# Packages from outside that a room is held to. Rooms that are not listed are free but for HOMES.
OUTSIDE = {
    "augment": "torch torchvision kornia numpy cv2",
    "encoders": "torch",
    "rad.settings": "",
    "rad.types": "torch",
    "rad.losses": "torch",
    "rad.heads": "torch",
    "rad.report.read": "",
    "rad.report.stats": "numpy",
    "rad.report.draw": "matplotlib numpy",
    "rad.report.page": "jinja2",
    "rad.report.compare_runs": "",
}
# Heavy packages and where alone they may be imported.
HOMES = {
    "dm_control": "rad.envs",
    "mujoco": "rad.envs",
    "procgen": "rad.envs",
    "gym3": "rad.envs",
    # Its VectorEnv and Box are the contract between environments and those that step them.
    "gymnasium": "rad.actors rad.envs rad.experiment rad.loops rad.evaluation rad.training",
    "matplotlib": "rad.report.draw rad.attention.draw",
    "torchvision": "augment",
    "kornia": "augment",
    "cv2": "rad.envs augment.overlay",
    "av": "rad.runtime.video",
    "psutil": "rad.runtime",
    "minari": "rad.evaluation.minari_files",
    "h5py": "rad.evaluation.minari_files",
    "safetensors": "rad.evaluation.agent_file",
    "torch.utils.tensorboard": "rad.runtime.logging",
    "tensorboard": "rad.runtime.logging",
    "wandb": "rad.runtime.logging",
    "ray": "rad.experiment.cluster rad.sweep.engines",
    "tyro": "rad.commands scripts.bench",
}
# They measure or examine packages, wherever those are at home.
MEASURING = {"scripts.bench", "rad.doctor"}
UNSAFE_MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "shelve", "marshal", "joblib"}
UNSAFE_CALLS = {"eval", "exec", "yaml.load", "yaml.unsafe_load", "yaml.full_load"}
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}
# The modules with one division by 255 each: the conversion of images; Overlay, whose stored distractors are bytes; and
# the camera that weighs the bytes of a picture by those of a mask.
DIVISIONS = ["augment.overlay", "rad.envs.dmc.cameras", "rad.types"]


# Where alone it may be asked which algorithm or suite something is of, and what would ask it.
TABLES = "rad.experiment.algorithms rad.envs.suites"
KINDS = ["SACRun", "PPORun", "SACConfig", "PPOConfig", "SACAgent", "PPOAgent", "ProcgenOptions"]
KINDS += ["OffPolicyRun", "OffPolicyConfig", "OnPolicyRun", "OnPolicyConfig"]
KINDS += ["IMPALARun", "IMPALAConfig", "IMPALAAgent"]
NAMES = ["sac", "ppo", "impala", "dmc", "gym", "probe", "procgen"]


PACKAGES = ("rad", "encoders", "augment", "scripts")


def module_name(path: Path) -> str:
    """Give rad/envs/dmc/task.py as rad.envs.dmc.task and rad/envs/__init__.py as rad.envs."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): path for package in PACKAGES for path in (ROOT / package).rglob("*.py")}


def lies_in(name: str, rooms: str) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms.split())


def room_of(module: str) -> str | None:
    fitting = [room for room in ROOMS if lies_in(module, room)]
    return max(fitting, key=len, default=None)


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield every imported name in full, at any depth: `from a import b` and import_module("a.b") give a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (node.module or "")
            yield from (f"{start}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] in ("import_module", "__import__"):
            yield from (arg.value for arg in node.args if isinstance(arg, ast.Constant))


def dotted(node: ast.AST) -> str:
    """Write a.b.c as text; anything else is a question mark."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else "?"


def import_faults(module: str, tree: ast.AST) -> Iterator[str]:
    room = room_of(module)
    if room is None:
        yield f"{module} is in no room; add it to ROOMS"
        return
    for name in imported(tree):
        top = name.split(".")[0]
        if name.startswith("."):
            yield f"{module} imports {name}: write imports in full"
        elif top in ("rad", "encoders", "augment", "scripts", "tests"):
            references = "tests.reference" if room == "scripts.bench" else ""  # times the slow versions too
            for_all = "" if room in ("augment", "encoders") else FOR_ALL
            if not lies_in(name, f"{room} {ROOMS[room]} {for_all} {references}"):
                yield f"{module} imports {name}; {room} may import {ROOMS[room] or 'itself only'}"
        elif top not in sys.stdlib_module_names:
            yield from outside_faults(module, room, name)
        elif top in UNSAFE_MODULES:
            yield f"{module} imports {top}: nothing is pickled here"


def outside_faults(module: str, room: str, name: str) -> Iterator[str]:
    if name.split(".")[0] in UNSAFE_MODULES:
        yield f"{module} imports {name}: nothing is pickled here"
    if room in OUTSIDE and not lies_in(name, OUTSIDE[room]):
        yield f"{module} imports {name}; {room} may import {OUTSIDE[room]}"
    for package, homes in HOMES.items():
        if room not in MEASURING and lies_in(name, package) and not lies_in(module, homes):
            yield f"{module} imports {name}; {package} is imported in {homes} only"


def circle(rooms: Mapping[str, str]) -> list[str]:
    """Return the rooms of one circle, each may import the next; empty where there is none."""

    def entered(name: str) -> set[str]:
        inner = {room for room in rooms if lies_in(room, name)}
        return inner or {max((room for room in rooms if lies_in(name, room)), key=len)}

    doors = {room: {to for name in row.split() for to in entered(name)} - {room} for room, row in rooms.items()}
    try:
        graphlib.TopologicalSorter(doors).prepare()
    except graphlib.CycleError as error:
        return list(reversed(error.args[1]))
    return []


def arrows(trees: Mapping[str, ast.AST]) -> set[tuple[str, str]]:
    """Return which room imports which, of all modules."""

    def whole(room: str | None) -> str | None:
        return next((name for name in WHOLE.split() if lies_in(room or "", name)), room)

    imports = {(module, name) for module, tree in trees.items() for name in imported(tree)}
    pairs = {(whole(room_of(module)), whole(room_of(name))) for module, name in imports}
    return {(room, other) for room, other in pairs if room and other and room != other}


def crowded(paths: Iterable[str]) -> list[str]:
    """Name the folders of rad/ that hold too many modules."""
    folders = Counter(path.rpartition("/")[0] for path in paths if not path.endswith("/__init__.py"))
    return [
        f"{folder}/ holds {count} modules; allowed: {allowed}"
        for folder, count in sorted(folders.items())
        if folder.split("/")[0] == "rad"
        and count > (allowed := TOP_MODULES if folder == "rad" else LISTS.get(folder, FOLDER_MODULES))
    ]


def call_faults(module: str, tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name, words = dotted(node.func), {word.arg: word.value for word in node.keywords}
            if name in UNSAFE_CALLS:
                yield f"{module} line {node.lineno} calls {name}"
            if name == "torch.load" and not is_true(words.get("weights_only")):
                yield f"{module} line {node.lineno} calls torch.load without weights_only=True"
            if "allow_pickle" in words and is_true(words["allow_pickle"]):
                yield f"{module} line {node.lineno} allows pickles"
        elif isinstance(node, ast.Assert):
            yield f"{module} line {node.lineno} asserts; raise an error that says what is allowed"


def is_true(node: ast.AST | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def divisions_by_255(tree: ast.AST) -> list[ast.AST]:
    """Find x / 255, x /= 255, x.div(255), x.div_(255), divide(x, 255) and x * (1 / 255)."""
    return [node for node in ast.walk(tree) if divides_by_255(node)]


def divides_by_255(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div | ast.FloorDiv):
        return is_255(node.right if isinstance(node, ast.BinOp) else node.value)
    if isinstance(node, ast.Call) and "div" in dotted(node.func).split(".")[-1]:
        return any(is_255(arg) for arg in node.args)
    return False


def branches(tree: ast.AST) -> Iterator[str]:
    """Yield what asks which algorithm or suite something is of: by its class, or by its name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func) in ("isinstance", "issubclass") and mentions(node, KINDS):
            yield f"line {node.lineno} asks for a class"
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr) and mentions(node, KINDS):
            yield f"line {node.lineno} unites classes"
        elif isinstance(node, ast.Compare) and any(map(is_name, [node.left, *node.comparators])):
            yield f"line {node.lineno} compares with a name"
        elif isinstance(node, ast.MatchValue) and is_name(node.value):
            yield f"line {node.value.lineno} matches a name"
        elif isinstance(node, ast.MatchClass) and mentions(node, KINDS):
            yield f"line {node.lineno} matches a class"
        elif isinstance(node, ast.Call) and dotted(node.func).endswith(".startswith") and any(map(is_name, node.args)):
            yield f"line {node.lineno} compares the start of a name"


def mentions(node: ast.AST, names: Iterable[str]) -> bool:
    return any(dotted(child).split(".")[-1] in names for child in ast.walk(node))


def is_name(node: ast.AST) -> bool:
    """Tell whether a value is the name of an algorithm or suite, or a collection that has one; "dmc/" is one too."""
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return any(map(is_name, node.elts))
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.partition("/")[0] in NAMES


def is_255(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and not isinstance(node.value, str) and node.value == 255


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.AST]:
    return {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in SOURCES.items()}


def test_imports_point_downward_and_heavy_packages_stay_at_home(trees):
    faults = [fault for module, tree in trees.items() if module != "rad" for fault in import_faults(module, tree)]
    assert not faults, "\n".join(faults)


def test_rooms_form_no_circle():
    assert not circle(ROOMS)


def test_no_room_may_import_everything():
    assert not [room for room, row in ROOMS.items() if "rad" in row.split()]


def test_no_folder_of_rad_is_crowded():
    assert not crowded(path.relative_to(ROOT).as_posix() for path in SOURCES.values())


def test_the_picture_of_the_imports_stays_clear(trees):
    pairs = sorted(arrows(trees))
    assert len(pairs) <= ARROWS, "\n".join(f"{room} -> {other}" for room, other in pairs)


def test_arrows_are_counted_once_between_rooms():
    lines = {"rad.report.page.sections": "import rad.report.draw.tables, torch, rad.envs.suites, rad.envs.dmc.task"}
    assert arrows({module: ast.parse(line) for module, line in lines.items()}) == {("rad.report", "rad.envs")}


def test_a_circle_is_found():
    assert set(circle(ROOMS | {"rad.envs": "rad.cli"})) >= {"rad.envs", "rad.cli"}
    assert circle({"a": "b.c", "b": "a", "b.c": "d", "d": ""}) == []
    assert set(circle({"a": "b", "b": "", "b.c": "d.module", "d": "a"})) == {"a", "b.c", "d"}


def test_a_crowded_folder_is_found():
    top = [f"rad/{name}.py" for name in "abcde"]
    inner = [f"rad/envs/module_{number}.py" for number in range(13)]
    assert not crowded([*top[1:], *inner[1:], "rad/__init__.py", "rad/envs/__init__.py", *(f"x{name}" for name in top)])
    assert crowded([*top, *inner]) == [
        "rad/ holds 5 modules; allowed: 4",
        "rad/envs/ holds 13 modules; allowed: 12",
    ]


def test_importing_rad_imports_nothing_else(trees):
    """What it loads, it imports in a function; names of types do not count."""
    top = [node for node in trees["rad"].body if not isinstance(node, ast.FunctionDef)]
    types = [node for node in top if isinstance(node, ast.If) and dotted(node.test) == "TYPE_CHECKING"]
    left = ast.Module([node for node in top if node not in types], [])
    assert list(imported(left)) == ["typing.TYPE_CHECKING"]


def test_nothing_unsafe_is_called(trees):
    faults = [fault for module, tree in trees.items() for fault in call_faults(module, tree)]
    assert not faults, "\n".join(faults)


def test_images_are_divided_by_255_in_one_place(trees):
    checked = {name: tree for name, tree in trees.items() if not lies_in(name, "scripts.bench")}  # it feeds plain code
    found = [module for module, tree in checked.items() for _ in divisions_by_255(tree)]
    assert sorted(found) == DIVISIONS


def test_algorithms_and_suites_are_told_apart_in_their_tables(trees):
    asking = {module: list(branches(tree)) for module, tree in trees.items() if not lies_in(module, TABLES)}
    assert not [f"{module} {what}" for module, found in asking.items() for what in found]


def test_the_rule_of_the_tables_holds_for_all_that_is_in_them():
    from rad.envs.suites import SUITES
    from rad.experiment.algorithms import ALGORITHMS

    kinds = {kind.__name__ for one in ALGORITHMS.values() for kind in (one.run, type(one.run().agent))}
    options = {suite.options.__name__ for suite in SUITES.values()} - {"SuiteOptions"}
    assert kinds | options <= set(KINDS) and {*ALGORITHMS, *SUITES} == set(NAMES)


@pytest.mark.parametrize(
    "line",
    [
        "isinstance(config, PPORun)",
        "isinstance(run.agent, (int, rad.agents.sac.SACAgent))",
        "agent: SACAgent | PPOAgent",
        "suite == 'dmc'",
        "'procgen' != suite_of(task)",
        "suite in ('dmc', 'procgen')",
        "task.startswith('procgen/')",
        "match suite:\n    case 'dmc':\n        pass",
        "match config:\n    case PPORun():\n        pass",
    ],
)
def test_a_branch_on_a_kind_is_found(line):
    assert len(list(branches(ast.parse(line)))) == 1


@pytest.mark.parametrize(
    "line", ["isinstance(space, Discrete)", "name == 'crop'", "SUITES['dmc']", "config.algo == algo", "SACRun()"]
)
def test_what_is_no_branch_on_a_kind_is_not_found(line):
    assert not list(branches(ast.parse(line)))


def test_no_file_has_a_name_that_says_nothing():
    paths = [*SOURCES.values(), *(ROOT / "tests").rglob("*.py")]
    vague = [path for path in paths if VAGUE_NAMES & {path.stem, path.stem.removeprefix("test_"), path.parent.name}]
    assert not vague


def test_the_tables_name_what_exists():
    """A rule for a room that is gone would be dead."""
    assert set(ROOMS) == {room_of(module) for module in SOURCES} - {None}
    named = {room for allowed in ROOMS.values() for room in allowed.split()} | set(OUTSIDE)
    assert all(any(lies_in(module, room) for module in SOURCES) for room in named)


@pytest.mark.parametrize(
    ("module", "line", "fault"),
    [
        ("augment.color", "import rad.types", "augment may import itself only"),
        ("augment.color", "from encoders import base", "augment may import itself only"),
        ("encoders.base", "from rad.settings import SettingError", "encoders may import itself only"),
        ("rad.settings", "import torch", "rad.settings may import"),
        ("encoders.pixel", "import torchvision", "encoders may import torch"),
        ("rad.types", "from rad.losses import sac", "rad.types may import itself only"),
        ("rad.losses.sac", "def f():\n    from rad.heads.sac import Actor", "rad.losses may import rad.types"),
        ("rad.envs.dmc.task", "from rad.runtime import seeding", "rad.envs may import rad.types"),
        ("rad.envs.dmc.task", "from rad import runtime", "rad.envs may import rad.types"),
        ("rad.report.draw.curves", "import torch.nn", "rad.report.draw may import matplotlib"),
        ("rad.agents.sac", "import matplotlib.pyplot", "rad.attention.draw only"),
        ("rad.training.trainer", "from dm_control import suite", "rad.envs only"),
        ("rad.training.trainer", "import importlib\nimportlib.import_module('mujoco')", "rad.envs only"),
        ("rad.loops", "from torch.utils.tensorboard import SummaryWriter", "rad.runtime.logging only"),
        ("rad.loops", "from torch.utils import tensorboard", "rad.runtime.logging only"),
        ("rad.runtime.checkpoint", "import pickle", "nothing is pickled"),
        ("rad.runtime.checkpoint", "from joblib import dump", "nothing is pickled"),
        ("rad.loops", "from . import types", "write imports in full"),
        ("rad.evaluation.play", "from rad.cli import main", "rad.evaluation may import rad.envs"),
        ("rad.report.stats.scores", "import rad.report.draw.style", "rad.report.stats may import rad.envs.suites"),
        ("scripts.bench.sac", "from tests.rad import scripted", "scripts.bench may import augment"),
        ("rad.commands.train", "import scripts.bench", "rad.commands may import rad.attention"),
        ("rad.newroom", "", "in no room"),
        ("scripts.train", "import rad.training.trainer", "scripts may import rad.cli"),
        ("rad.training.trainer", "from tests.reference import sac", "rad.training may import"),
    ],
)
def test_a_forbidden_import_is_found(module, line, fault):
    faults = list(import_faults(module, ast.parse(line)))
    assert any(fault in found for found in faults), faults


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("augment.color", "import augment.base\nfrom augment import base\nimport math, torch"),
        ("rad.types", "from rad.settings import SettingError"),
        ("rad.agents.sac", "import augment, encoders\nfrom rad.types import Transition"),
        ("rad.runtime.device", "from rad import __version__\nimport psutil"),
        ("scripts.bench.sac", "import importlib\nimportlib.import_module('tests.reference.sac_eager')\nimport kornia"),
        ("rad.envs.dmc.task", "def f():\n    import mujoco"),
    ],
)
def test_an_allowed_import_is_no_fault(module, line):
    assert not list(import_faults(module, ast.parse(line)))


@pytest.mark.parametrize(
    "line",
    [
        "eval('1')",
        "yaml.load(file)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "np.load(path, allow_pickle=True)",
        "assert x > 0",
    ],
)
def test_an_unsafe_line_is_found(line):
    assert len(list(call_faults("rad.training.trainer", ast.parse(line)))) == 1


@pytest.mark.parametrize(
    "line", ["torch.load(path, weights_only=True)", "model.eval()", "np.load(p, allow_pickle=False)"]
)
def test_a_safe_line_is_no_fault(line):
    assert not list(call_faults("rad.training.trainer", ast.parse(line)))


@pytest.mark.parametrize(
    "line",
    ["x / 255", "x / 255.0", "x /= 255", "x.div_(255.0)", "torch.div(x, 255)", "x * (1 / 255)", "np.divide(x, 255)"],
)
def test_a_division_by_255_is_found(line):
    assert len(divisions_by_255(ast.parse(f"def f(x):\n    {line}"))) == 1


@pytest.mark.parametrize("line", ["x * 255", "x / 256", "Box(0, 255)", "x.clamp_(0, 255)"])
def test_other_uses_of_255_are_no_divisions(line):
    assert not divisions_by_255(ast.parse(line))

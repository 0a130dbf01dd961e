"""What docs/architecture.md decides about classes: abstract or final, and no method known by name."""

import ast
from pathlib import Path

import pytest

from unshrink.files.header import CARRIERS as HEADERS
from unshrink.models import payloads, registry
from unshrink.models.placed import Placed
from unshrink.models.rescaler import Rescaler
from unshrink.rescale import carriers, coded

SOURCE = Path(__file__).parents[2] / "src" / "unshrink"
INTERFACES = (Rescaler, Placed, payloads.PayloadKind, carriers.Carrier)
HOOKS = {"draw", "penalty"}
"""Methods with a neutral answer that one network or another gives another one."""
METHODS = {kind.__name__ for kind in registry.CLASSES.values()} - {"StreamNet"}  # no rescaler, and not chosen by method
TABLE = SOURCE / "train" / "methods.py"
"""What training does for one method alone: the one place outside models/ that knows them."""
BUILDERS = {"grow.py", "adapt.py", "directions.py"}
"""What that table refers to."""


def _below(kind):
    for child in kind.__subclasses__():
        yield child
        yield from _below(child)


def _written(kind):
    """Names that a class gives a body to, abstract ones left out."""
    return {
        name
        for name, value in vars(kind).items()
        if (callable(value) or isinstance(value, property | classmethod))
        and not getattr(value, "__isabstractmethod__", False)
        and not name.startswith("__")
    }


@pytest.mark.parametrize("interface", INTERFACES)
def test_no_written_method_is_written_again(interface):
    for kind in (interface, *_below(interface)):
        for parent in kind.__mro__[1:]:
            if issubclass(parent, interface):
                assert _written(kind) & _written(parent) <= HOOKS, f"{kind.__name__} writes again what is written"


@pytest.mark.parametrize("name", registry.rescalers())
def test_a_network_is_no_subclass_of_another(name):
    kind = registry.CLASSES[type(registry.get(name).settings)]
    assert not [child for child in _below(kind) if child in registry.CLASSES.values()]


def _names_in_checks(tree):
    """What `isinstance` and comparisons with a type ask for."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and "type" in {_called(side) for side in (node.left, *node.comparators)}:
            yield from (part.id for part in ast.walk(node) if isinstance(part, ast.Name))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"isinstance", "issubclass"}:
            yield from (part.id for part in ast.walk(node.args[1]) if isinstance(part, ast.Name))


def _called(node):
    return getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""


def _outside_models():
    return [path for path in SOURCE.rglob("*.py") if SOURCE / "models" not in path.parents]


def test_nobody_outside_asks_which_method_a_network_is_of():
    asked = [(path.name, name) for path in _outside_models() for name in _names_in_checks(_tree(path))]
    assert not [(place, name) for place, name in asked if name in METHODS]


def _imported(path):
    froms = (node for node in ast.walk(_tree(path)) if isinstance(node, ast.ImportFrom))
    return {alias.name for node in froms for alias in node.names}


def test_only_the_table_of_training_imports_methods():
    places = {path for path in _outside_models() if _imported(path) & METHODS}
    assert places - {TABLE} <= {TABLE.parent / name for name in BUILDERS}


def test_no_network_is_asked_what_it_has():
    places = [path for room in ("models", "nn", "rescale", "train") for path in (SOURCE / room).rglob("*.py")]
    asked = [
        path.name
        for path in places
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "hasattr" and path.name != "sources.py"
    ]
    assert not asked


def _dropped(function):
    """Parameters of a function that it deletes before it has read them."""
    names = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
    used = [node for node in ast.walk(function) if isinstance(node, ast.Name) and node.id in names]
    first = {name: min((node for node in used if node.id == name), key=_place, default=None) for name in names}
    return [name for name, node in first.items() if node is not None and isinstance(node.ctx, ast.Del)]


def _place(node):
    return node.lineno, node.col_offset


def test_no_network_is_given_what_it_does_not_need():
    for path in (SOURCE / "models").rglob("*.py"):
        functions = [node for node in ast.walk(_tree(path)) if isinstance(node, ast.FunctionDef)]
        assert not [(path.name, function.name) for function in functions if _dropped(function)]


def test_the_tables_hold_every_kind_and_every_carrier():
    assert set(payloads.KINDS.values()) == set(payloads.PayloadKind.__subclasses__())
    assert set(carriers.CARRIERS.values()) == set(carriers.Carrier.__subclasses__())
    assert {"none", coded.PIXELS, *carriers.CARRIERS} == set(HEADERS)
    assert {registry.get(name).payload for name in registry.names()} <= {"none", *payloads.KINDS, *coded.CODERS}
    assert set(map(type, coded.CODERS.values())) == set(coded.Coder.__subclasses__())
    sections = [kind.section for kind in payloads.KINDS.values()]
    assert len(sections) == len(set(sections))


def _tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))

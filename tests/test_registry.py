import importlib.metadata
import shutil
import subprocess
import sys
from inspect import signature
from pathlib import Path

import pytest

import zoo.models
from zoo import ZooError, registry
from zoo.entry import ENTRIES, registered
from zoo.layout import Conv, Dense, Flatten, GlobalPool
from zoo.runs.folder import started_run
from zoo.training.train import resume, train

FAR = "There is no model 'qqqq'. `zoo list` shows all"


def rows():
    return [Conv(4, 3), Flatten(), Dense(2)]


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_looking_models_up_imports_no_framework():
    code = """
import sys, zoo, zoo.models
zoo.info(zoo.list_models()[0]), zoo.models.vgg16, zoo.trace([zoo.Conv(4, 3)], (8, 8, 1))
print([name for name in ("keras", "tensorflow", "numpy") if name in sys.modules])
"""
    assert python(code) == "[]"


def test_a_family_file_does_not_hide_the_builder_of_its_name():
    code = "from zoo.models import alexnet; import zoo.families.alexnet; print(alexnet.__name__, callable(alexnet))"
    assert python(code) == "alexnet True"
    assert python("import zoo; zoo.info('alexnet'); from zoo.models import alexnet; print(callable(alexnet))") == "True"


NEW_NET = """
from zoo.entry import Paper, register
from zoo.layout import Conv, Dense, GlobalPool

@register(paper=Paper("A Net", "Somebody", 1999, "Somewhere"), input_shape=(8, 8, 1), classes=3, summary="A new net",
          paper_recipe={"optimizer": "sgd", "initialization": "gaussian"})
def new_net(classes=3):
    return [Conv(4, 3), GlobalPool(), Dense(classes)]
"""
USED = """
import zoo
from zoo.models import new_net
from zoo.recipes.defaults import recipe_for
from zoo.cli import main
assert zoo.list_models("new*") == ["new_net"] and zoo.info("new_net").params == 55
assert recipe_for(zoo.registry.entry("new_net"), named="paper").initialization == "gaussian"
main(["list", "new_net"])
"""


def test_a_new_net_is_one_file_and_no_other_change(tmp_path):
    shutil.copytree(Path(zoo.__file__).parent, tmp_path / "zoo", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "zoo" / "families" / "somebodys.py").write_text(NEW_NET)
    told = subprocess.run([sys.executable, "-c", USED], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "A new net" in told.stdout


PUBLISHED = {
    "params", "trainable_params", "encoder_params", "macs", "receptive_field", "output_size", "mnist_error",
    "cifar10_error", "imagenet_top1_error", "imagenet_top5_error", "voc2011_mean_iu", "voc2012_mean_iu",
}


@pytest.mark.parametrize("name", zoo.list_models())
def test_an_entry_tells_what_a_reader_of_the_list_needs(name):
    entry = registry.entry(name)
    assert entry.name == name and entry.family in {e.family for e in registry.entries().values()}
    assert 1950 < entry.year < 2100 and entry.year <= entry.paper.year
    assert entry.summary and not entry.summary.endswith(".")
    assert len(entry.input_shape) == 3 and entry.classes > 1
    assert all(figure.source for figure in entry.published.values()) and set(entry.published) <= PUBLISHED
    assert entry.margin * 2 < min(entry.input_shape[:2])


@pytest.mark.parametrize("name", zoo.list_models())
def test_every_name_is_a_builder_with_the_arguments_of_create(name):
    builder = getattr(zoo.models, name)
    assert builder.__name__ == name and registry.entry(name).summary in builder.__doc__
    assert list(signature(builder).parameters) == list(signature(zoo.create).parameters)[1:]


def test_list_models_by_pattern_and_year():
    assert zoo.list_models("vgg1[13]", "vgg19*") == ["vgg11", "vgg13", "vgg19", "vgg19_bn"]
    years = [registry.entry(name).year for name in zoo.list_models()]
    assert years == sorted(years)
    assert zoo.list_models("qqqq*") == []


def test_an_alias_is_its_model():
    assert registry.entry("lenet") is registry.entry("lenet5")
    assert "lenet" not in zoo.list_models() and zoo.info("lenet").name == "lenet5"


@pytest.mark.parametrize("name, suggestion", [("VGG-16", "vgg16"), ("alexnet_o", "alexnet_owt"), ("lenet_5", "lenet5")])
def test_an_unknown_name_suggests_near_ones(name, suggestion):
    with pytest.raises(ZooError, match=f"There is no model '{name}'. Did you mean .*{suggestion}"):
        zoo.info(name)


def test_a_name_near_to_none_suggests_none():
    with pytest.raises(ZooError, match=FAR):
        zoo.create("qqqq")
    with pytest.raises(AttributeError, match="zoo.models has no 'qqqq'"):
        zoo.models.qqqq


# -------------------------------------------------------------------------------------------- a user's own


def test_a_bare_function_is_registered_under_its_name(own_registry):
    @zoo.register
    def own():
        return [Conv(4, 3), Flatten(), Dense(2)]

    assert own()[0] == Conv(4, 3), "the function is returned as it was"
    assert zoo.info("own", (8, 8, 3)).params == 4 * 28 + 2 * 257
    assert registry.entry("own").family == "test_registry"
    with pytest.raises(ZooError, match=r"own has no input size of its own; give input_shape=\(height, "):
        zoo.info("own")


def test_options_of_the_function_are_options_of_the_model(own_registry):
    @zoo.register(name="own_net", aliases=("mine",), year=1066, input_shape=(8, 8, 3), classes=7, summary="Own")
    def own(classes=10, depth=1):
        return [[Conv(4, 3)] * depth, GlobalPool(), Dense(classes)]

    assert zoo.list_models()[0] == "own_net" and "own" not in zoo.list_models()
    assert zoo.info("mine").output_shape == (7,)
    assert zoo.info("mine", classes=3, depth=2).params == 4 * 28 + 4 * 37 + 3 * 5
    with pytest.raises(ZooError, match="own_net takes no option 'dept'. Did you mean depth"):
        zoo.info("mine", dept=2)

    from zoo.models import own_net

    assert own_net(depth=3, width=2).count_params() == 8 * 28 + 2 * 8 * 73 + 7 * 9


@pytest.mark.parametrize(
    "option, sentence",
    [
        (dict(aux="no"), "aux must be True or False; got 'no'."),
        (dict(aux=1), "aux must be True or False; got 1."),
        (dict(depth="2"), "depth must be a whole number; got '2'."),
        (dict(depth=2.0), "depth must be a whole number; got 2.0."),
        (dict(share=None), "share must be a number; got None."),
        (dict(share=True), "share must be a number; got True."),
    ],
)
def test_an_option_must_be_of_its_defaults_kind(option, sentence, own_registry):
    @zoo.register(input_shape=(8, 8, 3))
    def own(aux=False, depth=-1, share=0.5, other=None):
        return [Conv(4, 3), Flatten(), Dense(2)]

    with pytest.raises(ZooError) as error:
        zoo.info("own", **option)
    assert str(error.value) == sentence
    assert zoo.info("own", aux=True, depth=3, share=1, other="anything").params == zoo.info("own").params


@pytest.mark.parametrize("name, option", [("efficientnet_b0", dict(drop_path="x")), ("googlenet", dict(aux="yes"))])
def test_the_options_of_the_papers_nets_are_checked(name, option):
    with pytest.raises(ZooError, match=f"^{[*option][0]} must be "):
        zoo.info(name, **option)


def test_a_name_or_alias_that_is_taken_is_refused(own_registry):
    refused = "is registered already; pass replace=True to put yours in its place"
    for name, aliases in [("vgg16", ()), ("lenet", ()), ("own", ("vgg16",)), ("own", ("lenet",))]:
        with pytest.raises(ZooError, match=refused):
            zoo.register(rows, name=name, aliases=aliases)
    assert "own" not in zoo.list_models() and zoo.info("vgg16").params == 138_357_544


@pytest.mark.parametrize("name", ["vgg16", "lenet"])
def test_replace_puts_a_model_in_a_name_or_alias_place(own_registry, name):
    zoo.register(rows, name=name, replace=True)
    assert registry.entry(name).function is rows
    assert registered()[name].function is rows


def test_a_duplicate_is_refused_before_anything_else_is_looked_up():
    code = """
import zoo
try:
    zoo.register(lambda: [zoo.Conv(4, 3)], name="vgg16")
except zoo.ZooError as error:
    print(error)
print(zoo.info("vgg16").params)
"""
    assert python(code).splitlines()[0].startswith("A model named 'vgg16' is registered already")
    assert python(code).splitlines()[1] == "138357544"


def test_packages_register_through_the_entry_point(own_registry, monkeypatch):
    class Point:
        def load(self):
            zoo.register(rows, name="from_elsewhere")

    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [Point()] if group == "zoo.models" else [])
    registry._load_plugins.cache_clear()
    assert "from_elsewhere" in zoo.list_models()
    registry._load_plugins.cache_clear()
    del ENTRIES["from_elsewhere"]
    assert zoo.info("from_elsewhere", (8, 8, 3)).name == "from_elsewhere"


def test_a_layout_in_a_file_of_the_users_own(tmp_path):
    path = tmp_path / "my_layout.py"
    path.write_text("from zoo import *\ntiny = [Conv(4, 3), Flatten(), Dense(2)]\ndef small(depth=1): return tiny\n")
    assert zoo.info(f"{path}:tiny", (8, 8, 3)).params == 4 * 28 + 2 * 257
    assert zoo.info(f"{path}:small", (8, 8, 3), depth=1).name == "small"
    with pytest.raises(ZooError, match="my_layout.py defines no 'tinny'. Did you mean tiny"):
        zoo.info(f"{path}:tinny")
    with pytest.raises(ZooError, match="There is no file .*nowhere.py"):
        zoo.info("nowhere.py:tiny")


def test_a_layout_that_must_be_told_its_classes_says_so(tmp_path):
    (tmp_path / "nets.py").write_text("from zoo import *\ndef tiny(classes): return [Flatten(), Dense(classes)]\n")
    with pytest.raises(ZooError, match="tiny has no number of classes of its own"):
        zoo.info(f"{tmp_path}/nets.py:tiny", input_shape=(8, 8, 1))
    assert zoo.info(f"{tmp_path}/nets.py:tiny", input_shape=(8, 8, 1), classes=3).params == 195


def test_a_file_of_layouts_is_found_from_any_folder(tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text("from zoo import Dense, Flatten\ntiny = [Flatten(), Dense(10)]\n")
    monkeypatch.chdir(tmp_path)
    assert registry.whereabouts("net.py:tiny") == f"{tmp_path}/net.py:tiny"
    assert [registry.whereabouts(name) for name in ("lenet", "no.py:tiny")] == ["lenet", "no.py:tiny"]
    result = train("net.py:tiny", limit=20, epochs=1, runs=tmp_path / "runs", verbose=0, log=str)
    run = started_run(result.run)
    run.write_config({key: value for key, value in run.config().items() if key != "result"})  # as if it were stopped
    monkeypatch.chdir(tmp_path.parent)
    assert resume(run.folder, verbose=0, log=str) == result

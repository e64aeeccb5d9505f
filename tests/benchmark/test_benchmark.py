"""Benchmarks: figures from seconds, turns and processes, the same net in PyTorch, the command and its figures."""

import json
from contextlib import nullcontext
from dataclasses import fields, replace
from statistics import median

import numpy as np
import pixel_nets
import pytest
from click.testing import CliRunner
from miniatures import smallest

import zoo
from benchmarks import ops
from zoo import ZooError
from zoo.benchmark import contenders, figures, growth, measure, session
from zoo.benchmark.contenders import OWN, Contender, choose
from zoo.benchmark.process import Process
from zoo.benchmark.result import Result, ratio, speeds
from zoo.benchmark.workload import LONGEST, make_workload
from zoo.cli import main
from zoo.plan import plan


def small(mode="training", precision="float32", model="lenet1", work=None, **options):
    made = make_workload(model, mode, precision, 2, **options)
    return made if work is None else replace(made, work=work)


# ------------------------------------------------------------------------------------------------ figures and workloads


def test_figures_are_medians_of_turns_and_ratios_those_of_pairs():
    found = speeds([0.1, 0.4, 0.2], 8, 5e9, 1000.0)
    assert found == {"images_per_second": 40.0, "slowest": 20.0, "fastest": 80.0, "spread": 1.5,
                     "ms_per_step": 200.0, "gflops": 200.0,
                     "ceiling_gflops": 1000.0, "share_of_ceiling": 0.2}
    own, other = [1.0, 2.0, 4.0], [4.0, 2.0, 5.0]
    assert ratio(own, other) == 1.25 != median(other) / median(own)


def test_a_workload_counts_two_operations_a_multiply_add_and_training_three_times_those():
    macs = zoo.info("lenet1").macs
    assert small().flops_per_image == 6 * macs and small("inference").flops_per_image == 2 * macs


def test_blocks_are_shorter_the_heavier_their_steps():
    blocks = [make_workload(name, "training", "float32").steps_in_block for name in ("lenet1", "resnet20", "resnet50")]
    assert blocks[0] == LONGEST and blocks == sorted(blocks, reverse=True) and blocks[-1] == 1
    sizes = [make_workload(name, "training", "float32").batch_size for name in ("lenet1", "resnet20", "resnet50")]
    assert sizes == [128, 128, 32]


def test_images_are_random_and_always_the_same():
    work = small(classes=3)
    (images, labels), again = work.images((5, 4, 1)), work.images((5, 4, 1))
    assert images.shape == (2 * work.steps, 5, 4, 1) and images.dtype == np.uint8 and images.std() > 60
    assert set(labels) == {0, 1, 2} and np.array_equal(images, again[0]) and np.array_equal(labels, again[1])


# ------------------------------------------------------------------------------------------- processes and their turns


@pytest.fixture
def players(tmp_path, monkeypatch):
    """Contenders that write down their turns: `players(name, code…)`; the one named "zoo" is taken for the zoo's."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(name, in_prepare="pass", in_run="pass"):
        (tmp_path / f"player_{name}.py").write_text(
            "import os\nfrom zoo import ZooError\nLIBRARY = None\n"
            f"def prepare(workload):\n    {in_prepare}\n"
            f"    def run(steps):\n        {in_run}\n"
            f"        print({name!r}, steps, file=open({str(tmp_path / 'turns')!r}, 'a'))\n    return run\n"
        )
        contender = Contender(name, f"player_{name}")
        if name == "zoo":
            monkeypatch.setattr(measure, "OWN", contender)
        return contender

    make.turns = lambda: [line.split() for line in (tmp_path / "turns").read_text().splitlines()]
    return make


def test_contenders_take_turns_of_as_many_steps(players):
    work, done = small(), []
    found, failed = measure.measure(work, [players("zoo"), players("other")], 3, lambda: 100.0, lambda: done.append(1))
    turns = players.turns()
    assert [name for name, _ in turns] == ["zoo", "zoo", "other", "other", *["zoo", "other"] * 3]
    assert {steps for _, steps in turns[:4]} == {str(work.steps_in_block)}
    assert {steps for _, steps in turns[4:]} == {str(work.steps)}  # nothing takes them no time: all images
    assert [result.contender for result in found] == ["zoo", "other"] and not failed and len(done) == 2 * (3 + 1)
    assert found[0].ratio is None and found[1].ratio > 0 and found[0].macs == zoo.info("lenet1").macs


def test_a_contender_that_fails_is_told_and_the_others_go_on(players):
    others = [
        players("picky", in_prepare="raise ZooError('not this net.')"),
        players("broken", in_run="steps / 0"),
        players("killed", in_run="os.kill(os.getpid(), 9)"),
        players("greedy", in_run="bytearray(2**62)"),
        players("full", in_run="raise RuntimeError('RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes.')"),
        Contender("absent", "no_such_module"),
    ]
    found, failed = measure.measure(small(), [players("zoo"), *others], 1, lambda: 100.0, lambda: None)
    assert [result.contender for result in found] == ["zoo"]
    assert failed == {
        "picky": "not this net.", "broken": "ZeroDivisionError: division by zero",
        "killed": "its process was killed; a smaller batch may fit into the memory.",
        "greedy": "MemoryError; a smaller batch may fit into the memory.",
        "full": "its device ran out of memory; a smaller batch may fit into the memory.",
        "absent": "ModuleNotFoundError: No module named 'no_such_module'",
    }


def test_without_the_zoos_own_there_is_nothing_to_tell(players):
    with pytest.raises(ZooError, match="lenet1 can't be measured: its process was killed; a smaller batch"):
        measure.measure(small(), [players("zoo", in_prepare="os.kill(os.getpid(), 9)")], 1, lambda: 100.0, lambda: None)
    with pytest.raises(RuntimeError, match="(?s)ZeroDivisionError.*player_zoo.py"):
        measure.measure(small(), [players("zoo", in_prepare="1 / 0")], 1, lambda: 100.0, lambda: None)


def test_a_process_tells_its_own_peak_memory_and_not_its_parents(players):
    mine = np.ones(10**8, np.uint8)
    with Process(players("light").module, None) as light, Process(
        players("heavy", in_run="b'x' * 10**8 * 2").module, None
    ) as heavy:
        assert light.run(1)[1] < len(mine) < heavy.run(1)[1] - light.run(1)[1]
        assert light.device == heavy.device != ""


@pytest.mark.parametrize("seconds, size", [({2048: 0.05}, 2048), ({2048: 2e-5, 8192: 2e-3}, 8192)])
def test_the_ceiling_is_that_of_larger_matrices_where_the_smaller_take_no_time(seconds, size, monkeypatch):
    class Instant(nullcontext):
        def __init__(self, module, precision, size):
            super().__init__(self)
            self.seconds = seconds[size]

        def run(self, products):
            return self.seconds * products, 0

    monkeypatch.setattr(measure, "Process", Instant)
    with measure.ceiling_of("float32") as ceiling:
        assert ceiling() == pytest.approx(2e-9 * size**3 / seconds[size])


@pytest.mark.parametrize("gflops, steps", [(100.0, 1), (1e6, LONGEST)])
def test_blocks_are_longer_on_a_faster_machine(gflops, steps, monkeypatch):
    blocks = []

    def measured(workload, *_):
        blocks.append(workload.steps_in_block)
        return [Result(**result())], {}

    monkeypatch.setattr(session, "measure", measured)
    monkeypatch.setattr(session, "ceiling_of", lambda precision: nullcontext(lambda: gflops))
    session.benchmark([("resnet50", None)], modes=("training",), precisions=("float32",))
    assert blocks == [steps]


# ------------------------------------------------------------------------------------------------------ the contenders


@pytest.mark.bfloat16
def test_the_zoo_trains_as_zoo_train_does_and_infers():
    from zoo.benchmark import own

    history = own.prepare(small())(small().steps_in_block * 2)
    assert len(history.history["loss"]) == 1 and history.params["steps"] == 2
    probabilities = own.prepare(small("inference", "bfloat16", classes=4))(3)
    assert probabilities.shape == (6, 4) and probabilities.sum(-1) == pytest.approx(1, abs=1e-5)


@pytest.fixture
def policy():
    import keras

    before = keras.config.dtype_policy()
    yield keras.config
    keras.config.set_dtype_policy(before)


@pytest.mark.bfloat16
def test_keras_has_its_own_net_or_the_zoos(policy, monkeypatch):
    from zoo.benchmark import keras_net
    from zoo.layers import fast

    history = keras_net.prepare(small(precision="bfloat16"))(3)
    assert policy.dtype_policy().name == "mixed_bfloat16" and history.params["steps"] == 3
    monkeypatch.setattr(keras_net, "reference", lambda *_, **arguments: arguments)
    work = make_workload("mobilenet_v2", "inference", "float32", 2, (32, 32, 3), 5)
    assert keras_net._net(work) == {"weights": None, "input_shape": (32, 32, 3), "classes": 5}
    changed = make_workload("mobilenet_v2", "inference", "float32", 2, (32, 32, 3), 5, width=0.25)
    net = keras_net._net(changed)
    assert net.count_params() == changed.plan.trace.params
    assert not any(type(layer) in (fast.Conv2D, fast.BatchNormalization) for layer in net.layers)


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed")


@pytest.mark.parametrize(
    "settings, precision",
    [({}, "float32"), ({}, "bfloat16"), ({"channels_last": True}, "float32"), ({"channels_last": True}, "bfloat16"),
     pytest.param({"channels_last": True, "compiled": True}, "bfloat16", marks=pytest.mark.bfloat16)],
)
def test_pytorchs_loop_learns_and_infers(torch, settings, precision, monkeypatch):
    from zoo.benchmark import torch_loop
    from zoo.benchmark.torch_net import TorchNet

    nets = []
    monkeypatch.setattr(torch_loop, "TorchNet", lambda traced: nets.append(TorchNet(traced)) or nets[-1])
    run = torch_loop.prepare(small(precision=precision), **settings)
    before = [weight.detach().clone() for weight in nets[0].parameters()]
    run(2)
    assert all((weight != old).any() for weight, old in zip(nets[0].parameters(), before))
    probabilities = torch_loop.prepare(small("inference", precision), **settings)(3)
    assert probabilities.shape == (6, 10) and probabilities.sum(-1) == pytest.approx(1, abs=1e-5)


# ----------------------------------------------------------------------------------------------- nets that label pixels

SEGMENTING = {"input_shape": (188, 204, 1), "width": 1 / 32}  # without padding: a map of 4x20


def test_labels_of_pixels_are_masks_that_the_maps_compare_with():
    work = small(model="unet", input_shape=(188, 204, 1), width=1 / 32, classes=3)
    images, masks = work.images((188, 204, 1))
    assert masks.shape == images.shape[:3] and masks.dtype == np.uint8 and set(np.unique(masks)) == {0, 1, 2}
    np.testing.assert_array_equal(work.targets(masks), masks[:, 92:96, 92:112])
    assert (work.classes, work.plan.trace.output_shape) == (3, (4, 20, 3))
    assert make_workload("unet", "training", "float32").batch_size == 4
    assert make_workload("segnet", "training", "float32", input_shape=(64, 64, 3)).batch_size == 128


def test_the_zoo_and_keras_label_pixels(policy):
    from zoo.benchmark import keras_net, own

    training, inference = (small(mode, model="unet", work=1.0, **SEGMENTING) for mode in ("training", "inference"))
    for contender in (own, keras_net):
        history = contender.prepare(training)(2)
        assert np.isfinite(history.history["loss"]).all() and history.params["steps"] == 2
        probabilities = contender.prepare(inference)(2)
        assert probabilities.shape == (4, *inference.plan.trace.output_shape)
        assert probabilities.sum(-1) == pytest.approx(1, abs=1e-5)


def test_pytorch_labels_pixels_with_what_it_has_words_for(torch):
    from zoo.benchmark import torch_loop

    training, inference = (small(mode, model=f"{pixel_nets.__file__}:plain", input_shape=(12, 16, 3))
                           for mode in ("training", "inference"))
    torch_loop.prepare(training)(2)
    probabilities = torch_loop.prepare(inference)(2)
    assert probabilities.shape == (4, 10, 4, 8) and probabilities.sum(1) == pytest.approx(1, abs=1e-5)


# ------------------------------------------------------------------------------------------------------------ PyTorch

# Full nets, and small forms of them.
TRANSLATED = ["lenet5", "vgg16", "vgg16_bn", "resnet20", "resnet50", "alexnet_owt"]


@pytest.mark.parametrize("name", TRANSLATED)
def test_the_net_in_pytorch_has_as_many_parameters(torch, name):
    from zoo.benchmark.torch_net import TorchNet

    traced = plan(name).trace
    with torch.device("meta"):
        net = TorchNet(traced)
    assert sum(weight.numel() for weight in net.parameters() if weight.requires_grad) == traced.trainable_params


@pytest.mark.parametrize("name", [*TRANSLATED, "alexnet", "squeezenet1_0", "mobilenet_v3_small", "shufflenet_v2_x1_0",
                                  "densenet121", "googlenet_bn"])
def test_the_net_in_pytorch_gives_the_logits_of_keras(torch, name):
    from zoo.benchmark.torch_net import TorchNet
    from zoo.weights.pytorch import set_state

    layout, options = smallest(name)
    torch.manual_seed(0)
    net = TorchNet(plan(layout, **options).trace).eval()
    state = net.state_dict()
    for key, value in state.items():
        if value.dtype.is_floating_point and value.ndim == 1:
            value += torch.rand(value.shape) / 2
    model = zoo.create(layout, classifier_activation=None, **options)
    set_state(model, {key: value.numpy() for key, value in state.items()})
    images = np.random.default_rng(0).normal(size=(2, *model.input_shape[1:])).astype("float32")
    with torch.inference_mode():
        found = net(torch.from_numpy(images).permute(0, 3, 1, 2)).numpy()
    wanted = model.predict(images, verbose=0)
    assert wanted.std() > 0.01 and found == pytest.approx(wanted, rel=1e-3, abs=1e-4 * float(np.abs(wanted).max()))


@pytest.mark.parametrize(
    "name, sentence",
    [("lenet5_1998", "no translation of scaled_tanh to PyTorch is known, which c1 needs"),
     ("unet", "no translation of ConvTranspose to PyTorch is known, which join4_branch2_upconv needs")],
)
def test_a_word_that_pytorch_has_no_translation_for_is_named(torch, name, sentence):
    from zoo.benchmark.torch_net import TorchNet

    with pytest.raises(ZooError, match=sentence), torch.device("meta"):
        TorchNet(plan(name).trace)


# ------------------------------------------------------------------------------------------------ growth and figures


def test_growth_goes_round_the_workload_itself():
    work = make_workload("lenet1", "training", "float32", 4)
    found = growth.variations(work)
    assert list(found["batch_size"]) == [1, 2, 4, 8] and list(found["width"]) == [0.25, 0.5, 1, 2]
    assert list(found["input_size"]) == [28, 42, 56]  # at 14 it runs out of pixels
    for varied, value in (("batch_size", 4), ("width", 1), ("input_size", 28)):
        assert found[varied][value] is work
    assert found["width"][2].plan.trace.macs > 2 * work.plan.trace.macs
    assert list(growth.variations(make_workload("lenet5_1998", "inference", "float32"))["width"]) == [1]


def result(contender="zoo", mode="training", rate=100.0, faster=None, **more):
    return {"model": "lenet1", "mode": mode, "precision": "float32", "batch_size": 4, "input_shape": (28, 28, 1),
            "macs": 10, "contender": contender, "images_per_second": rate, "slowest": 0.8 * rate,
            "fastest": 1.1 * rate, "spread": 0.3, "ms_per_step": 4000 / rate,
            "device": "a processor", "peak_memory_mb": 1.0, "build_seconds": 1.0, "compile_seconds": 1.0, "gflops": 1.0,
            "ceiling_gflops": 1234.4, "share_of_ceiling": 0.1, "ratio": faster} | more


def test_each_result_is_a_bar_with_its_figure():
    results = [Result(**result(*given)) for given in (("zoo", "training", 1234.0), ("keras", "training", 617.0, 2.0),
                                                      ("zoo", "inference", 9999.0))]
    training, inference = figures.draw_results(results).axes
    assert [bar.get_width() for bar in training.patches] == [1234, 617] and len(inference.patches) == 1
    assert [text.get_text() for text in training.texts] == ["1,234", "617  (zoo: 2.00x)"]
    turns = [line.get_segments()[0][:, 0] for line in training.collections]
    assert np.allclose(turns, [[0.8 * 1234, 1.1 * 1234], [0.8 * 617, 1.1 * 617]])


def test_contenders_keep_their_colours_and_all_are_in_the_legend():
    everyone = [Result(**result(contender.name, faster=2.0)) for contender in contenders.EVERYONE]
    some, all_of_them = (figures.draw_results(results) for results in (everyone[::4], everyone))
    assert some.axes[0].patches[1].get_facecolor() == all_of_them.axes[0].patches[4].get_facecolor()
    all_of_them.draw_without_rendering()
    (legend,) = all_of_them.legends
    box = legend.get_window_extent()
    assert [text.get_text() for text in legend.get_texts()] == [contender.name for contender in contenders.EVERYONE]
    assert box.x0 >= 0 and box.x1 <= all_of_them.bbox.x1


def test_growth_is_drawn_beside_that_of_the_multiply_adds():
    points = [
        growth.Point(**result(rate=rate, macs=macs), varied=varied, value=value)
        for varied in growth.FACTORS for value, rate, macs in ((1, 100.0, 10), (2, 50.0, 40))
    ]
    panels = figures.draw_growth(points).axes
    assert [axes.get_xlabel() for axes in panels[3:]] == list(figures.VARIED.values())
    measured, proportional = (line.get_ydata().tolist() for line in panels[0].lines)
    assert measured == [100, 50] and proportional == [200, 50]


# ---------------------------------------------------------------------------------------------------------- the command


def run(*arguments):
    return CliRunner().invoke(main, ["benchmark", *map(str, arguments)], prog_name="zoo")


def test_the_command_prints_what_it_documents_and_draws_it(tmp_path):
    picture = tmp_path / "speed.png"
    done = run("lenet1", "--mode", "inference", "--precision", "float32", "--batch-size", 2, "--repeats", 1, "--vs",
               "keras", "--plot", picture, "--json")
    assert done.exit_code == 0, done.output
    session = json.loads(done.stdout)
    assert list(session) == ["machine", "results", "growth", "notes"]
    assert [one["contender"] for one in session["results"]] == ["zoo", "keras"] and session["notes"] == []
    for one in session["results"]:
        assert list(one) == [field.name for field in fields(Result)]
        assert all(key in main.commands["benchmark"].help for key in one)
        assert one["images_per_second"] > 0 and one["peak_memory_mb"] > 50 and one["batch_size"] == 2
        assert one["share_of_ceiling"] == pytest.approx(one["gflops"] / one["ceiling_gflops"], rel=0.1)
    assert session["results"][0]["ratio"] is None and session["results"][1]["ratio"] > 0
    assert picture.stat().st_size > 1000


@pytest.mark.slow
def test_the_command_measures_how_the_cost_grows(tmp_path, monkeypatch):
    monkeypatch.setattr(growth, "FACTORS", {"batch_size": (1, 2), "width": (1,), "input_size": (1,)})
    monkeypatch.setattr(measure, "TURN", 0.1)
    picture = tmp_path / "growth.svg"
    done = run("lenet1", "--mode", "inference", "--precision", "float32", "--batch-size", 2, "--repeats", 1,
               "--plot-growth", picture, "--json")
    points = json.loads(done.stdout)["growth"]
    assert [(point["varied"], point["value"]) for point in points] == [
        ("batch_size", 2), ("batch_size", 4), ("width", 1), ("input_size", 28)
    ]
    assert points[1]["batch_size"] == 4 and points[1]["images_per_second"] > 0 and picture.stat().st_size > 1000


def test_the_table_has_a_line_a_result_and_the_notes(monkeypatch):
    def found(*arguments, **options):
        return session.Session({}, [Result(**result()), Result(**result("keras", faster=2.5))], [],
                               ["lenet1 isn't measured with pytorch: it is shy."])

    monkeypatch.setattr(session, "benchmark", found)
    lines = run("lenet1").output.splitlines()
    assert lines[0] == "lenet1, input 28x28x1, 10 multiply-adds"
    assert lines[3].split()[:5] == ["training", "float32", "4", "zoo", "100.0"] and "2.50x as fast" in lines[4]
    assert lines[-2:] == ["The ceiling, a product of large float32 matrices: 1,234 GFLOP/s.",
                          "lenet1 isn't measured with pytorch: it is shy."]


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ("vgg61", "There is no model 'vgg61'. Did you mean vgg"),
        ("lenet1 --vs pytorc", "There is no contender 'pytorc'. Did you mean pytorch? It is one of pytorch, keras."),
        ("lenet1 --mode both", "mode must be one of 'training', 'inference'; got 'both'"),
        ("lenet1 --precision half", "precision must be one of 'float32', 'bfloat16'; got 'half'"),
        ("lenet1 --batch-size 0", "batch size must be a positive whole number; got 0"),
        ("lenet1 --batch-size ,", "',' names nothing."),
        ("lenet1 --batch-size few", "'few' is no list of whole numbers; write 32,128."),
        ("lenet1 --repeats 0", "0 is not in the range"),
        ("lenet1 --input 3", "lenet1 needs an input of at least"),
        ("lenet1 --set widht=2", "Did you mean width?"),
        ("lenet1 --plot speed.bmp", "speed.bmp is no name of a picture"),
        ("lenet1 --plot no/speed.png", "There is no folder 'no' to put speed.png in"),
        ("lenet1 lenet5 --plot-growth speed.png", "measured of one model, from one batch size on"),
        ("lenet1 --batch-size 1,2 --plot-growth speed.png", "measured of one model, from one batch size on"),
        (f"{pixel_nets.__file__}:coarse --input 8x8", "coarse has no head that gives class scores, of an"),
    ],
)
def test_bad_input_ends_in_a_sentence_before_anything_is_measured(arguments, sentence):
    done = run(*arguments.split())
    assert done.exit_code == 2 and sentence in done.output, done.output


def test_a_figure_that_cannot_be_written_is_refused_before_anything_is_measured(tmp_path):
    (tmp_path / "folder.png").mkdir()
    done = run("lenet1", "--plot", tmp_path / "folder.png")
    assert done.exit_code == 2 and "folder.png can't be written." in done.output


def test_what_was_measured_is_kept_if_a_later_net_cannot_be(monkeypatch):
    def measured(workload, *_):
        if workload.batch_size == 2:
            raise ZooError("lenet1 can't be measured: it is too large.")
        return [Result(**result())], {}

    monkeypatch.setattr(session, "measure", measured)
    monkeypatch.setattr(session, "ceiling_of", lambda precision: nullcontext(lambda: 100.0))
    options = dict(modes=("training",), precisions=("float32",))
    found = session.benchmark([("lenet1", None)], batch_sizes=(1, 2), **options)
    assert len(found.results) == 1
    assert found.notes == ["lenet1, training, float32, batch 2: lenet1 can't be measured: it is too large."]
    with pytest.raises(ZooError, match="it is too large"):
        session.benchmark([("lenet1", None)], batch_sizes=(2, 1), **options)


def test_pytorch_is_optional(monkeypatch):
    monkeypatch.setattr(contenders, "find_spec", lambda name: None)
    done = run("lenet1", "--vs", "pytorch")
    assert done.exit_code == 2 and "pip install torch" in done.output
    assert choose(["keras"]) == [OWN, *contenders.OTHERS["keras"]]


def test_a_profile_shows_the_ops_and_bad_input_ends_in_a_sentence():
    asked = ["lenet1", "--mode", "inference", "--batch-size", "2", "--set", "width=0.5", "--rows", "3"]
    title, _, _, step, *rows = CliRunner().invoke(ops.main, asked).output.strip().splitlines()
    assert title == "lenet1, inference, float32, batch 2: TensorFlow's ops" and "the whole step" in step
    assert len(rows) == 3 and any("Conv2D" in row for row in rows)
    refused = CliRunner().invoke(ops.main, ["lenett1"])
    assert (refused.exit_code, refused.output.startswith("Error: There is no model 'lenett1'.")) == (2, True)

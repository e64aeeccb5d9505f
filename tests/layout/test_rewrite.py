import numpy as np
import pytest

import zoo
from zoo import ZooError, registry
from zoo.layout import rewrite
from zoo.layout import (
    LIKE_INPUT, RBF, Activation, Add, Concat, Conv, Dense, DepthwiseConv, Dropout, Flatten, GlobalPool, Layout,
    Multiply, Norm, Pool, Scale, Stage, Subsample, TableConv,
)
from zoo.layout.trace import trace

NET = Layout(
    [Stage("a", Conv(8, 5, stride=2), Pool(3, stride=2)), Stage("b", Add([Conv(8, 3), Conv(None, 1)]), Pool(2))],
    [Flatten(), Dense(16, "tanh"), Dense(10)],
)
OVERRIDES = [
    dict(padding="same"), dict(padding="valid"), dict(padding=0), dict(padding=3), dict(stride=1), dict(stride=(2, 3)),
    dict(pool="max"), dict(pool="avg"), dict(pool="stride"), dict(norm=None), dict(norm="batch"), dict(norm="group"),
    dict(norm="lrn"), dict(activation="elu"), dict(activation=None), dict(dropout=0), dict(dropout=0.3),
    dict(width=0.25), dict(width=1.5), dict(output_stride=4), dict(output_stride=8), dict(output_stride=32),
    dict(head="gap"), dict(head="paper"),
    dict(padding="same", norm="batch", pool="stride", head="gap", width=0.5, activation="elu", dropout=0.1),
]


def body(overrides, net=NET):
    return rewrite.rewrite(net, overrides).body


@pytest.mark.parametrize("override", OVERRIDES, ids=lambda o: ",".join(f"{k}={v}" for k, v in o.items()))
def test_vgg16_takes_them_all(override):
    if override != dict(padding="valid"):  # thirteen unpadded convolutions eat 224 pixels
        assert zoo.info("vgg16", **override).output_shape == (1000,)


# ----------------------------------------------------------------------------------------- what each one does


def test_padding_changes_convolutions_and_the_named_kinds_pools_too():
    assert body(dict(padding="same")) == (
        Stage("a", Conv(8, 5, stride=2), Pool(3, stride=2, padding="same")),
        Stage("b", Add([Conv(8, 3), Conv(None, 1)]), Pool(2, padding="same")),
    )
    assert body(dict(padding=1)) == (
        Stage("a", Conv(8, 5, stride=2, padding=1), Pool(3, stride=2)),
        Stage("b", Add([Conv(8, 3, padding=1), Conv(None, 1)]), Pool(2)),
    )


def test_padding_same_divides_the_image_by_the_stride():
    traced = trace(rewrite.rewrite(NET, dict(padding="same")), (37, 50, 3))
    assert traced.last_map.shape == (5, 7, 8)


def test_stride_changes_the_stem_alone_even_if_its_row_is_repeated():
    assert body(dict(stride=1))[0] == Stage("a", Conv(8, 5), Pool(3, stride=2))
    assert body(dict(stride=1))[1] == NET.body[1]
    assert body(dict(stride=(1, 2)), Layout([Conv(8, 3)] * 3)) == (Conv(8, 3, stride=(1, 2)), Conv(8, 3), Conv(8, 3))


def test_pool():
    assert body(dict(pool="avg"))[0] == Stage("a", Conv(8, 5, stride=2), Pool(3, stride=2, kind="avg"))
    assert body(dict(pool="stride"))[0] == Stage("a", Conv(8, 5, stride=2), Conv(None, 3, stride=2, padding="valid"))
    assert body(dict(pool="max"), Layout([Subsample(2, "tanh", name="s2")])) == (
        Pool(2, stride=2, name="s2"), Activation("tanh"),
    )


@pytest.mark.parametrize("kind", ["max", "avg", "stride"])
def test_pool_leaves_windows_of_one_pixel(kind):
    every_second = Pool((1, 1), stride=2)
    assert body(dict(pool=kind), Layout([Pool(2), every_second]))[1] == every_second
    counted = zoo.info("resnet50v2", pool=kind).params
    assert counted == zoo.info("resnet50v2").params + (kind == "stride") * (9 * 64 + 1) * 64
    with pytest.raises(ZooError, match="resnet20 takes no pool: it has no layer that this would change"):
        zoo.info("resnet20", pool=kind)


def test_norm_is_added_to_every_convolution_of_a_net_without():
    layers = trace(rewrite.rewrite(NET, dict(norm="batch")), (64, 64, 3)).layers
    kinds = [layer.kind for layer in layers]
    assert kinds.count("Norm") == kinds.count("Conv") == 3
    assert kinds[:4] == ["Conv", "Norm", "Activation", "Pool"]


def test_norm_changes_its_kind_where_it_stands_in_a_net_that_has_it():
    preact = Layout([Norm(), Activation(), Conv(8, 3), Conv(8, 3, norm="batch")])
    assert body(dict(norm="group"), preact) == (
        Norm("group"), Activation(), Conv(8, 3), Conv(8, 3, norm="group"),
    )
    assert body(dict(norm=None), preact) == (Activation(), Conv(8, 3), Conv(8, 3))


def test_norm_puts_batchnorm_in_the_place_of_lrn():
    lrn = Layout([Conv(8, 3, norm="lrn"), Conv(8, 3), Norm("lrn")])
    assert body(dict(norm="batch"), lrn) == (Conv(8, 3, norm="batch"), Conv(8, 3, norm="batch"))
    assert body(dict(norm="lrn"), lrn) == lrn.body
    assert zoo.info("vgg11_lrn", norm="batch").params == zoo.info("vgg11_bn").params


def test_activation_replaces_the_hidden_ones_and_leaves_the_linear_ones():
    new = rewrite.rewrite(Layout([Conv(8, 1, activation=None), Conv(8, 3), Activation()], NET.head),
                          dict(activation="elu"))
    assert new.body == (Conv(8, 1, activation=None), Conv(8, 3, activation="elu"), Activation("elu"))
    assert new.head == (Flatten(), Dense(16, "elu"), Dense(10))


def test_dropout_sets_every_rate_or_comes_before_the_classifier():
    assert rewrite.dropout(NET, 0.3).head == (Flatten(), Dense(16, "tanh"), Dropout(0.3), Dense(10))
    assert rewrite.dropout(NET, 0) == NET
    with_some = Layout([Conv(8, 3), Dropout(0.1)], [Flatten(), Dropout(0.5), Dense(10)])
    assert rewrite.dropout(with_some, 0.3) == Layout([Conv(8, 3), Dropout(0.3)], [Flatten(), Dropout(0.3), Dense(10)])
    assert rewrite.dropout(with_some, 0) == Layout([Conv(8, 3)], [Flatten(), Dense(10)])


def test_width_scales_everything_but_the_classes():
    net = Layout([Conv(6, 3), Conv(9, 3)], [Flatten(), Dense(16), Dense(10)])
    assert rewrite.width(net, 0.5) == Layout([Conv(3, 3), Conv(4, 3)], [Flatten(), Dense(8), Dense(10)])
    assert rewrite.width(net, 0.01) == Layout([Conv(1, 3), Conv(1, 3)], [Flatten(), Dense(1), Dense(10)])
    twice = Layout([Conv(6, 3)], [GlobalPool(), *[Dense(10)] * 2])
    assert rewrite.width(twice, 2).head[1:] == (Dense(20), Dense(10))


@pytest.mark.parametrize("factor", [0.01, 0.3, 0.7, 1.9])
def test_width_leaves_channels_that_the_groups_divide(factor):
    net = rewrite.width(Layout([Conv(12, 3), Conv(24, 3, groups=3), Conv(24, 3, groups=2), Conv(8, 1)]), factor)
    assert trace(net, (8, 8, 3)).output_shape[:2] == (8, 8)
    assert zoo.info("alexnet", width=factor).output_shape == (1000,)


@pytest.mark.parametrize("factor", [0.1, 0.33, 0.5, 0.7, 1.3, 2])
def test_width_takes_a_sum_whose_input_is_rounded_in_parts(factor):
    up = [Conv(21, 1, activation=None), Scale(0.1)]
    net = Layout([Concat([Conv(7, 1)], [Conv(7, 3)], [Conv(7, 5)]), Add([Conv(9, 3), up]), Add(up, [Norm(), up])])
    parts = 3 * max(1, round(7 * factor))
    assert trace(rewrite.width(net, factor), (8, 8, 3)).output_shape == (8, 8, parts)
    assert zoo.info("inception_resnet_v2", width=factor).output_shape == (1000,)


def test_width_leaves_a_sum_with_a_projection_as_it_is():
    net = Layout([Conv(8, 1), Add([Conv(6, 3)], shortcut=[Conv(6, 1)]), Add([DepthwiseConv(3)], [Concat([], [])])])
    assert rewrite.width(net, 0.5).body[:2] == (Conv(4, 1), Add([Conv(3, 3)], shortcut=[Conv(3, 1)]))
    gated = Add([Conv(8, 3), Multiply([GlobalPool(), Dense(8, "sigmoid")])])
    assert rewrite.width(Layout([gated]), 0.5).body[0].branches[0][0].filters == LIKE_INPUT
    wide = Add([Conv(4, 3), Multiply([Conv(8, 1)], shortcut=[Conv(8, 1)])])
    assert rewrite.width(Layout([wide]), 0.5).body[0].branches[0][0].filters == 2


def test_width_keeps_the_classes_of_a_convolutional_classifier():
    net = Layout([Conv(6, 3)], [Conv(20, 1), Conv(10, 1), GlobalPool()])
    assert rewrite.width(net, 0.5).head == (Conv(10, 1), Conv(10, 1), GlobalPool())
    assert rewrite.classes(net, 3).head == (Conv(20, 1), Conv(3, 1), GlobalPool())


def test_output_stride_trades_strides_for_dilation():
    net = Layout([Conv(8, 3, stride=2), Conv(8, 3), Conv(8, 3, stride=2), Conv(8, 3, padding=1), Pool(2), Conv(8, 3)])
    assert body(dict(output_stride=2), net) == (
        Conv(8, 3, stride=2), Conv(8, 3), Conv(8, 3, dilation=(1, 1)),
        Conv(8, 3, padding=(2, 2, 2, 2), dilation=(2, 2)),
        Pool(2, stride=1, padding="same"), Conv(8, 3, dilation=(4, 4)),
    )
    assert body(dict(output_stride=8), net) == net.body


def test_output_stride_keeps_no_stride_after_a_lost_one():
    net = Layout([Conv(8, 3, stride=2), Pool(3), Conv(8, 3), Pool(2)])
    with pytest.raises(rewrite.Unfit, match="has an output stride of 12, which can't be made 4."):
        rewrite.output_stride(net, 4)
    assert body(dict(output_stride=2), net)[3] == Pool(2, stride=1, padding="same")
    with pytest.raises(ZooError, match="overfeat_accurate has an output stride of 36, which can't be made 4."):
        zoo.info("overfeat_accurate", output_stride=4)


@pytest.mark.parametrize("name", ["inception_v3", "inception_v4", "inception_resnet_v2"])
@pytest.mark.parametrize("target", [8, 16])
def test_output_stride_keeps_the_branches_of_an_inception_net_alike(name, target):
    last = zoo.info(name, include_top=False, output_stride=target)
    before = [row for row in zoo.info(name, include_top=False).layers if row["stride"] == target][-1]
    assert last.output_shape[:2] == before["output_shape"][:2]


@pytest.mark.parametrize("target", [1, 2, 4, 8])
def test_output_stride_keeps_the_receptive_field_of_the_convolutions(target):
    bottleneck = [Conv(4, 1), Conv(4, 3, stride=2), Conv(8, 1)]
    net = Layout([Conv(8, 3), Add(bottleneck, shortcut=[Conv(8, 1, stride=2)]), Conv(8, 3, stride=2),
                  Concat([Conv(4, 3, stride=2)], [Conv(4, 1, stride=2)]), Conv(8, 3)])
    before, after = (trace(n, (64, 64, 3)).last_map for n in (net, rewrite.output_stride(net, target)))
    assert after.stride == (target, target) and after.shape[:2] == (64 // target, 64 // target)
    assert after.receptive_field == before.receptive_field


@pytest.mark.parametrize(
    "name, override, own, new",
    [
        ("fcn32s", dict(stride=4), 32, 128),
        ("fcn32s", dict(output_stride=16), 32, 16),
        ("fcn8s", dict(output_stride=8), 32, 8),
        ("deeplab_largefov", dict(output_stride=4), 8, 4),
        ("deeplab_largefov", dict(stride=2), 8, 16),
    ],
)
def test_a_head_that_enlarges_by_a_fixed_factor_holds_the_body_to_its_stride(name, override, own, new):
    with pytest.raises(ZooError) as error:
        zoo.info(name, **override)
    assert str(error.value) == (
        f"{name} has a head that enlarges the map by a fixed factor: it takes a body of stride {own}, not {new}. "
        "include_top=False leaves the head off."
    )
    assert zoo.info(name, (600, 600, 3), include_top=False, **override).layers[-1]["stride"] == new


@pytest.mark.parametrize("name, own", [("fcn32s", 32), ("fcn8s", 32), ("deeplab_largefov", 8)])
def test_a_head_that_enlarges_takes_the_stride_that_the_body_has(name, own):
    assert zoo.info(name, output_stride=own, stride=1) == zoo.info(name)


def test_head_gap_keeps_the_classifier_alone():
    assert rewrite.head(NET, "gap").head == (GlobalPool(), Dense(10))
    assert rewrite.head(NET, "paper") == NET
    assert zoo.info("vgg16", head="gap").params == 14_714_688 + 513 * 1000


def test_classes_and_the_top():
    assert rewrite.classes(NET, 3).head[-1] == Dense(3)
    assert rewrite.classes(Layout([], [Flatten(), *[Dense(10)] * 2]), 3).head[1:] == (Dense(10), Dense(3))
    assert rewrite.without_top(NET) == Layout(NET.body)
    assert rewrite.without_top(NET, "max") == Layout(NET.body, [GlobalPool("max")])


def test_whole_numbers_may_be_numpys():
    info = zoo.info(NET, tuple(np.array([64, 64, 2])), classes=np.int64(7), stride=np.int32(2))
    assert info == zoo.info(NET, (64, 64, 2), classes=7, stride=2)
    assert all(isinstance(n, int) for n in (info.params, *info.input_shape, *info.output_shape))
    assert Conv(np.int64(4), (np.int64(3), 1)) == Conv(4, (3, 1))


def test_overrides_apply_in_one_order_whatever_order_they_come_in():
    some = dict(norm="batch", pool="stride", padding="same", width=0.5)
    assert rewrite.rewrite(NET, some) == rewrite.rewrite(NET, dict(reversed(some.items())))


# ------------------------------------------------------------------------------------------------ the refusals

TABLE = Layout([TableConv(((0,), (1,)), 3), Subsample(2)], [Flatten(), Dense(3), RBF(((1, 1, -1), (1, -1, 1)))])


@pytest.mark.parametrize(
    "net, override, sentence",
    [
        (NET, dict(head="flat"), "head must be one of 'paper', 'gap'; got 'flat'."),
        (NET, dict(pool="sum"), "pool must be one of 'max', 'avg', 'stride'; got 'sum'."),
        (NET, dict(norm="layer"), "norm must be one of None, 'batch', 'group', 'lrn'; got 'layer'."),
        (NET, dict(width=0), "width must be a positive multiplier such as 0.5; got 0."),
        (NET, dict(width="wide"), "width must be a positive multiplier such as 0.5; got 'wide'."),
        (NET, dict(dropout=1), "Dropout: rate must be a number of at least 0 and less than 1; got 1."),
        (NET, dict(padding="full"), 'Conv: padding must be "same", "valid"'),
        (NET, dict(stride=0), "Conv: stride must be"),
        (NET, dict(output_stride="8"), "output_stride must be a positive whole number; got '8'."),
        (NET, dict(output_stride=None), "output_stride must be a positive whole number; got None."),
        (NET, dict(activation=["relu"]), "activation must be text without a slash; got ['relu']."),
        (NET, dict(output_stride=3), "net has an output stride of 8, which can't be made 3."),
        (NET, dict(output_stride=16), "net has an output stride of 8, which can't be made 16."),
        (NET.head, dict(stride=2), "net takes no stride: it has no layer that this would change."),
        ([Conv(8, 3)], dict(pool="avg"), "net takes no pool: it has no layer that this would change."),
        ([Conv(8, 3)], dict(head="gap"), "net takes no head: its layout ends without a classifier."),
        ([Conv(8, 3)], dict(classes=3), "net takes no classes: its layout ends without a classifier."),
        (TABLE, dict(width=2), "net takes no width: its connection table and output codes fix the number of maps."),
        (TABLE, dict(head="gap"), "net takes no head='gap': its output layer is made of codes."),
        (TABLE, dict(classes=3), "net has output codes for its 2 classes and takes no other number."),
        (TABLE, dict(output_stride=1), "net takes no output_stride: its subsampling can't keep the map's size."),
        (NET, dict(paddin="same"), "net takes no option 'paddin'. Did you mean padding? It takes activation, dropout"),
        (NET, dict(classes=0), "classes must be a positive whole number; got 0."),
        (NET, dict(classes=2.0), "classes must be a positive whole number; got 2.0."),
        (NET, dict(include_top=False, pooling="sum"), "pooling must be one of None, 'avg', 'max'; got 'sum'."),
    ],
)
def test_each_refusal_has_its_sentence(net, override, sentence):
    with pytest.raises(ZooError) as error:
        zoo.info(net, (64, 64, 2), name="net", **override)
    assert sentence in str(error.value)


def test_an_option_is_refused_in_the_models_own_name():
    with pytest.raises(ZooError, match="vgg16 takes no option 'pading'. Did you mean padding"):
        zoo.create("vgg16", pading="same")
    with pytest.raises(ZooError, match="There is no override 'pading'. Did you mean padding"):
        rewrite.rewrite(NET, dict(pading="same"))


def test_a_depthwise_multiplier_is_no_width():
    assert rewrite.width(Layout([DepthwiseConv(3, multiplier=2)]), 3).body == (DepthwiseConv(3, multiplier=2),)


def test_options_of_the_registry_leave_the_entry_as_it_was():
    before = registry.entry("alexnet").layout()
    zoo.info("alexnet", width=0.5, norm=None, classes=3)
    assert registry.entry("alexnet").layout() == before

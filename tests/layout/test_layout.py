from dataclasses import FrozenInstanceError

import pytest

import zoo
from zoo import ZooError
from zoo.layout import words as layout
from zoo.layout.checks import ACTIVATIONS
from zoo.layout import (
    Activation, Add, Concat, Conv, Dense, Dropout, Flatten, GlobalPool, Layout, Norm, Pool, Sequence, Stage, as_layout,
    as_words, map_words, plain_words, sides,
)


def test_lists_and_sequences_nest_freely():
    rows = [Conv(6, 5), [Pool(2), (Conv(16, 5), [])], Sequence(Pool(2), [Flatten()]), Dense(10)]
    assert as_words(rows) == (Conv(6, 5), Pool(2), Conv(16, 5), Pool(2), Flatten(), Dense(10))


@pytest.mark.parametrize("end", [Flatten(), GlobalPool()])
def test_the_head_of_a_list_starts_where_the_map_ends(end):
    assert as_layout([Conv(6, 5), end, Dense(10)]) == Layout([Conv(6, 5)], [end, Dense(10)])


def test_a_list_that_keeps_its_map_is_all_body():
    assert as_layout([Conv(6, 5), Conv(2, 1)]).head == ()


def test_words_are_equal_by_value_and_can_be_keys():
    assert Stage("a", Conv(6, [5, 5], padding=[1, 2])) == Stage("a", [Conv(6, (5, 5), padding=(1, 2))])
    assert len({Conv(6, 5), Conv(6, 5), Conv(6, 3), Add([Pool(2)]), Add(Pool(2))}) == 3
    assert Add([Pool(2)]) != Concat([Pool(2)], [])


def test_words_are_frozen():
    for word in (Conv(6, 5), Stage("a", Conv(6, 5)), Add([Pool(2)])):
        with pytest.raises(FrozenInstanceError):
            word.name = "other"
        with pytest.raises(FrozenInstanceError):
            del word.name


@pytest.mark.parametrize("word", [Conv(6, (5, 3), norm="batch", name="c1"), Flatten(), Dropout(0.25)])
def test_a_word_is_written_as_what_makes_it(word):
    assert eval(repr(word), vars(layout)) == word


def test_a_row_given_twice_becomes_two_rows():
    first, second = Layout([Conv(6, 5)] * 2).body
    assert first == second and first is not second


def test_map_words_replaces_deletes_and_multiplies_inside_composites():
    rows = [Stage("a", Add([Conv(1, 3), Dropout()], shortcut=[Conv(1, 1)])), Concat([Dropout()], [], name="c")]
    change = {Conv: lambda word: [word, Norm()], Dropout: lambda word: []}
    new = map_words(lambda word: change[type(word)](word), rows)
    assert new == (
        Stage("a", Add([Conv(1, 3), Norm()], shortcut=[Conv(1, 1), Norm()])),
        Concat([], [], name="c"),
    )
    assert list(plain_words(new)) == [Conv(1, 3), Norm(), Conv(1, 1), Norm()]


@pytest.mark.parametrize(
    "padding, expected",
    [(1, ((1, 1), (1, 1))), ((1, 2), ((1, 1), (2, 2))), ((1, 2, 3, 4), ((1, 2), (3, 4)))],
)
def test_sides(padding, expected):
    assert sides(padding) == expected


@pytest.mark.parametrize(
    "make, sentence",
    [
        (lambda: Conv(0, 3), "Conv: filters must be a positive whole number; got 0."),
        (lambda: Conv(True, 3), "Conv: filters must be a positive whole number; got True."),
        (lambda: Conv(8, (3, 3, 3)), "Conv: kernel must be a positive whole number or a pair of them; got (3, 3, 3)."),
        (lambda: Conv(8, 3, stride=0), "Conv: stride must be"),
        (lambda: Conv(8, 3, dilation=1.5), "Conv: dilation must be"),
        (lambda: Conv(8, 3, padding="full"), 'Conv: padding must be "same", "valid", "ceil", or pixels: a whole'),
        (lambda: Conv(8, 3, padding=(1, 1, 1)), "Conv: padding must be"),
        (lambda: Conv(8, 3, padding=-1), "Conv: padding must be"),
        (lambda: Conv(8, 3, norm="layer"), "Conv: norm must be one of None, 'batch', 'group', 'lrn'; got 'layer'."),
        (lambda: Norm(None), "Norm: kind must be one of"),
        (lambda: Pool(2, kind="sum"), "Pool: kind must be one of 'max', 'avg'; got 'sum'."),
        (lambda: Dropout(1.0), "Dropout: rate must be a number of at least 0 and less than 1; got 1.0."),
        (lambda: Dense(None), "Dense: units must be"),
        (lambda: Conv(8, 3, activation=3), "Conv: activation must be text without a slash; got 3."),
        (lambda: Activation(["relu"]), "Activation: kind must be text"),
        (lambda: layout.Split(-1), "Split: part must be a whole number, counted from 0; got -1."),
        (lambda: layout.Scale("half"), "Scale: factor must be a number; got 'half'."),
        (lambda: layout.RBF(5), "RBF: codes must be rows of 1 and -1, one for each class; got 5."),
        (lambda: layout.RBF(((1, 0),)), "RBF: codes must be rows of 1 and -1"),
        (lambda: layout.TableConv([0, 1], 3), "TableConv: table must give each filter at least one input channel"),
        (lambda: layout.Unpool(2), "Unpool: pool must be text"),
        (lambda: layout.Take(None), "Take: stage must be text"),
        (lambda: Stage(Conv(8, 3)), "Stage: name must be text without a slash; got Conv("),
        (lambda: Stage("a/b", Conv(8, 3)), "Stage: name must be text without a slash; got 'a/b'."),
        (lambda: Add([Conv(8, 3)], crop="no"), "Add: crop must be True or False; got 'no'."),
        (lambda: layout.Auxiliary("a", Conv(8, 3), weight="x"), "Auxiliary: weight must be a positive number"),
        (lambda: layout.Concat(), "Concat needs a branch"),
        (lambda: layout.Upsample(2, "cubic"), "Upsample: interpolation must be one of"),
        (lambda: as_layout("vgg"), "A layout is made of words such as Conv(32, 3) or Pool(2); got 'vgg'."),
        (lambda: as_layout([Conv(8, 3), 5]), "got 5."),
        (lambda: Stage("a", Conv(8, 3), Activation), "A layout is made of words"),
    ],
)
def test_each_wrong_field_has_its_sentence(make, sentence):
    with pytest.raises(ZooError) as error:
        make()
    assert sentence in str(error.value)


def test_the_activations_are_those_that_keras_knows():
    import keras

    public = {name for name in dir(keras.activations) if callable(getattr(keras.activations, name)) and name[0] != "_"}
    assert public - {"get", "serialize", "deserialize"} <= {*ACTIVATIONS}
    assert all(callable(keras.activations.get(name)) for name in ACTIVATIONS if name != "scaled_tanh")


def test_an_activation_that_keras_does_not_know_is_refused_without_keras():
    with pytest.raises(ZooError, match="^Keras has no activation 'rellu'. Did you mean relu"):
        zoo.info("lenet5", activation="rellu")
    with pytest.raises(ZooError, match="^Keras has no activation 'bogus'.$"):
        Activation("bogus")

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner
from understanding.worlds import small_world, write_world

from bot.commands.evaluate import evaluate
from bot.commands.train import train as train_command
from bot.understanding.lexicon import Lexicon
from bot.understanding.match import CLASSIFIER_FILE, Understander
from bot.understanding.training import ModelError, TrainedModel, combined, load, save, train

WORLD = """
units: [{id: works, name: 公用}]
categories:
  - {id: water.outage, title: 停水, unit: works, opening: 好。, phrases: [我家停水了, 水管没水]}
  - {id: power.outage, title: 停电, unit: works, opening: 好。, phrases: [我家停电了, 没有电]}
"""
SAID = {
    "water.outage": [
        "龙头放不出水",
        "自来水断了",
        "洗澡洗一半没水",
        "水龙头不出水",
        "楼里停水一天",
    ],
    "power.outage": ["电灯都灭了", "空调冰箱全停了", "跳闸了没有电", "整栋楼没有电", "电断了一天"],
}
RECORDS = [(text, intent) for intent, all_said in SAID.items() for text in all_said]

_app = typer.Typer()
_app.command("train")(train_command)
_app.command("evaluate")(evaluate)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_world(folder, WORLD)
    return folder


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon(["停水", "停电"], {})


@pytest.fixture(scope="module")
def model(lexicon: Lexicon) -> TrainedModel:
    readings = [lexicon.read(text) for text, _ in RECORDS]
    return train(readings, [label for _, label in RECORDS], {"data": "made up"})


@pytest.fixture
def table(tmp_path: Path) -> Path:
    file = tmp_path / "records.csv"
    rows = "".join(f"{text},{label}\n" for text, label in RECORDS)
    file.write_text("text,intent\n" + rows, encoding="utf-8")
    return file


def test_a_trained_model_knows_what_it_was_told(model: TrainedModel, lexicon: Lexicon) -> None:
    chances = model.probabilities(lexicon.read("水龙头没有水"))
    assert max(chances, key=lambda name: chances[name]) == "water.outage"
    assert sum(chances.values()) == pytest.approx(1)


def test_three_models_are_compared_and_the_versions_noted(model: TrainedModel) -> None:
    assert len(model.facts["compared"]) == 3
    assert model.facts["chosen"] in model.facts["compared"]
    assert "scikit-learn" in model.facts["versions"]
    assert model.facts["data"] == "made up"


def test_a_model_comes_back_from_its_file_unchanged(
    tmp_path: Path, model: TrainedModel, lexicon: Lexicon
) -> None:
    save(model, tmp_path / "model.npz")
    back = load(tmp_path / "model.npz")
    reading = lexicon.read("家里没有水")
    assert back.probabilities(reading) == pytest.approx(model.probabilities(reading))
    assert back.facts == model.facts


def test_labels_with_one_record_are_left_out(lexicon: Lexicon) -> None:
    readings = [lexicon.read(text) for text, _ in RECORDS] + [lexicon.read("孤例")]
    trained = train(readings, [label for _, label in RECORDS] + ["rare"], {})
    assert "rare" not in trained.labels
    assert trained.facts["left out, too rare"] == 1


def test_one_label_is_nothing_to_tell_apart(lexicon: Lexicon) -> None:
    with pytest.raises(ModelError, match="at least two labels"):
        train([lexicon.read("水"), lexicon.read("没水")], ["a", "a"], {})


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.npz"
    with pytest.raises(ModelError, match="cannot be read"):
        load(file)
    for content in (b"", b"no model", pickle.dumps({"a": 1})):
        file.write_bytes(content)
        with pytest.raises(ModelError, match="is not a model"):
            load(file)
    np.savez(file, head=np.array([{"format": 1}], dtype=object))
    with pytest.raises(ModelError, match="is not a model"):
        load(file)


def test_two_opinions_that_agree_are_surer_than_one() -> None:
    both = combined({"a": 0.8, "b": 0.2}, {"a": 0.6, "b": 0.2}, trust=1.0)
    assert both["a"] > 0.7
    assert sum(both.values()) <= 1
    assert combined({"a": 0.8, "b": 0.2}, {"b": 0.6}, trust=0.0)["b"] == pytest.approx(
        0.6, abs=0.01
    )


def test_a_model_does_not_speak_against_what_it_was_never_shown() -> None:
    both = combined({"a": 0.5, "b": 0.5}, {"new": 0.9}, trust=1.0)
    assert max(both, key=lambda name: both[name]) == "new"
    assert both["new"] > 0.8


def test_a_pack_s_own_classifier_is_a_second_opinion(tmp_path: Path, model: TrainedModel) -> None:
    pack = small_world(tmp_path, WORLD)
    alone = Understander(pack).understand("电灯冰箱都灭了")
    save(model, tmp_path / CLASSIFIER_FILE)
    helped = Understander(pack).understand("电灯冰箱都灭了")
    assert helped.best is not None
    assert helped.best.intent == "power.outage"
    assert alone.best is None or helped.best.confidence > alone.best.confidence
    assert Understander(pack, untrained=True).understand("电灯冰箱都灭了") == alone


def test_train_writes_a_model_and_says_how_good_it_is(
    tmp_path: Path, folder: Path, table: Path
) -> None:
    out = tmp_path / "model.npz"
    result = CliRunner().invoke(_app, ["train", str(table), "-o", str(out), "--pack", str(folder)])
    assert result.exit_code == 0, result.output
    assert "(chosen)" in result.output
    assert set(load(out).labels) == set(SAID)


def test_evaluate_measures_three_engines_and_writes_json_and_a_plot(
    tmp_path: Path, folder: Path, table: Path
) -> None:
    numbers, plot = tmp_path / "report.json", tmp_path / "plot.png"
    arguments = ["evaluate", str(table), "--pack", str(folder)]
    result = CliRunner().invoke(_app, [*arguments, "--json", str(numbers), "--png", str(plot)])
    assert result.exit_code == 0, result.output
    report = json.loads(numbers.read_text(encoding="utf-8"))
    assert list(report["engines"]) == ["matcher", "classifier", "both"]
    assert report["engines"]["both"]["questions"] == len(RECORDS)
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_a_bad_file_is_told_and_ends_with_status_1(
    command: str, folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "bad.csv"
    file.write_text("text,label\na,b\n", encoding="utf-8")
    result = CliRunner().invoke(_app, [command, str(file), "--pack", str(folder)])
    assert result.exit_code == 1
    assert "no column “intent”" in result.output

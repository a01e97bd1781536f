"""Prompts as data: their variants, their marks, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from understanding.worlds import small_world, write_world

from bot.understanding.pack import PackError
from bot.understanding.schema import PackFile
from bot.understanding.spoken_length import estimated_seconds
from bot.understanding.starting import regreeted


def problem(folder: Path, world: str) -> tuple[int, int, str]:
    file = write_world(folder, world)
    with pytest.raises(PackError) as caught:
        small_world(folder, world)
    (one,) = caught.value.problems
    assert one.file == file
    return one.line, one.column, one.message


def test_a_plain_text_is_a_prompt_in_one_variant(tmp_path: Path) -> None:
    pack = small_world(tmp_path, "prompts:\n  extra: 请稍等\n")
    assert pack.variants("extra") == 1
    assert {pack.prompt("extra", variant=n) for n in range(3)} == {"请稍等"}
    marks = (pack.must_hear("extra"), pack.slow("extra"), pack.sensitive("extra"))
    assert marks == (False, False, False)


def test_variants_come_in_rotation(tmp_path: Path) -> None:
    pack = small_world(tmp_path, "prompts:\n  extra: [请稍等, 您稍等, 马上]\n")
    assert pack.variants("extra") == 3
    said = [pack.prompt("extra", variant=turn) for turn in range(4)]
    assert said == ["请稍等", "您稍等", "马上", "请稍等"]
    assert pack.prompt("extra") == "请稍等"


@pytest.mark.parametrize("say", ["给您{title}", "['给您{title}', '这是{title}']"])
def test_a_mapping_marks_what_must_be_heard_said_slowly_or_kept_to_oneself(
    tmp_path: Path, say: str
) -> None:
    marks = "    must_hear: true\n    slow: true\n    sensitive: true\n"
    pack = small_world(tmp_path, f"prompts:\n  extra:\n    say: {say}\n{marks}")
    assert pack.prompt("extra", title="水") == "给您水"
    assert pack.must_hear("extra")
    assert pack.slow("extra")
    assert pack.sensitive("extra")


def test_whether_a_prompt_is_there_can_be_asked(tmp_path: Path) -> None:
    pack = small_world(tmp_path, "prompts:\n  extra: 请稍等\n")
    assert pack.has_prompt("extra")
    assert not pack.has_prompt("other")
    with pytest.raises(KeyError):
        pack.must_hear("other")


def test_all_variants_without_placeholders_are_fixed_texts(tmp_path: Path) -> None:
    pack = small_world(tmp_path, "prompts:\n  extra: [请稍等, 您稍等]\n  open: 您的{number}\n")
    assert pack.prompt_texts() == ["您好", "请稍等", "您稍等"]
    assert ("extra", 1, "您稍等") in list(pack.wordings())
    assert ("open", 0, "您的{number}") in list(pack.wordings())


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("  extra: ['您的{title}', '您的{nummer}']\n", 2),
        ("  extra:\n    - 您的{title}\n    - 您的{nummer}\n", 4),
        ("  extra:\n    must_hear: true\n    say:\n      - 您的{title}\n      - 您的{nummer}\n", 6),
    ],
)
def test_an_unknown_placeholder_is_told_at_its_variant(
    tmp_path: Path, written: str, line: int
) -> None:
    write_world(tmp_path, "prompts:\n" + written)
    with pytest.raises(PackError) as caught:
        small_world(tmp_path, "prompts:\n" + written)
    told = {one.line: one.message for one in caught.value.problems}
    assert set(told) == {line}
    assert any("{nummer}" in one.message for one in caught.value.problems)


def test_variants_must_have_the_same_placeholders(tmp_path: Path) -> None:
    line, _, message = problem(tmp_path, "prompts:\n  extra:\n    - 您的{title}\n    - 您的\n")
    assert line == 4
    assert "the same placeholders" in message
    assert "{title}" in message


def test_a_text_too_long_for_the_phone_is_told_with_its_length(tmp_path: Path) -> None:
    line, _, message = problem(tmp_path, f"prompts:\n  extra: [好的, {'好' * 70}。]\n")
    assert line == 2
    assert "about 14 s" in message


@pytest.mark.parametrize(
    ("written", "line", "why"),
    [
        ("  extra: ''\n", 2, "is empty"),
        ("  extra: []\n", 2, "at least one"),
        ("  extra:\n    - 好\n    - ''\n", 4, "is empty"),
        ("  extra:\n    say: ''\n", 3, "is empty"),
        ("  extra:\n    must_hear: true\n", 2, "is missing"),
        ("  extra: {say: 好, must_here: true}\n", 2, "not a field"),
        ("  extra: 5\n", 2, ""),
    ],
)
def test_what_is_no_prompt_is_told_at_its_line(
    tmp_path: Path, written: str, line: int, why: str
) -> None:
    told_line, _, message = problem(tmp_path, "prompts:\n" + written)
    assert told_line == line
    assert why in message


def test_editors_are_told_that_a_prompt_may_be_a_text_a_list_or_a_mapping() -> None:
    described = PackFile.model_json_schema()["properties"]["prompts"]
    (allowed,) = described["patternProperties"].values()
    assert [one.get("type", "mapping") for one in allowed["anyOf"]] == [
        "string",
        "array",
        "mapping",
    ]


@pytest.mark.parametrize(
    "written",
    [
        "  greeting: 您好，这里是某市热线。\n",
        "  greeting: [您好，某市。, 某市您好。]\n",
        "  greeting:\n    - 您好，某市。\n    - 某市您好。\n",
        "  greeting:\n  - 您好，某市。\n  - 某市您好。\n",
        "  greeting:\n    say: 您好，某市。\n    must_hear: true\n",
    ],
)
def test_a_new_pack_greets_in_its_own_name_however_the_greeting_was_written(written: str) -> None:
    text = f"prompts:\n  hold: 请稍候。\n{written}  goodbye: 再见。\n"
    prompts = yaml.safe_load(regreeted(text))["prompts"]
    assert list(prompts) == ["hold", "greeting", "goodbye"]
    assert "某市" not in prompts["greeting"]


def test_the_estimated_length_grows_with_syllables_and_pauses_not_with_braces() -> None:
    assert (
        estimated_seconds("您好") < estimated_seconds("您好您好") < estimated_seconds("您好，您好")
    )
    assert estimated_seconds("您好{title}") == estimated_seconds("您好")
    assert estimated_seconds("") == 0.0
    assert 1.0 < estimated_seconds("How can I help you today?") < 3.0

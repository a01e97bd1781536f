from __future__ import annotations

from pathlib import Path

import pytest
from understanding.worlds import META, PROMPTS, small_world, write_world

from bot.understanding.pack import Pack, PackError, load_pack
from bot.understanding.schema import expansions
from bot.understanding.types import IntentKind

WATER = """units: [{id: water, name: 水务}]
categories:
  - id: water.outage
    title: 停水
    unit: water
    opening: 我来登记。
    phrases:
      - 停水了
      - "[我]家没水"
"""


def problems(folder: Path) -> list[tuple[str, int, str]]:
    with pytest.raises(PackError) as caught:
        load_pack(folder)
    return [(one.file.name, one.line, one.message) for one in caught.value.problems]


def only_problem(folder: Path, world: str) -> tuple[int, int, str]:
    file = write_world(folder, world)
    with pytest.raises(PackError) as caught:
        load_pack(folder)
    (problem,) = caught.value.problems
    assert problem.file == file
    return problem.line, problem.column, problem.message


def test_a_well_formed_pack_loads(tmp_path: Path) -> None:
    pack = small_world(tmp_path, WATER)
    assert pack.kind("water.outage") is IntentKind.CATEGORY
    assert pack.unit_name("water") == "水务"
    assert pack.spoken_texts() == ["您好", "我来登记。"]


def test_a_syntax_error_is_reported_at_its_line(tmp_path: Path) -> None:
    line, _, message = only_problem(tmp_path, WATER.replace("unit: water", "unit: [water"))
    assert line in (5, 6)
    assert "not valid YAML" in message


def test_a_tab_is_reported_at_its_line(tmp_path: Path) -> None:
    line, _, message = only_problem(tmp_path, WATER.replace("    unit:", "\tunit:"))
    assert line == 5
    assert "not valid YAML" in message


def test_an_unknown_field_is_reported_at_its_name(tmp_path: Path) -> None:
    world = WATER.replace("    opening:", "    openning:")
    write_world(tmp_path, world)
    found = problems(tmp_path)
    assert ("world.yaml", 6) in [(file, line) for file, line, why in found if "spelling" in why]
    assert any("“opening”: is missing" in why for _, _, why in found)


def test_a_second_intent_of_the_same_name_is_reported_with_the_first(tmp_path: Path) -> None:
    twice = WATER + WATER[WATER.index("  - id") :].replace("停水了", "断流了").replace(
        "[我]家没水", "没有自来水"
    )
    line, column, message = only_problem(tmp_path, twice)
    assert (line, column) == (10, 9)
    assert "water.outage" in message
    assert "line 3" in message


EXAMPLES = """examples:
  water.outage:
    - 喂你好我们这边从早上就一直没有水
"""


def test_examples_of_one_intent_may_come_from_several_files(tmp_path: Path) -> None:
    (tmp_path / "more.yaml").write_text(EXAMPLES.replace("早上", "昨晚"), encoding="utf-8")
    pack = small_world(tmp_path, WATER + EXAMPLES)
    assert len(pack.examples["water.outage"]) == 2


def test_an_example_is_plain_text_in_which_signs_of_templates_mean_nothing(tmp_path: Path) -> None:
    pack = small_world(tmp_path, WATER + EXAMPLES.replace("早上", "早上(大概六点"))
    assert pack.examples["water.outage"] == ("喂你好我们这边从早上(大概六点就一直没有水",)


def test_examples_of_an_unknown_intent_are_reported_at_its_name(tmp_path: Path) -> None:
    line, column, message = only_problem(tmp_path, WATER + EXAMPLES.replace("outage", "leak"))
    assert (line, column) == (11, 3)
    assert "there is no intent “water.leak”" in message


def test_an_example_given_twice_is_reported_even_in_another_file(tmp_path: Path) -> None:
    (tmp_path / "again.yaml").write_text(EXAMPLES.replace("喂你好", "喂，你好，"), encoding="utf-8")
    write_world(tmp_path, WATER + EXAMPLES)
    assert problems(tmp_path) == [
        (
            "world.yaml",
            12,
            "“喂你好我们这边从早上就一直没有水” is an example of “water.outage” already "
            "(again.yaml, line 3)",
        )
    ]


def test_an_example_that_is_a_phrase_of_another_intent_is_reported(tmp_path: Path) -> None:
    other = "  - {id: water.other, title: 水, unit: water, opening: 好。, phrases: [水浑了]}\n"
    more = "examples: {water.other: [停水了]}\n"
    line, column, message = only_problem(tmp_path, WATER + other + more)
    assert (line, column) == (11, 26)
    assert "is a phrase of “water.outage” (world.yaml, line 8)" in message


def test_a_test_that_is_an_example_is_reported(tmp_path: Path) -> None:
    tests = "    tests: [喂你好我们这边从早上就一直没有水]\n"
    line, _, message = only_problem(tmp_path, WATER + tests + EXAMPLES)
    assert line == 10
    assert "word it anew" in message


def test_a_phrase_of_two_intents_is_reported_even_in_other_words(tmp_path: Path) -> None:
    other = (
        "  - {id: water.other, title: 水, unit: water, opening: 好。, "
        "phrases: ['请问，停水了？']}\n"
    )
    line, _, message = only_problem(tmp_path, WATER + other)
    assert line == 10
    assert "already belongs to “water.outage” (world.yaml, line 8)" in message


def test_a_bad_template_is_reported_at_the_character(tmp_path: Path) -> None:
    line, column, message = only_problem(tmp_path, WATER.replace("- 停水了", "- 我家(停水了"))
    assert (line, column) == (8, 11)
    assert "never closed" in message


def test_an_unknown_unit_is_reported(tmp_path: Path) -> None:
    line, _, message = only_problem(tmp_path, WATER.replace("unit: water", "unit: wather"))
    assert line == 5
    assert "there is no unit “wather”" in message


def test_an_empty_answer_is_reported(tmp_path: Path) -> None:
    world = (
        "intents:\n  - id: a.b\n    title: 甲\n    answer: '  '\n    source: 甲\n"
        "    reviewed: 2026-11-20\n    phrases: [甲乙丙]\n"
    )
    line, _, message = only_problem(tmp_path, world)
    assert (line, message) == (4, "“answer”: is empty")


def test_a_date_that_is_none_is_reported(tmp_path: Path) -> None:
    world = (
        "intents:\n  - {id: a.b, title: 甲, answer: 好, source: 甲, reviewed: soon,\n"
        "     phrases: [甲乙丙]}\n"
    )
    line, _, message = only_problem(tmp_path, world)
    assert line == 2
    assert "not a date" in message


def test_an_unknown_placeholder_is_reported(tmp_path: Path) -> None:
    line, _, message = only_problem(tmp_path, "prompts:\n  extra: 您的{nummer}好\n")
    assert line == 2
    assert "{nummer}" in message


def test_a_missing_prompt_is_reported(tmp_path: Path) -> None:
    write_world(tmp_path, WATER)
    (tmp_path / "prompts.yaml").write_text(
        PROMPTS.replace("  greeting: 您好\n", ""), encoding="utf-8"
    )
    assert {why for _, _, why in problems(tmp_path)} == {
        "prompt “greeting” is missing",
        "there is no prompt “greeting”",
    }


@pytest.mark.parametrize("accept", ["1.5", "0", "0.2"])
def test_thresholds_out_of_range_or_order_are_reported(tmp_path: Path, accept: str) -> None:
    write_world(tmp_path, WATER)
    meta = META.replace("accept: 0.6", f"accept: {accept}")
    (tmp_path / "meta.yaml").write_text(meta, encoding="utf-8")
    assert [(file, line) for file, line, _ in problems(tmp_path)] == [("meta.yaml", 7)]


def test_a_field_given_twice_is_reported(tmp_path: Path) -> None:
    line, _, message = only_problem(
        tmp_path, WATER.replace("    opening", "    title: 水\n    opening")
    )
    assert line == 6
    assert "already given in line 4" in message


def test_all_problems_are_told_at_once_over_all_files(tmp_path: Path) -> None:
    write_world(tmp_path, WATER.replace("停水了", "停水[了"))
    (tmp_path / "other.yaml").write_text("what: 1\n", encoding="utf-8")
    assert [(file, line) for file, line, _ in problems(tmp_path)] == [
        ("other.yaml", 1),
        ("world.yaml", 8),
    ]


FAQ = """intents:
  - id: fund.withdraw
    title: 公积金提取
    answer: 网上办。
    source: x
    reviewed: 2026-11-20
    phrases: [公积金怎么提取]
"""


@pytest.mark.parametrize(
    ("world", "at", "why"),
    [
        (FAQ + "    tests: [请问，公积金怎么提取]\n", (8, 13), "a phrase of this intent"),
        (WATER + "    tests: ['(我|他)家没水']\n", (10, 13), "what somebody says"),
        (
            WATER + "    tests: [好久没水, 嗯好久没水]\n",
            (10, 19),
            "a test of “water.outage” already",
        ),
        (WATER + "    tests: ['？']\n", (10, 13), "says nothing at all"),
        (
            FAQ + "    follow_ups:\n      - title: 材料\n        phrases: [带什么, '要(带']\n"
            "        answer: 证。\n",
            (10, 26),
            "never closed",
        ),
        (
            FAQ + "    follow_ups:\n      - {title: 材料, phrases: [带…什么], answer: 证。}\n",
            (9, 32),
            "may not stand in phrases",
        ),
    ],
)
def test_tests_and_follow_ups_are_checked(
    tmp_path: Path, world: str, at: tuple[int, int], why: str
) -> None:
    line, column, message = only_problem(tmp_path, world)
    assert (line, column) == at
    assert why in message


def test_a_test_that_is_another_intent_s_phrase_is_reported(tmp_path: Path) -> None:
    other = (
        "  - {id: water.other, title: 水, unit: water, opening: 好。, phrases: [水], "
        "tests: [家没水]}\n"
    )
    line, _, message = only_problem(tmp_path, WATER + other)
    assert line == 10
    assert "a phrase of “water.outage” (world.yaml, line 9)" in message


@pytest.mark.parametrize(
    ("mood", "why"),
    [
        ("{name: anger, title: 怒, words: ['气[死']}", "never closed"),
        ("{name: anger, title: 怒, words: [气死], unless: ['a?']}", "means nothing here"),
        ("{name: anger, title: 怒, words: [气死], by_sound: [气…死]}", "may not stand in by_sound"),
        (
            "{name: anger, title: 怒, words: [气死], prompt: nowhere}",
            "there is no prompt “nowhere”",
        ),
        ("{name: joy, title: 喜, words: [太好了]}", "is not one of"),
        ("{name: anger, title: 怒, words: []}", "needs at least one entry"),
    ],
)
def test_moods_are_checked(tmp_path: Path, mood: str, why: str) -> None:
    line, _, message = only_problem(tmp_path, f"moods:\n  - {mood}\n")
    assert line == 2
    assert why in message


def test_a_mood_given_twice_is_reported(tmp_path: Path) -> None:
    mood = "  - {name: anger, title: 怒, words: [气死]}\n"
    line, _, message = only_problem(tmp_path, f"moods:\n{mood}{mood}")
    assert line == 3
    assert "mood “anger” is already there" in message


def test_a_region_that_is_no_code_is_reported(tmp_path: Path) -> None:
    line, _, _ = only_problem(tmp_path, "region: 北京\n")
    assert line == 1


def test_a_deadline_is_the_category_s_own_or_that_of_its_urgency(tmp_path: Path) -> None:
    urgent = WATER.replace("    unit:", "    urgency: urgent\n    unit:")
    own = urgent.replace("    unit:", "    deadline: 5\n    unit:")
    assert small_world(tmp_path, WATER).deadline("water.outage") == 7 * 24
    assert small_world(tmp_path, urgent).deadline("water.outage") == 2
    pack = small_world(tmp_path, own)
    assert pack.deadline("water.outage") == 5
    with pytest.raises(KeyError):
        pack.deadline("nowhere")


@pytest.mark.timeout(30)  # its speed is measured by tests/bench/bench_understanding.py
def test_a_big_city_s_pack_is_read_and_checked(tmp_path: Path) -> None:
    # 400 intents with 30 ways of saying each; every character pair is another word.
    lines = ["intents:"]
    for number in range(400):
        a, b = chr(0x4E00 + number * 7), chr(0x6000 + number * 7)
        lines += [
            f"  - id: a.q{number}",
            f"    title: {a}{b}",
            f"    answer: {a}{b}好。",
            "    source: x",
            "    reviewed: 2026-11-20",
            f"    phrases: ['({a}{b}|{b}{a})(怎么|如何|在哪)(办|查|领|退|补)']",
            f"    tests: [想弄{a}{b}这件事]",
        ]
    write_world(tmp_path, "\n".join(lines))
    pack = load_pack(tmp_path)
    assert sum(len(expansions(intent)) for intent in pack.intents) == 12_000


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "no such folder" in problems(tmp_path / "nowhere")[0][2]


def test_the_shipped_pack_covers_what_a_city_needs(pack: Pack) -> None:
    assert len(pack.of_kind(IntentKind.FAQ)) >= 35
    assert len(pack.of_kind(IntentKind.CATEGORY)) >= 14
    assert {pack.prompt(f"emergency_{n}")[:1] for n in (110, 119, 120, 122)}
    for intent in (*pack.of_kind(IntentKind.FAQ), *pack.of_kind(IntentKind.CATEGORY)):
        assert len(intent.phrases) >= 6, intent.id


def test_the_shipped_texts_are_short_enough_to_listen_to(pack: Pack) -> None:
    # About 4.5 characters a second: 54 characters are 12 seconds.
    assert [text for text in pack.spoken_texts() if len(text) > 54] == []

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.understanding.template import TemplateError, parse

_words = st.text(alphabet="我家停水了怎么办ab1", min_size=1, max_size=4)
_templates = st.recursive(
    _words,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"[{'|'.join(parts)}]"),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
    ),
    max_leaves=6,
)


@given(_templates)
def test_every_expansion_matches_the_template_it_came_from(source: str) -> None:
    template = parse(source)
    expanded = template.expand()
    assert expanded
    assert all(template.matches(text) for text in expanded)
    assert len(expanded) <= template.count()


@given(_templates, st.text(alphabet="火山", min_size=1, max_size=3))
def test_text_with_foreign_words_does_not_match(source: str, foreign: str) -> None:
    template = parse(source)
    assert not any(template.matches(text + foreign) for text in template.expand())


def test_optional_parts_and_choices_are_spelled_out_in_writing_order() -> None:
    assert parse("[我]家(停|断)水").expand() == ["我家停水", "我家断水", "家停水", "家断水"]


def test_a_gap_stands_for_at_most_ten_characters() -> None:
    template = parse("燃气…泄漏")
    assert template.matches("燃气泄漏")
    assert template.matches("燃气好像是有一点泄漏")
    assert not template.matches("燃气" + "一" * 11 + "泄漏")


@pytest.mark.parametrize(
    ("source", "column", "why"),
    [
        ("我家[停水", 2, "never closed"),
        ("我家停水]", 4, "no partner"),
        ("(停水|)了", 0, "empty choice"),
        ("[]了", 0, "empty choice"),
        ("停|断", 1, "only stand inside"),
        ("(停水]", 3, "closed by"),
        ("停水?", 2, "means nothing here"),
        ("(一|二|三|四|五|六|七|八)" * 4, 0, "4096 ways"),
    ],
)
def test_a_bad_template_names_the_column_and_the_reason(source: str, column: int, why: str) -> None:
    with pytest.raises(TemplateError, match=why) as caught:
        parse(source)
    assert caught.value.column == column

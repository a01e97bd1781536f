from __future__ import annotations

from pathlib import Path

import pytest

from bot.understanding.records import DataError, read_records


def write(folder: Path, name: str, content: bytes) -> Path:
    file = folder / name
    file.write_bytes(content)
    return file


def test_a_table_is_read_by_the_names_of_its_columns(tmp_path: Path) -> None:
    file = write(tmp_path, "a.csv", '内容,类别\n我家停水了,water\n"没电,没电",power\n'.encode())
    rows = read_records(file, "内容", "类别").rows
    assert [(row.text, row.intent) for row in rows] == [
        ("我家停水了", "water"),
        ("没电,没电", "power"),
    ]


def test_json_lines_may_name_other_right_answers(tmp_path: Path) -> None:
    line = '{"text":"没水","intent":"water","also":["pipe"],"style":"short"}\n\n'
    (row,) = read_records(write(tmp_path, "a.jsonl", line.encode())).rows
    assert row.allows("water")
    assert row.allows("pipe")
    assert not row.allows("power")
    assert row.style == "short"


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    file = write(tmp_path, "a.csv", b"\xef\xbb\xbf" + b"text,intent\nhello,greet\n")
    assert read_records(file).rows[0].intent == "greet"


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.csv", b"", "no column"),
        ("a.csv", b"text,intent\n", "holds no rows"),
        ("a.csv", b"text,label\na,b\n", "no column “intent”; there are: text, label"),
        ("a.csv", b"text,intent\na,b\n\xff\xfe,c\n", "a.csv:3: is not UTF-8"),
        ("a.csv", b"text,intent\na,b\n ,c\n", "a.csv:3: “text” is missing or empty"),
        ("a.csv", b'text,intent\n"a,b\n', "not valid CSV"),
        ("a.jsonl", b"", "holds no rows"),
        ("a.jsonl", b'{"text":"a","intent":"b"}\n{"text":\n', "a.jsonl:2: is not valid JSON"),
        ("a.jsonl", b"[1]\n", "not a JSON object"),
        ("a.jsonl", b'{"text":"a"}\n', "a.jsonl:1: “intent” is missing"),
        ("a.jsonl", b'{"text":"a","intent":"b","also":[1]}\n', "not a list of names"),
    ],
)
def test_a_bad_file_is_told_with_the_place(
    tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    with pytest.raises(DataError, match=why):
        read_records(write(tmp_path, name, content))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_records(tmp_path / "none.csv")

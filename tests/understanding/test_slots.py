from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.casework.tickets import ticket_number
from bot.understanding.pack import Pack
from bot.understanding.places import Gazetteer
from bot.understanding.schema import Place
from bot.understanding.slots import find_slots

#: A Tuesday afternoon.
NOW = dt.datetime(2026, 11, 24, 16, 0)
EMPTY = Gazetteer.of()
SPOKEN = str.maketrans("0123456789", "零幺二三四五六七八九")


def identity(digits: str) -> str:
    """17 digits with their check character, by the congruence that GB 11643 states.

    The sum of a(i) * 2^(i-1) over all 18 places, counted from the right, is 1 modulo 11.
    """
    rest = sum(int(digit) * 2**power for digit, power in zip(digits, range(17, 0, -1), strict=True))
    check = (1 - rest) % 11
    return digits + ("X" if check == 10 else str(check))


births = st.dates(dt.date(1900, 1, 1), dt.date(2026, 1, 1)).map(lambda day: day.strftime("%Y%m%d"))
identities = st.builds(
    lambda region, birth, serial: identity(f"{region}{birth}{serial:03}"),
    st.sampled_from(["110105", "440308", "130102"]),
    births,
    st.integers(0, 999),
)
mobiles = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
tickets = st.builds(
    lambda day, serial: ticket_number(day.strftime("%y%m%d"), serial),
    st.dates(dt.date(2025, 1, 1), dt.date(2035, 1, 1)),
    st.integers(1, 99999),
)


@pytest.mark.parametrize(
    ("said", "slots"),
    [
        (
            "我在朝阳区幸福小区3号楼",
            {"district": "朝阳区", "community": "幸福小区", "number": "3号楼",
             "place": "朝阳区幸福小区3号楼"},
        ),
        (
            "海淀的中关村大街二十七号",
            {"district": "海淀区", "road": "中关村大街", "number": "27号",
             "place": "海淀区中关村大街27号"},
        ),
        (
            "朝阳区望京街道广顺北大街33号院六号楼路灯不亮",
            {"district": "朝阳区", "street": "望京街道", "road": "广顺北大街",
             "number": "33号院6号楼", "place": "朝阳区望京街道广顺北大街33号院6号楼"},
        ),
        (
            "东城区和平里街道和平里七区十六号楼",
            {"district": "东城区", "street": "和平里街道", "community": "和平里",
             "number": "7区16号楼", "place": "东城区和平里街道和平里7区16号楼"},
        ),
        (
            "我住望京西园三区停电了",
            {"district": "朝阳区", "community": "望京西园", "number": "3区",
             "place": "朝阳区望京西园3区"},
        ),
        ("安贞里的路灯坏了", {"district": "朝阳区", "community": "安贞里",
                              "place": "朝阳区安贞里"}),
        ("我们家住在阳光花园", {"community": "阳光花园", "place": "阳光花园"}),
        ("就在朝阳公园边上", {"landmark": "朝阳公园", "place": "朝阳公园"}),
        ("國貿附近打車難", {"landmark": "国贸", "district": "朝阳区", "place": "朝阳区国贸"}),
        ("学院路30号门口积水", {"road": "学院路", "place": "学院路"}),
    ],
)  # fmt: skip
def test_a_place_is_told_in_its_parts(pack: Pack, said: str, slots: dict[str, str]) -> None:
    assert find_slots(said, pack.gazetteer, NOW) == slots


@pytest.mark.parametrize(
    ("said", "street", "district"),
    [
        ("昌平沙河镇", "沙河镇", "昌平区"),
        ("我在西红门镇", "西红门镇", "大兴区"),
        ("酒仙桥街道", "酒仙桥街道", "朝阳区"),
        ("八里庄街道那边", "八里庄街道", ""),  # there are two
        ("朝阳平房那边", "平房乡", "朝阳区"),
    ],
)
def test_a_township_tells_its_district_where_it_lies_in_one(
    pack: Pack, said: str, street: str, district: str
) -> None:
    slots = find_slots(said, pack.gazetteer, NOW)
    assert (slots["street"], slots.get("district", "")) == (street, district)


@pytest.mark.parametrize(
    "said",
    [
        "", "路灯坏了", "我们小区停水了", "这个村的路没人修", "住在平房里", "我在过街天桥上",
        "五楼有人往下扔垃圾", "公交车302路不停", "哪条路在修", "我在13号线", "我们这边的广场",
        "商家跑路", "广场舞太吵", "外人随便进小区", "水泥路压坏了", "大货车走小区门口的路",
        "老人进公园", "车堵死路", "一出火车站", "满街都是", "摩托车炸街",
        "坐地铁10号线", "公交站牌坏了", "上街道办盖章", "一般几天能办好", "24小时营业",
        "一天到晚吵", "一块儿去", "周末办公吗", "从早到晚", "早就想说了", "几号放假",
    ],
)  # fmt: skip
def test_ordinary_words_are_no_facts(pack: Pack, said: str) -> None:
    assert find_slots(said, pack.gazetteer, NOW) == {}


def test_any_city_has_its_gazetteer_by_its_code() -> None:
    slots = find_slots("我在长安区建北街道", Gazetteer.of(region="130100"), NOW)
    assert (slots["district"], slots["street"]) == ("长安区", "建北街道")
    assert find_slots("我在长安区", EMPTY, NOW) == {}


def test_a_pack_s_own_places_are_known_by_all_their_names() -> None:
    bell = Place(name="钟楼", aliases=("老钟楼",), kind="landmark", district="东城区")
    slots = find_slots("在老钟楼旁边", Gazetteer.of([bell]), NOW)
    assert slots == {"landmark": "钟楼", "district": "东城区", "place": "东城区钟楼"}


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ("幸福小区八号楼，不是八号是九号", "幸福小区9号楼"),
        ("幸福小区八号楼，不是八号楼，是九号楼", "幸福小区9号楼"),
        ("朝阳区幸福小区8号楼2单元，说错了，9号楼", "朝阳区幸福小区9号楼2单元"),
        ("朝阳区幸福小区，不对，是海淀区阳光小区3号楼", "海淀区阳光小区3号楼"),
        ("朝阳区学院路，我说错了，是海淀", "海淀区学院路"),
        ("不是朝阳是海淀", "海淀区"),
        ("是不是朝阳区是海淀区的邻居", "朝阳区"),
    ],
)
def test_what_is_corrected_wins(pack: Pack, said: str, place: str) -> None:
    assert find_slots(said, pack.gazetteer, NOW)["place"] == place


def test_a_corrected_number_wins(pack: Pack) -> None:
    said = "电话是13800138000，说错了，是13900139000"
    assert find_slots(said, pack.gazetteer, NOW) == {"phone": "13900139000"}
    said = "花了三百块，不是三百块是五百块"
    assert find_slots(said, pack.gazetteer, NOW) == {"amount": "500元"}


@given(mobiles)
def test_a_mobile_number_is_read_from_digits_and_from_speech(number: str) -> None:
    for said in (number, number.translate(SPOKEN), f"{number[:3]} {number[3:7]}，{number[7:]}"):
        assert find_slots(f"电话是{said}。", EMPTY, NOW).get("phone") == number


@given(identities)
def test_an_identity_number_is_read_when_its_check_character_holds(number: str) -> None:
    for said in (number, number.translate(SPOKEN), number.replace("X", "叉"), number.lower()):
        slots = find_slots(f"身份证{said}", EMPTY, NOW)
        assert slots.get("id_number") == number
        assert "phone" not in slots


@given(identities, st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_makes_no_identity_number(number: str, place: int, by: int) -> None:
    wrong = f"{number[:place]}{(int(number[place]) + by) % 10}{number[place + 1 :]}"
    assert "id_number" not in find_slots(wrong, EMPTY, NOW)


@given(tickets)
def test_every_number_that_casework_gives_is_read(number: str) -> None:
    for said in (number, number.translate(SPOKEN), f"{number[:6]}，{number[6:]}"):
        assert find_slots(f"工单号{said}", EMPTY, NOW).get("ticket") == number


@given(tickets, st.integers(0, 11), st.integers(1, 9))
def test_a_misheard_ticket_number_is_not_taken(number: str, place: int, by: int) -> None:
    wrong = f"{number[:place]}{(int(number[place]) + by) % 10}{number[place + 1 :]}"
    assert "ticket" not in find_slots(f"工单号{wrong}", EMPTY, NOW)


@pytest.mark.parametrize(
    ("said", "slots"),
    [
        ("电话零幺零六五幺二八八八八", {"phone": "01065128888"}),
        ("电话010-65128888", {"phone": "01065128888"}),
        ("我的电话是0371 6512 8888", {"phone": "037165128888"}),
        ("幺三九四个八零零零一", {"phone": "13988880001"}),
        ("车牌京A幺二三四五", {"plate": "京A12345"}),
        ("车牌是京a 一二三b五", {"plate": "京A123B5"}),
        ("京AD12345占用消防通道", {"plate": "京AD12345"}),
        ("我是京A牌照的", {}),
        ("电话13800138000工单261124000017", {"phone": "13800138000", "ticket": "261124000017"}),
    ],
)
def test_numbers_as_people_say_them(said: str, slots: dict[str, str]) -> None:
    assert find_slots(said, EMPTY, NOW) == slots


@given(st.text(max_size=200))
def test_any_text_is_safe(pack: Pack, text: str) -> None:
    slots = find_slots(text, pack.gazetteer, NOW)
    assert all(slots.values())


@given(
    st.lists(
        st.sampled_from(list("不是对说错了，八号楼朝阳区路小三百块点半昨天上周五个月前零幺X京A")),
        max_size=40,
    )
)
def test_any_jumble_of_facts_is_safe(pack: Pack, said: list[str]) -> None:
    find_slots("".join(said), pack.gazetteer, NOW)


def test_ten_kilobytes_are_no_trouble(pack: Pack) -> None:
    assert find_slots("我在朝阳区，" * 1000, pack.gazetteer, NOW)["district"] == "朝阳区"
